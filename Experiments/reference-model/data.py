"""Problems as token arrays, and the batches the training sees."""
import json
import os

import numpy as np

END, MASK = 0, 1
# The benchmarks' own geometry: the length of the response, end tokens included.
GEN_LENGTH = {"arithmetic": 48, "lists": 16}


def load(path, tokenizer, cache=None):
    """Reads a JSONL file of problems; with `cache`, keeps the arrays beside it for the next start."""
    if cache and os.path.exists(cache) and os.path.getmtime(cache) > os.path.getmtime(path):
        return dict(np.load(cache))
    prompts, answers, levels, kinds = [], [], [], []
    with open(path) as file:
        for line in file:
            problem = json.loads(line)
            prompts.append(problem["prompt"])
            answers.append(problem["answer"])
            levels.append(problem["level"])
            kinds.append(problem["kind"])

    def ids(texts):
        rows = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        lengths = np.array([len(row) for row in rows], np.int16)
        table = np.full((len(rows), lengths.max()), END, np.int16)
        for place, row in enumerate(rows):
            table[place, : len(row)] = row
        return table, lengths

    prompt, prompt_length = ids(prompts)
    answer, answer_length = ids(answers)
    out = dict(prompt=prompt, prompt_length=prompt_length, answer=answer, answer_length=answer_length,
               level=np.array(levels, np.int16), kind=np.array(kinds))
    if cache:
        np.savez(cache, **out)
    return out


class Deck:
    """Micro-batches of one length each, drawn from shuffled problems; a deck lasts for some hundred steps.

    A response is padded with end tokens up to the next multiple of 8 of the whole sequence, so that no sequence needs a
    padding mask: most canvases are about the benchmark's own gen_length, a share of them (`short`) just long enough.
    """

    def __init__(self, sets, tokens, seed, short):
        self.sets, self.tokens, self.seed, self.short = sets, tokens, seed, short
        self.number, self.batches = 0, []

    def fill(self, plan):
        """Draws by a plan: of each benchmark its share of the tokens, and of each kind its weight and `ease`.

        An ease of 0 draws all levels alike; at `ease` the hardest level comes exp(-ease) times as often as the easiest.
        """
        rng = np.random.default_rng([self.seed, self.number])
        self.number += 1
        self.batches = []
        for name, lesson in plan.items():
            share = lesson["share"]
            data = self.sets[name]
            level = data["level"] - data["level"].min()
            weight = np.zeros(len(level))
            for kind, (factor, ease) in lesson["kinds"].items():
                chosen = slice(None) if kind == "all" else data["kind"] == kind
                weight[chosen] = factor * np.exp(-ease * level[chosen] / max(1, level.max()))
            count = int(share * 600_000 / (70 if name == "arithmetic" else 28))
            rows = np.searchsorted(np.cumsum(weight), rng.random(count) * weight.sum())
            rows = np.minimum(rows, len(level) - 1)
            exact = data["prompt_length"][rows].astype(int)
            gen = np.full(count, GEN_LENGTH[name])
            tight = rng.random(count) < self.short
            needed = data["answer_length"][rows].astype(int) + 1
            gen[tight] = needed[tight]
            total = (exact + gen + 7) // 8 * 8
            for length in np.unique(total):
                chosen = rows[total == length]
                size = max(1, self.tokens // length)
                for start in range(0, len(chosen) - size + 1, size):
                    self.batches.append((name, int(length), chosen[start:start + size]))
        order = rng.permutation(len(self.batches))
        self.batches = [self.batches[i] for i in order]

    def draw(self, rng):
        """One micro-batch: inputs, targets and weights (rows, length), and the benchmark's name.

        t is uniform in (0, 1], stratified over the batch, and ceil(t * L) of the L response tokens are masked: the form of
        LLaDA's loss with the least variance (a fixed number of masks instead of a coin for each), weighted 1/t.
        """
        name, length, rows = self.batches.pop()
        data, size = self.sets[name], len(rows)
        targets = np.full((size, length), END, np.int64)
        start = data["prompt_length"][rows].astype(int)
        column = np.arange(length)
        width = data["prompt"].shape[1]
        inside = column[None] < start[:, None]
        prompt = np.take_along_axis(data["prompt"][rows], np.minimum(column, width - 1)[None].repeat(size, 0), 1)
        offset = column[None] - start[:, None]
        answer = np.take_along_axis(data["answer"][rows], np.clip(offset, 0, data["answer"].shape[1] - 1), 1)
        within = (offset >= 0) & (offset < data["answer_length"][rows].astype(int)[:, None])
        targets[inside] = prompt[inside]
        targets[within] = answer[within]
        gen = length - start
        t = (rng.permutation(size) + rng.random(size)) / size
        masks = np.maximum(1, np.ceil(t * gen)).astype(int)
        noise = rng.random((size, length))
        noise[inside] = 2
        rank = noise.argsort(1).argsort(1)
        masked = rank < masks[:, None]
        weights = (masked / masks[:, None]).astype(np.float32)
        return np.where(masked, MASK, targets), targets, weights, name
