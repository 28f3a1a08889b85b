"""Accuracy of an exported model, one token per round, in float32 on the weights as they are stored.

    python evaluate.py ../../Sources/Models/Resources/reference work/lists-test.jsonl --count 240
"""
import argparse
import json
import os
import time

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

import data
import decode
from model import LLaDA


def load_model(directory):
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    model = LLaDA(config["embedding_size"], config)
    tensors = load_file(os.path.join(directory, "model.safetensors"))
    model.load_state_dict({name.removeprefix("model.transformer."): w.float() for name, w in tensors.items()})
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("problems", nargs="+", help="JSONL files named BENCHMARK-SPLIT.jsonl")
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--per-round", type=int, default=1, help="tokens revealed in a round")
    parser.add_argument("--show", type=int, default=0, help="wrong responses to print")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    tokenizer = Tokenizer.from_file(os.path.join(o.model, "tokenizer.json"))
    model = load_model(o.model)
    for path in o.problems:
        name = os.path.basename(path).split("-")[0]
        problems = data.load(path, tokenizer)
        began = time.time()
        share, parts, wrong = decode.accuracy(
            model, problems, o.count, data.GEN_LENGTH[name], tokenizer.token_to_id("Ġ####"), per_round=o.per_round)
        print(f"{name}: {share:.3f} of {o.count}, {time.time() - began:.0f} s", parts, flush=True)
        for row, response in wrong[: o.show]:
            prompt = problems["prompt"][row][: problems["prompt_length"][row]]
            answer = problems["answer"][row][: problems["answer_length"][row]]
            print(*(tokenizer.decode(list(map(int, part)), skip_special_tokens=False).strip() for part in (prompt, answer, response)),
                  sep="\n   ")


if __name__ == "__main__":
    main()
