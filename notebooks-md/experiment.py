"""What `unmask run` wrote, as pandas tables. A notebook says

    from experiment import Experiment
    tour = Experiment("results/tour")
    tour.runs          one line per run
    tour.samples       one line per problem of a run: grade and costs
    tour.run("threshold", "arithmetic").table("edits")
"""
import json
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np
import pandas as pd


class Run:
    """One run's folder: a strategy at one setting on one benchmark with one seed."""

    def __init__(self, folder, entry):
        self.folder, self.strategy = folder, f'{entry["strategy"]} {entry["setting"]}'.strip()
        self.limit = entry["limit"]
        with h5py.File(folder / "trace.h5") as file:
            self.attributes = dict(file.attrs)
        self.config = json.loads(self.attributes["config"])
        self.benchmark, self.model = self.config["benchmark"]["name"], entry["model"]
        self.seed = self.config["seed"]
        self.is_timed = self.attributes["timing"] == "exclusive"

    @cached_property
    def outcomes(self):
        """One line per problem, as in outcomes.jsonl, with the decoding seconds of the trace."""
        outcomes = pd.read_json(self.folder / "outcomes.jsonl", lines=True, dtype={"extracted": str}).head(self.limit)
        return outcomes.merge(self.table("samples")[["problem", "seconds"]], on="problem")

    def table(self, group):
        """A group of trace.h5: one column per dataset; columns of k numbers per row become k columns."""
        with h5py.File(self.folder / "trace.h5") as file:
            columns = {name: data.asstr()[:] if h5py.check_string_dtype(data.dtype) else data[:] for name, data in file[group].items()}
            width = int(file[group].attrs.get("k", 1))
        rows = min(map(len, columns.values()))
        wide = {name for name, column in columns.items() if len(column) != rows}
        flat = {name: column for name, column in columns.items() if name not in wide}
        for name in sorted(wide):
            flat |= {f"{name}_{place}": part for place, part in enumerate(columns[name].reshape(-1, width).T)}
        return pd.DataFrame(flat)

    def tokens(self, group):
        """The tokens of `prompts`, `responses` or `initial`, an array per sample."""
        with h5py.File(self.folder / "trace.h5") as file:
            return np.split(file[group]["tokens"][:], file[group]["offsets"][1:-1])


class Experiment:
    """An experiment's folder, as `unmask run` left it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        try:
            index = json.loads((self.folder / "experiment.json").read_text())
        except FileNotFoundError:
            raise FileNotFoundError(f"{self.folder} is no experiment's folder: it has no experiment.json, which `unmask run` writes") from None
        self.name, self.baseline = index["experiment"], index.get("baseline")
        self.all = [Run(self.folder / entry["digest"], entry) for entry in index["runs"] if (self.folder / entry["digest"] / "trace.h5").exists()]
        self.missing = len(index["runs"]) - len(self.all)
        # Where a benchmark was decoded on several canvases or models, its name alone does not say which problems belong together.
        for part in (lambda run: "{gen_length}/{block_length}".format(**run.config["decoding"]), lambda run: run.model):
            if len({(run.benchmark, part(run)) for run in self.all}) > len({run.benchmark for run in self.all}):
                for run in self.all:
                    run.benchmark += f" {part(run)}"
        self.strategies = list(dict.fromkeys(run.strategy for run in self.all))
        self.benchmarks = list(dict.fromkeys(run.benchmark for run in self.all))

    @cached_property
    def runs(self):
        return pd.DataFrame([{"strategy": run.strategy, "benchmark": run.benchmark, "seed": run.seed, "folder": run.folder.name} for run in self.all])

    @cached_property
    def samples(self):
        return pd.concat([run.outcomes.assign(strategy=run.strategy, benchmark=run.benchmark, seed=run.seed) for run in self.all], ignore_index=True)

    def run(self, strategy, benchmark, seed=None):
        return next(run for run in self.all if (run.strategy, run.benchmark) == (strategy, benchmark) and seed in (None, run.seed))


def clustered(values, problems):
    """A mean and its standard error, clustered by problem: several seeds of a problem are one observation."""
    means = pd.Series(np.asarray(values, float)).groupby(np.asarray(problems)).mean()
    return means.mean(), means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.nan
