"""Collects what the runs of an experiment file came to in small tables that a notebook reads.

    unmask run Experiments/claims.yaml --dry-run --pilot 0 --json > plan.json
    python notebooks-md/collect.py plan.json --output results/claims

runs.csv      one line per run: what was run, its digest, the digest of the model
samples.csv   one line per problem of a run: grade and costs; answers and responses as short digests, enough to compare them
settled.csv   for runs that recorded beliefs, one line per problem: for each round 1 if the answer, had everything masked been
              filled in with its best token then, was the final one, else 0
"""
import argparse
import csv
import hashlib
import json
import re
import sys
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "Sources/Models/Resources/reference"


def model_digest(folder=MODEL):
    """The digest of a model's files, as `unmask models` prints it."""
    names = ["config.json", "model.safetensors", "tokenizer.json"]
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class Tokenizer:
    """Turns tokens of a byte-level tokenizer.json into text."""

    def __init__(self, file):
        stored = json.loads(file.read_text())
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in plain]
        alphabet = {chr(byte): byte for byte in plain} | {chr(256 + place): byte for place, byte in enumerate(others)}
        special = {token["id"] for token in stored["added_tokens"] if token["special"]}
        vocabulary = {token: text for text, token in stored["model"]["vocab"].items()}
        self.bytes = {token: b"" if token in special else bytes(alphabet[c] for c in text) for token, text in vocabulary.items()}

    def decode(self, tokens):
        return b"".join(self.bytes.get(int(token), b"") for token in tokens).decode(errors="replace")


def arithmetic(text):
    """The number behind the first #### that has one, as the benchmark extracts it."""
    for part in text.split("####")[1:]:
        match = re.match(r"[ #$]*(-?)([0-9,]*)", part)
        digits = match[2].replace(",", "")
        if digits:
            value = digits.lstrip("0")
            return match[1] + value if value else "0"
    return None


def choice(text):
    """The letter behind the first #### that has one."""
    for part in text.split("####")[1:]:
        match = re.match(r"[ #(]*([^\W_]*)", part)
        if match[1] in {"A", "B", "C", "D", "E"}:
            return match[1]
    return None


EXTRACT = {"arithmetic": arithmetic, "choice": choice}


def answers(trace, tokenizer, extract):
    """For each sample of a trace the answer of every round, had everything masked been filled in then, and the final one."""
    with h5py.File(trace) as file:
        mask, end = int(file.attrs["mask_token"]), int(file.attrs["end_token"])
        samples = {name: file["samples"][name][:] for name in ("first_round", "rounds")}
        initial, offsets = file["initial"]["tokens"][:], file["initial"]["offsets"][:]
        final = file["responses"]["tokens"][:]
        edits = {name: file["edits"][name][:] for name in ("round", "branch", "position", "token")}
        beliefs = {name: file["beliefs"][name][:] for name in ("round", "position")}
        top = file["beliefs"]["top_tokens"][:].reshape(-1, int(file["beliefs"].attrs["k"]))
    best = np.where(top[:, 0] == mask, top[:, 1], top[:, 0])
    by_round = {}
    for kind, table, values in (("edit", edits, edits["token"]), ("belief", beliefs, best)):
        for row in range(len(values)):
            if kind == "belief" or table["branch"][row] == -1:
                by_round.setdefault((kind, int(table["round"][row])), []).append((int(table["position"][row]), int(values[row])))

    def answer(canvas):
        stop = np.flatnonzero(canvas == end)
        return extract(tokenizer.decode(canvas[: stop[0]] if len(stop) else canvas))

    for sample in range(len(samples["rounds"])):
        span = slice(offsets[sample], offsets[sample + 1])
        canvas = initial[span].copy()
        found = []
        for index in range(samples["first_round"][sample], samples["first_round"][sample] + samples["rounds"][sample]):
            filled = canvas.copy()
            for position, token in by_round.get(("belief", index), []):
                if canvas[position] == -1:
                    filled[position] = token
            assert -1 not in filled, f"{trace}: round {index} does not say what is believed of every masked position"
            found.append(answer(filled))
            for position, token in by_round.get(("edit", index), []):
                canvas[position] = token
        assert (canvas == final[span]).all(), f"{trace}: sample {sample} does not replay"
        yield found, answer(canvas)


def short(value):
    """Enough of a digest to tell answers of one problem apart; empty where there is none."""
    return "" if value is None else hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", type=Path, help="what `unmask run FILE --dry-run --pilot 0 --json` printed")
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="where `unmask run` put its folders")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    plan = json.loads(options.plan.read_text())
    missing = [f'{run["experiment"]}: {run["strategy"]} on {run["benchmark"]}' for run in plan if run["done"] < run["limit"]]
    if missing:
        sys.exit(f"{len(missing)} runs are not finished, the first of them {missing[0]}; run the experiment again")
    tokenizer = Tokenizer(MODEL / "tokenizer.json")
    runs, samples, settled = [], [], []
    for number, run in enumerate(plan):
        folder = options.results / run["experiment"] / run["digest"]
        decoding, model = run["config"]["decoding"], run["config"]["model"]["digest"]
        runs.append([number, run["experiment"], run["benchmark"], run["config"]["benchmark"]["split"], run["strategy"], run["seed"],
                     decoding["gen_length"], decoding["block_length"], decoding["temperature"], run["limit"], run["digest"], model])
        with open(folder / "outcomes.jsonl") as file:
            outcomes = [json.loads(line) for line, _ in zip(file, range(run["limit"]))]
        for outcome in outcomes:
            samples.append([number, outcome["problem"].split("/")[-1], int(outcome["correct"]), round(outcome["score"], 4), outcome["rounds"],
                            outcome["canvases"], outcome["positions"], outcome["answer_tokens"], short(outcome.get("extracted")),
                            short(outcome["tokens"])])
        with h5py.File(folder / "trace.h5") as file:
            if file.attrs["level"] != "beliefs":
                continue
        if model != model_digest():
            sys.exit(f'{run["experiment"]} was run on model {model}, and {MODEL} is another')
        for outcome, (found, final) in zip(outcomes, answers(folder / "trace.h5", tokenizer, EXTRACT[run["benchmark"]])):
            assert final == outcome.get("extracted"), f'{outcome["problem"]}: the benchmark reads {outcome.get("extracted")}, and this {final}'
            same = "".join("1" if answer == final else "0" for answer in found)
            settled.append([number, outcome["problem"].split("/")[-1], int(outcome["correct"]), int(final is not None), same])
    options.output.mkdir(parents=True, exist_ok=True)
    for name, header, rows in (
        ("runs", "run experiment benchmark split strategy seed gen_length block_length temperature samples digest model", runs),
        ("samples", "run problem correct score rounds canvases positions answer_tokens answer response", samples),
        ("settled", "run problem correct answered same", settled),
    ):
        with open(options.output / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header.split())
            writer.writerows(rows)
    print(f"{len(runs)} runs, {len(samples)} samples in {options.output}")


if __name__ == "__main__":
    main()
