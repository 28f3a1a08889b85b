"""Trains the reference model. Stop it at any time; the same command goes on from its last checkpoint.

    python train.py --minutes 100
"""
import argparse
import csv
import json
import os
import time

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

import data
import kernel
from model import CONFIG, LLaDA

HERE = os.path.dirname(os.path.abspath(__file__))


class Muon:
    """Momentum with orthogonal updates, for the matrices of the blocks."""

    def __init__(self, parameters, orthogonal, momentum=0.95):
        self.parameters, self.orthogonal, self.momentum = parameters, orthogonal, momentum
        self.memory = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, rate, decay):
        looks = []
        for p, memory in zip(self.parameters, self.memory):
            memory.lerp_(p.grad, 1 - self.momentum)
            looks.append(p.grad.lerp(memory, self.momentum))
        for p, update in zip(self.parameters, self.orthogonal(looks)):
            p.mul_(1 - rate * decay).sub_(update, alpha=rate * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def rate_at(spent, warm, stable):
    """Warm-up, constant, then linear to nothing: `spent` is the share of the budget that is used."""
    if spent < warm:
        return spent / warm + 0.01
    return 1.0 if spent < stable else max(0.0, (1 - spent) / (1 - stable))


def plan_at(spent, path):
    """The plan of the next draws: each benchmark's share, ease and kinds, the latest of the file's that has begun."""
    with open(path) as file:
        return [plan for began, plan in json.load(file) if began <= spent][-1]


def warm_start(model, tokenizer, folder):
    """Takes over an exported model: its matrices as they are, the rows of embedding and head by the tokens' spelling."""
    old = {n.removeprefix("model.transformer."): w.float() for n, w in load_file(os.path.join(folder, "model.safetensors")).items()}
    known = Tokenizer.from_file(os.path.join(folder, "tokenizer.json")).get_vocab()
    pairs = [(place, known[token]) for token, place in tokenizer.get_vocab().items() if token in known]
    new = model.state_dict()
    for name, weights in old.items():
        if name in ("wte.weight", "ff_out.weight"):
            new[name][[n for n, _ in pairs]] = weights[[o for _, o in pairs]]
        else:
            new[name].copy_(weights)
    return len(pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=100, help="the budget: minutes of training in all, restarts included")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", default=os.path.join(HERE, "work"), help="problems, checkpoints and the training curve")
    parser.add_argument("--name", default="run", help="of the checkpoint and the curve")
    parser.add_argument("--plan", default=os.path.join(HERE, "plan.json"), help="what is drawn when; read again every minute")
    parser.add_argument("--start", help="a folder with an exported model to start from")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens a thread takes in a step")
    parser.add_argument("--muon", type=float, default=0.004, help="rate of the matrices")
    parser.add_argument("--adam", type=float, default=0.0015, help="rate of embeddings, head and norms")
    parser.add_argument("--decay", type=float, default=0.01, help="weight decay of the matrices")
    parser.add_argument("--stable", type=float, default=0.7, help="share of the budget before the rate falls to nothing")
    parser.add_argument("--plain", action="store_true", help="PyTorch's arithmetic even where kernel.c would run")
    o = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(o.seed)

    tokenizer = Tokenizer.from_file(os.path.join(o.work, "tok", "tokenizer.json"))
    with open(os.path.join(o.work, "benchmarks.jsonl")) as file:
        known = {entry["name"]: entry for entry in map(json.loads, file)}
    known["drills"] = dict(gen_length=0, block_length=16)
    sets = {name: data.Problems(os.path.join(o.work, f"{name}-train.jsonl"), tokenizer, known[name]["gen_length"], known[name]["block_length"])
            for name in data.NAMES if os.path.exists(os.path.join(o.work, f"{name}-train.jsonl"))}
    packer = data.Packer(sets, CONFIG["max_sequence_length"])

    vocab = tokenizer.get_vocab_size()
    model, mean = LLaDA(vocab), LLaDA(vocab)
    state = dict(step=0, seconds=0.0, tokens=0)
    curve = []
    checkpoint = os.path.join(o.work, f"{o.name}.pt")
    saved = torch.load(checkpoint, weights_only=False) if os.path.exists(checkpoint) else None
    if saved:
        model.load_state_dict(saved["model"])
        state, curve = saved["state"], saved["curve"]
        print("goes on at step", state["step"], flush=True)
    elif o.start:
        print(warm_start(model, tokenizer, o.start), "of", vocab, "tokens known from", o.start, flush=True)
    mean.load_state_dict(saved["mean"] if saved else model.state_dict())

    native = None if o.plain else kernel.library(o.work)
    run = kernel.Native(native, model, o.threads, o.tokens, CONFIG["max_sequence_length"]) if native else kernel.Plain(model)
    print("arithmetic:", "kernel.c" if native else "PyTorch", flush=True)
    named = dict(model.named_parameters())
    matrices = [p for n, p in named.items() if n.startswith("blocks") and p.dim() == 2]
    others = [p for n, p in named.items() if not (n.startswith("blocks") and p.dim() == 2)]
    muon = Muon(matrices, run.orthogonal)
    adam = torch.optim.AdamW(others, lr=o.adam, betas=(0.9, 0.98), weight_decay=0.0)
    if saved:
        muon.memory = saved["muon"]
        adam.load_state_dict(saved["adam"])
    print(f"{sum(p.numel() for p in matrices) / 1e6:.2f}M in matrices, {sum(p.numel() for p in others) / 1e6:.2f}M besides", flush=True)

    def save():
        torch.save(dict(model=model.state_dict(), mean=mean.state_dict(), adam=adam.state_dict(), muon=muon.memory, state=state, curve=curve,
                        config=CONFIG, options=vars(o)), checkpoint + ".part")
        os.replace(checkpoint + ".part", checkpoint)
        with open(os.path.join(o.work, f"{o.name}.csv"), "w", newline="") as file:
            writer = csv.DictWriter(file, ["step", "minutes", "tokens", "rate"] + data.NAMES, restval="")
            writer.writeheader()
            writer.writerows(curve)

    sums = {name: [0.0, 0.0] for name in data.NAMES}
    budget, logged, began_tokens, began_seconds = o.minutes * 60, state["seconds"], state["tokens"], state["seconds"]
    packer.follow(plan_at(state["seconds"] / budget, o.plan))
    clock = time.time()
    while state["seconds"] < budget:
        spent = state["seconds"] / budget
        rate = rate_at(spent, 0.01, o.stable)
        rng = np.random.default_rng([o.seed, state["step"]])
        batches = [packer.batch(rng, o.tokens) for _ in range(o.threads)]
        for batch, losses in zip(batches, run(batches)):
            state["tokens"] += len(batch[0])
            totals = np.add.reduceat(batch[2], batch[3][:-1])
            for name, loss, total in zip(batch[4], losses, totals):
                sums[name][0] += float(loss) / float(total)
                sums[name][1] += 1
        size = sum(float(batch[2].sum()) for batch in batches)
        for p in others:
            p.grad /= size
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        muon.step(o.muon * rate, o.decay)
        for group in adam.param_groups:
            group["lr"] = o.adam * rate
        adam.step()
        state["step"] += 1
        with torch.no_grad():
            keep = min(0.998, state["step"] / (state["step"] + 10))
            for p, q in zip(mean.parameters(), model.parameters()):
                p.lerp_(q, 1 - keep)
        now = time.time()
        state["seconds"] += now - clock
        clock = now
        if state["seconds"] - logged >= 60 or state["seconds"] >= budget:
            logged = state["seconds"]
            row = dict(step=state["step"], minutes=round(state["seconds"] / 60, 2), tokens=state["tokens"], rate=round(rate, 4),
                       **{n: round(s / c, 4) if c else "" for n, (s, c) in sums.items()})
            sums = {name: [0.0, 0.0] for name in data.NAMES}
            curve.append(row)
            speed = (state["tokens"] - began_tokens) / (state["seconds"] - began_seconds)
            print(json.dumps(row), f"{speed:.0f} tok/s", flush=True)
            save()
            packer.follow(plan_at(spent, o.plan))
            clock = time.time()


if __name__ == "__main__":
    main()
