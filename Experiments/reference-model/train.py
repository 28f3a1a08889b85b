"""Trains the reference model. Stop it at any time; the same command goes on from its last checkpoint.

    python train.py --minutes 100
"""
import argparse
import csv
import json
import multiprocessing
import os
import time

import numpy as np
import torch
from tokenizers import Tokenizer

import data
from decode import accuracy
from model import CONFIG, LLaDA

HERE = os.path.dirname(os.path.abspath(__file__))

# The lessons: up to a share of the budget, each benchmark's share of the tokens and each kind's (weight, ease); see data.Deck.fill.
# One kind at a time, short lists first: learned together, nothing that needs a position in a list was learned at all (README).
LESSONS = [
    (0.10, dict(lists=(0.7, dict(copy=(6, 7), reverse=(1, 7), sort=(1, 4), shuffle=(0.3, 7))), arithmetic=(0.3, dict(all=(1, 4))))),
    (0.20, dict(lists=(0.6, dict(copy=(4, 3), reverse=(3, 5), sort=(1, 2), shuffle=(0.5, 7))), arithmetic=(0.4, dict(all=(1, 3))))),
    (0.35, dict(lists=(0.6, dict(copy=(1, 0), reverse=(4, 2), sort=(1, 0), shuffle=(2, 6))), arithmetic=(0.4, dict(all=(1, 2))))),
    (0.55, dict(lists=(0.5, dict(copy=(0.5, 0), reverse=(2, 0), sort=(1, 0), shuffle=(5, 4))), arithmetic=(0.5, dict(all=(1, 1))))),
    (1.00, dict(lists=(0.4, dict(copy=(1, 0), reverse=(1, 0), sort=(1, 0), shuffle=(3, 1))), arithmetic=(0.6, dict(all=(1, 0))))),
]


def lesson_at(spent, path):
    """The plan of the next deck: from the file where one was given, so that a run can be steered while it runs, else from LESSONS."""
    if path:
        with open(path) as file:
            return json.load(file)
    plan = next(plan for until, plan in LESSONS if spent <= until)
    return {name: {"share": share, "kinds": kinds} for name, (share, kinds) in plan.items()}


def orthogonal(g):
    """The nearest semi-orthogonal matrices to a stack of gradients, by five Newton-Schulz steps (Muon, Jordan et al. 2024)."""
    wide = g.shape[-2] > g.shape[-1]
    x = g.mT if wide else g
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.mT if wide else x).float()


class Muon:
    """Momentum with orthogonal updates for the matrices of the blocks; matrices of one shape are updated together."""

    def __init__(self, parameters, momentum=0.95):
        groups = {}
        for p in parameters:
            groups.setdefault(tuple(p.shape), []).append(p)
        self.groups = list(groups.values())
        self.memory = [torch.zeros(len(g), *g[0].shape) for g in self.groups]
        self.momentum = momentum

    @torch.no_grad()
    def step(self, rate, decay):
        for group, memory in zip(self.groups, self.memory):
            g = torch.stack([p.grad for p in group])
            memory.lerp_(g, 1 - self.momentum)
            update = orthogonal(g.lerp(memory, self.momentum))
            scale = rate * max(1, group[0].shape[0] / group[0].shape[1]) ** 0.5
            for p, u in zip(group, update):
                p.mul_(1 - rate * decay).sub_(u, alpha=scale)


def gradient_of(model, compiled, threads):
    """A function from a micro-batch to its loss, which adds its gradient to the parameters'."""
    torch.set_num_threads(threads)
    torch._dynamo.config.cache_size_limit = 64
    loss_of = torch.compile(model.loss, dynamic=False) if compiled else model.loss

    def run(inputs, targets, weights, share):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(weights)) / len(inputs)
        (loss * share).backward()
        return loss.item()

    return run


def help_out(pipe, model, gradients, compiled, threads):
    """A helper process: gradients of the micro-batches it is sent, on the weights it shares with the trainer."""
    run = gradient_of(model, compiled, threads)
    while (work := pipe.recv()) is not None:
        model.zero_grad(set_to_none=False)
        loss = run(*work)
        for p, g in zip(model.parameters(), gradients):
            g.copy_(p.grad)
        pipe.send(loss)


def rate_at(spent, warm, stable):
    """Warm-up, constant, then linear to nothing: `spent` is the share of the budget that is used."""
    if spent < warm:
        return spent / warm + 0.01
    return 1.0 if spent < stable else max(0.0, (1 - spent) / (1 - stable))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=100, help="the budget: minutes of training in all, restarts included")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", default=os.path.join(HERE, "work"), help="problems, checkpoints and the training curve")
    parser.add_argument("--name", default="run", help="of the checkpoint and the curve")
    parser.add_argument("--lessons", help="a JSON file, read again for each deck, in place of the built-in lessons")
    parser.add_argument("--threads", type=int, default=1, help="threads of one process")
    parser.add_argument("--processes", type=int, default=1, help="processes that share the micro-batches of a step")
    parser.add_argument("--tokens", type=int, default=2048, help="tokens in a micro-batch")
    parser.add_argument("--micro", type=int, default=2, help="micro-batches in a step")
    parser.add_argument("--muon", type=float, default=0.004, help="rate of the matrices")
    parser.add_argument("--adam", type=float, default=0.0015, help="rate of embeddings, head and norms")
    parser.add_argument("--decay", type=float, default=0.01, help="weight decay of the matrices")
    parser.add_argument("--stable", type=float, default=0.7, help="share of the budget before the rate falls to nothing")
    parser.add_argument("--short", type=float, default=0.6, help="share of canvases that end right after the response")
    parser.add_argument("--evaluate", type=float, default=20, help="minutes between evaluations")
    parser.add_argument("--no-compile", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    rng = np.random.default_rng(o.seed)

    tokenizer = Tokenizer.from_file(os.path.join(o.work, "tok", "tokenizer.json"))
    sets, dev = {}, {}
    for name in data.GEN_LENGTH:
        path = os.path.join(o.work, f"{name}-train.jsonl")
        sets[name] = data.load(path, tokenizer, path.replace(".jsonl", ".npz"))
        dev[name] = data.load(os.path.join(o.work, f"{name}-dev.jsonl"), tokenizer)

    vocab = tokenizer.get_vocab_size()
    model, mean = LLaDA(vocab), LLaDA(vocab)
    mean.load_state_dict(model.state_dict())
    named = dict(model.named_parameters())
    matrices = [p for n, p in named.items() if n.startswith("blocks") and p.dim() == 2]
    others = [p for n, p in named.items() if not (n.startswith("blocks") and p.dim() == 2)]
    muon = Muon(matrices)
    adam = torch.optim.AdamW(others, lr=o.adam, betas=(0.9, 0.98), weight_decay=0.0)
    deck = data.Deck(sets, o.tokens, o.seed, o.short)
    state = dict(step=0, seconds=0.0, tokens=0)
    curve = []

    checkpoint = os.path.join(o.work, f"{o.name}.pt")
    if os.path.exists(checkpoint):
        saved = torch.load(checkpoint, weights_only=False)
        model.load_state_dict(saved["model"])
        mean.load_state_dict(saved["mean"])
        adam.load_state_dict(saved["adam"])
        muon.memory = saved["muon"]
        deck.number, state, curve = saved["deck"], saved["state"], saved["curve"]
        rng = np.random.default_rng([o.seed, state["step"]])
        print("goes on at step", state["step"], flush=True)
    print(f"{sum(p.numel() for p in matrices) / 1e6:.2f}M in matrices, {sum(p.numel() for p in others) / 1e6:.2f}M besides", flush=True)

    def save():
        torch.save(dict(model=model.state_dict(), mean=mean.state_dict(), adam=adam.state_dict(), muon=muon.memory, deck=deck.number,
                        state=state, curve=curve, config=CONFIG, options=vars(o)), checkpoint + ".part")
        os.replace(checkpoint + ".part", checkpoint)
        with open(os.path.join(o.work, f"{o.name}.csv"), "w", newline="") as file:
            keys = ["step", "minutes", "tokens", "rate", "loss_arithmetic", "loss_lists", "dev_arithmetic", "dev_lists"]
            writer = csv.DictWriter(file, keys)
            writer.writeheader()
            writer.writerows(curve)

    run = gradient_of(model, not o.no_compile, o.threads)
    model.share_memory()
    helpers, spawn = [], multiprocessing.get_context("spawn")
    for _ in range(o.processes - 1):
        pipe, theirs = spawn.Pipe()
        gradients = [torch.zeros_like(p).share_memory_() for p in model.parameters()]
        spawn.Process(target=help_out, args=(theirs, model, gradients, not o.no_compile, o.threads), daemon=True).start()
        helpers.append((pipe, gradients))
    shapes = set()
    sums = {name: [0.0, 0] for name in sets}
    budget, logged, evaluated = o.minutes * 60, state["seconds"], state["seconds"]
    clock = time.time()
    while True:
        spent = min(1.0, state["seconds"] / budget)
        rate = rate_at(spent, 0.01, o.stable)
        for turn in range(0, o.micro, o.processes):
            batches = []
            for _ in range(min(o.processes, o.micro - turn)):
                if not deck.batches:
                    deck.fill(lesson_at(spent, o.lessons))
                batches.append(deck.draw(rng))
            began = time.time()
            for (pipe, _), batch in zip(helpers, batches[1:]):
                pipe.send((*batch[:3], 1 / o.micro))
            losses = [run(*batches[0][:3], 1 / o.micro)]
            for (pipe, gradients), _ in zip(helpers, batches[1:]):
                losses.append(pipe.recv())
                for p, g in zip(model.parameters(), gradients):
                    p.grad.add_(g)
            for batch, loss in zip(batches, losses):
                sums[batch[3]][0] += loss
                sums[batch[3]][1] += 1
                state["tokens"] += batch[0].size
            if not o.no_compile and not shapes.issuperset(batch[0].shape for batch in batches):
                shapes.update(batch[0].shape for batch in batches)  # compiling is no training: it does not count in the budget
                clock += time.time() - began
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        muon.step(o.muon * rate, o.decay)
        for group in adam.param_groups:
            group["lr"] = o.adam * rate
        adam.step()
        model.zero_grad(set_to_none=False)
        state["step"] += 1
        with torch.no_grad():
            keep = min(0.998, state["step"] / (state["step"] + 10))
            for p, q in zip(mean.parameters(), model.parameters()):
                p.lerp_(q, 1 - keep)
        now = time.time()
        state["seconds"] += now - clock
        clock = now
        over = state["seconds"] >= budget
        if state["seconds"] - logged >= 30 or over:
            logged = state["seconds"]
            row = dict(step=state["step"], minutes=round(state["seconds"] / 60, 2), tokens=state["tokens"], rate=round(rate, 4),
                       **{f"loss_{n}": round(s / max(1, c), 4) for n, (s, c) in sums.items()})
            sums = {name: [0.0, 0] for name in sets}
            if state["seconds"] - evaluated >= o.evaluate * 60 or over:
                evaluated = state["seconds"]
                for name in sets:
                    count = 96 if name == "lists" else 48
                    share, parts, _ = accuracy(mean, dev[name], count, data.GEN_LENGTH[name], tokenizer.token_to_id("Ġ####"))
                    row[f"dev_{name}"] = round(share, 4)
                    print(name, f"{share:.3f}", parts, flush=True)
            curve.append(row)
            print(json.dumps(row), f"{state['tokens'] / state['seconds']:.0f} tok/s", flush=True)
            save()
            clock = time.time()
        if over:
            break
    for pipe, _ in helpers:
        pipe.send(None)


if __name__ == "__main__":
    main()
