"""Writes a checkpoint's averaged weights as a Hugging Face directory in LLaDA's layout, in bfloat16.

    python export.py work/run.pt --tokenizer work/tok/tokenizer.json --output ../../Sources/Models/Resources/reference
"""
import argparse
import json
import os
import shutil

import torch
from safetensors.torch import save_file

from data import END, MASK

START = 2


def configuration(c, vocab):
    """LLaDA's config.json; the keys that do not matter here have the values of the released models."""
    return {
        "architectures": ["LLaDAModelLM"], "model_type": "llada", "activation_type": "silu", "alibi": False,
        "attention_dropout": 0.0, "attention_layer_norm": False, "attention_layer_norm_with_affine": True,
        "bias_for_layer_norm": False, "block_group_size": 1, "block_type": "llama", "bos_token_id": START,
        "d_model": c["d_model"], "embedding_dropout": 0.0, "embedding_size": vocab, "eos_token_id": END,
        "flash_attention": False, "include_bias": False, "include_qkv_bias": False, "init_device": "cpu",
        "init_fn": "mitchell", "init_std": 0.02, "input_emb_norm": False, "layer_norm_type": "rms",
        "layer_norm_with_affine": True, "mask_token_id": MASK, "max_sequence_length": c["max_sequence_length"],
        "mlp_hidden_size": c["mlp_hidden_size"], "mlp_ratio": 4, "multi_query_attention": None, "n_heads": c["n_heads"],
        "n_kv_heads": c["n_heads"], "n_layers": c["n_layers"], "pad_token_id": END, "precision": "amp_bf16",
        "residual_dropout": 0.0, "rms_norm_eps": 1e-05, "rope": True, "rope_full_precision": True,
        "rope_theta": c["rope_theta"], "scale_logits": False, "torch_dtype": "bfloat16", "use_cache": False,
        "vocab_size": vocab, "weight_tying": False,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--output", required=True)
    o = parser.parse_args()
    saved = torch.load(o.checkpoint, weights_only=False, map_location="cpu")
    weights = saved["mean"]
    vocab = weights["wte.weight"].shape[0]
    os.makedirs(o.output, exist_ok=True)
    tensors = {f"model.transformer.{name}": w.to(torch.bfloat16).contiguous() for name, w in weights.items()}
    save_file(tensors, os.path.join(o.output, "model.safetensors"), metadata={"format": "pt"})
    with open(os.path.join(o.output, "config.json"), "w") as file:
        json.dump(configuration(saved["config"], vocab), file, indent=2)
        file.write("\n")
    with open(os.path.join(o.output, "tokenizer_config.json"), "w") as file:
        json.dump({
            "tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False, "add_eos_token": False,
            "bos_token": "<|start|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "mask_token": "<|mdm_mask|>",
            "clean_up_tokenization_spaces": False, "model_max_length": saved["config"]["max_sequence_length"],
        }, file, indent=2)
        file.write("\n")
    shutil.copyfile(o.tokenizer, os.path.join(o.output, "tokenizer.json"))
    os.chmod(os.path.join(o.output, "model.safetensors"), 0o644)
    size = os.path.getsize(os.path.join(o.output, "model.safetensors"))
    print(f"step {saved['state']['step']}, {saved['state']['tokens']} tokens: {len(tensors)} tensors, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
