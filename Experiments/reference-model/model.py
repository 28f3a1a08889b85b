"""The LLaDA architecture, small: a bidirectional transformer with RMSNorm, RoPE and SwiGLU, under LLaDA's parameter names.

Shapes: B sequences, T positions, D width, H heads.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIG = dict(d_model=192, n_layers=6, n_heads=6, mlp_hidden_size=384, rope_theta=10000.0, max_sequence_length=512)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, hidden = c["d_model"], c["mlp_hidden_size"]
        self.heads = c["n_heads"]
        linear = lambda inputs, outputs: nn.Linear(inputs, outputs, bias=False)
        self.attn_norm, self.ff_norm = nn.RMSNorm(d, eps=1e-5), nn.RMSNorm(d, eps=1e-5)
        self.q_proj, self.k_proj, self.v_proj, self.attn_out = (linear(d, d) for _ in range(4))
        self.ff_proj, self.up_proj, self.ff_out = linear(d, hidden), linear(d, hidden), linear(hidden, d)

    def forward(self, x, cos, sin):
        B, T, D = x.shape
        weights = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        qkv = F.linear(self.attn_norm(x), weights).view(B, T, 3, self.heads, D // self.heads)
        qk, v = qkv[:, :, :2], qkv[:, :, 2].transpose(1, 2)
        first, second = qk.chunk(2, -1)
        qk = qk * cos + torch.cat([-second, first], -1) * sin
        q, k = qk[:, :, 0].transpose(1, 2), qk[:, :, 1].transpose(1, 2)
        # Written out, because the fused kernel of the CPU is many times slower on sequences this short.
        scores = q @ k.transpose(-1, -2) * (D // self.heads) ** -0.5
        mixed = torch.softmax(scores, -1, dtype=torch.float32).to(v.dtype) @ v
        x = x + self.attn_out(mixed.transpose(1, 2).reshape(B, T, D))
        gate, up = F.linear(self.ff_norm(x), torch.cat([self.ff_proj.weight, self.up_proj.weight])).chunk(2, -1)
        return x + self.ff_out(F.silu(gate) * up)


class LLaDA(nn.Module):
    """Token ids (B, T) to logits (B, T, vocabulary). No mask: every position sees every position."""

    def __init__(self, vocab, c=CONFIG):
        super().__init__()
        d = c["d_model"]
        self.wte = nn.Embedding(vocab, d)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c["n_layers"]))
        self.ln_f = nn.RMSNorm(d, eps=1e-5)
        self.ff_out = nn.Linear(d, vocab, bias=False)
        half = d // c["n_heads"] // 2
        frequencies = c["rope_theta"] ** (-torch.arange(half) / half)
        angles = torch.arange(c["max_sequence_length"])[:, None] * torch.cat([frequencies, frequencies])
        angles = angles[None, :, None, None]
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                inner = 0.02 if name in ("wte.weight", "ff_out.weight") else p.shape[1] ** -0.5
                closing = name.endswith("attn_out.weight") or (name.startswith("blocks") and name.endswith("ff_out.weight"))
                nn.init.normal_(p, std=inner / math.sqrt(2 * c["n_layers"]) if closing else inner)

    def forward(self, ids):
        T = ids.shape[1]
        x = self.wte(ids)
        if torch.is_autocast_enabled("cpu"):
            x = x.bfloat16()
        cos, sin = self.cos[:, :T].to(x.dtype), self.sin[:, :T].to(x.dtype)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.ff_out(self.ln_f(x))

    def loss(self, ids, targets, weights):
        """The weighted sum of the cross-entropies of all positions; weights (B, T) are 0 where nothing is masked."""
        logits = self(ids).float().flatten(0, 1)
        return (F.cross_entropy(logits, targets.flatten(), reduction="none") * weights.flatten()).sum()
