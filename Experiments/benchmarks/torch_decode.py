"""LLaDA in PyTorch, float32 on the CPU, as a careful user writes it: what `bench torch` holds the native engine against.

    python torch_decode.py MODEL

reads one JSON request a line and answers each with one line. Projections that read the same rows are one matrix, attention is
scaled_dot_product_attention, nothing is recorded for gradients, and only the rows that a strategy may decide go through the head ("rows": "needed"); with
"rows": "all" every position does, as in the papers' code. Confidences are float64 softmax probabilities, as there.

    {"op": "decode", "threads": 1, "tokens": [...], "prompt": 20, "block": 16, "strategy": "threshold", "confidence": 0.9, "rows": "needed"}
    {"op": "forward", "threads": 1, "tokens": [...], "asked": 32, "repeat": 3, "rows": "needed"}
"""
import json
import sys
import time
from pathlib import Path

sys.path = [place for place in sys.path if place]
import torch
import torch.nn.functional as F
from safetensors import safe_open


class Model:
    """A LLaDA checkpoint in float32."""

    def __init__(self, folder):
        config = json.loads((Path(folder) / "config.json").read_text())
        self.heads, self.width = config["n_heads"], config["d_model"]
        self.epsilon, self.mask, self.base = config["rms_norm_eps"], config["mask_token_id"], config["rope_theta"]
        self.head_width = self.width // self.heads
        with safe_open(str(Path(folder) / "model.safetensors"), framework="pt") as file:
            tensor = lambda name: file.get_tensor("model.transformer." + name + ".weight").float()
            stack = lambda *names: torch.cat([tensor(name) for name in names])
            self.embedding = tensor("wte")
            self.norm = tensor("ln_f")
            self.head = self.embedding if config["weight_tying"] else tensor("ff_out")
            self.layers = []
            for index in range(config["n_layers"]):
                prefix = f"blocks.{index}."
                self.layers.append((
                    tensor(prefix + "attn_norm"), stack(*(prefix + name for name in ("q_proj", "k_proj", "v_proj"))), tensor(prefix + "attn_out"),
                    tensor(prefix + "ff_norm"), stack(prefix + "ff_proj", prefix + "up_proj"), tensor(prefix + "ff_out")))
        self.tables = {}

    def rotary(self, length):
        if length not in self.tables:
            frequencies = self.base ** (-torch.arange(0, self.head_width, 2, dtype=torch.float32) / self.head_width)
            angles = torch.outer(torch.arange(length, dtype=torch.float32), frequencies).repeat(1, 2)
            self.tables[length] = (angles.cos(), angles.sin())
        return self.tables[length]

    def __call__(self, tokens, rows):
        """Logits of the given rows of one sequence; all of them where `rows` is None."""
        x = F.embedding(tokens, self.embedding)
        length = x.shape[0]
        cosine, sine = self.rotary(length)

        def rotate(y):
            first, second = y.chunk(2, dim=-1)
            return y * cosine + torch.cat((-second, first), dim=-1) * sine

        for attention_norm, joint, output, feed_norm, gates, down in self.layers:
            normed = F.rms_norm(x, (self.width,), attention_norm, self.epsilon)
            q, k, v = F.linear(normed, joint).view(length, 3, self.heads, self.head_width).permute(1, 2, 0, 3)
            attended = F.scaled_dot_product_attention(rotate(q)[None], rotate(k)[None], v[None])[0]
            x = x + F.linear(attended.transpose(0, 1).reshape(length, self.width), output)
            gate, up = F.linear(F.rms_norm(x, (self.width,), feed_norm, self.epsilon), gates).chunk(2, dim=-1)
            x = x + F.linear(F.silu(gate) * up, down)
        if rows is not None:
            x = x[rows]
        return F.linear(F.rms_norm(x, (self.width,), self.norm, self.epsilon), self.head)


def clock(request):
    """Of one thread the time it has had on a processor, which others on the machine cannot take away; else the time that passes."""
    return time.process_time() if request["threads"] == 1 else time.perf_counter()


def decode(model, request):
    """One response: which positions were revealed in which round, and the seconds of all of it."""
    tokens = torch.tensor(request["tokens"])
    start, block = request["prompt"], request["block"]
    everything = request["rows"] == "all"
    commits = []
    started = clock(request)
    for left in range(start, len(tokens), block):
        while True:
            open_rows = left + torch.nonzero(tokens[left:left + block] == model.mask).flatten()
            if len(open_rows) == 0:
                break
            logits = model(tokens, None if everything else open_rows)
            if everything:
                # The papers' code takes the softmax of every row before it chooses among the block's.
                probabilities = logits.double().softmax(-1)
                probabilities[:, model.mask] = 0
                confidence, best = (values[open_rows] for values in probabilities.max(-1))
            else:
                probabilities = logits.double().softmax(-1)
                probabilities[:, model.mask] = 0
                confidence, best = probabilities.max(-1)
            if request["strategy"] == "threshold":
                chosen = torch.nonzero(confidence >= request["confidence"]).flatten()
                if len(chosen) == 0:
                    chosen = confidence.argmax().view(1)
            else:
                chosen = confidence.argmax().view(1)
            tokens[open_rows[chosen]] = best[chosen]
            commits.append((open_rows[chosen], best[chosen]))
    seconds = clock(request) - started
    return {"seconds": seconds, "commits": [sorted([row - start, token] for row, token in zip(rows.tolist(), found.tolist())) for rows, found in commits]}


def forward(model, request):
    """Mean seconds of a forward pass."""
    tokens = torch.tensor(request["tokens"])
    rows = None if request["rows"] == "all" else torch.arange(len(tokens) - request["asked"], len(tokens))
    started = clock(request)
    for _ in range(request["repeat"]):
        logits = model(tokens, rows)
    seconds = (clock(request) - started) / request["repeat"]
    logits[:, model.mask] = -torch.inf
    return {"seconds": seconds, "best": logits.argmax(-1).tolist()}


@torch.inference_mode()
def main():
    model = Model(sys.argv[1])
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        torch.set_num_threads(request["threads"])
        print(json.dumps({"decode": decode, "forward": forward}[request["op"]](model, request)), flush=True)


main()
