"""Problems as token arrays, and the packed batches the training sees."""
import json
import os
import re

import numpy as np

from build_tokenizer import PATTERN

END, MASK = 0, 1
PIECES = re.compile(PATTERN)
NAMES = ["arithmetic", "code", "countdown", "sudoku4", "lists", "choice", "rewrite", "infill", "drills"]


class Problems:
    """The problems of one benchmark, end to end: tokens of prompt and answer, and which answer tokens are given on the canvas."""

    def __init__(self, path, tokenizer, gen_length, block_length):
        self.gen_length, self.block_length = gen_length, block_length
        cache = path + ".npz"
        if not os.path.exists(cache) or os.path.getmtime(cache) < os.path.getmtime(path):
            np.savez(cache, **self.read(path, tokenizer))
        stored = dict(np.load(cache))
        self.tokens, self.given, self.starts, self.prompts = (stored[k] for k in ("tokens", "given", "starts", "prompts"))
        self.groups = {}
        for kind in np.unique(stored["kind"]):
            for level in np.unique(stored["level"]):
                members = np.flatnonzero((stored["kind"] == kind) & (stored["level"] == level))
                if len(members):
                    self.groups[str(kind), int(level)] = members
        self.mean = len(self.tokens) / len(self.prompts)

    @staticmethod
    def read(path, tokenizer):
        known = {}  # pieces to ids: the tokenizer splits first and merges within a piece, and there are few different pieces

        def encode(text):
            ids = []
            for piece in PIECES.findall(text):
                if piece not in known:
                    known[piece] = tokenizer.encode(piece).ids
                ids += known[piece]
            return ids

        tokens, given, starts, prompts, kinds, levels = [], [], [0], [], [], []
        with open(path) as file:
            for line in file:
                problem = json.loads(line)
                prompt, answer = encode(problem["prompt"]), encode(problem["answer"])
                pins = np.zeros(len(prompt) + len(answer), np.uint8)
                at = len(prompt)
                for text, is_given in problem.get("spans", []):
                    size = len(encode(text))
                    pins[at:at + size] = is_given
                    at += size
                tokens.append(np.array(prompt + answer, np.int16))
                given.append(pins)
                starts.append(starts[-1] + len(pins))
                prompts.append(len(prompt))
                kinds.append(problem["kind"])
                levels.append(problem["level"])
        return dict(tokens=np.concatenate(tokens), given=np.concatenate(given), starts=np.array(starts), prompts=np.array(prompts),
                    kind=np.array(kinds), level=np.array(levels))


class Packer:
    """Draws sequences by a plan and masks them; a batch is sequences of any lengths, end to end."""

    def __init__(self, sets, longest):
        self.sets, self.longest = sets, longest
        self.follow({name: {"share": 1} for name in sets})

    def follow(self, plan):
        """plan: for each benchmark its `share` of the tokens, `ease`, and the weights of its `kinds` (1 where not named).

        An ease of 0 draws all levels alike; at `ease` the hardest comes exp(-ease) times as often as the easiest.
        """
        self.names = [name for name in plan if plan[name]["share"] > 0]
        chance = np.array([plan[name]["share"] / self.sets[name].mean for name in self.names])
        self.chance = np.cumsum(chance / chance.sum())
        self.draws = {}
        for name in self.names:
            groups, kinds = self.sets[name].groups, plan[name].get("kinds", {})
            levels = [level for _, level in groups]
            low, reach = min(levels), max(1, max(levels) - min(levels))
            weight = np.array([kinds.get(kind, 1.0) * np.exp(-plan[name].get("ease", 0.0) * (level - low) / reach) for kind, level in groups])
            self.draws[name] = list(groups.values()), np.cumsum(weight / weight.sum())

    def sequence(self, rng):
        """One masked sequence: inputs, targets and weights (rows), and its benchmark's name.

        Half of the sequences are masked as in LLaDA: t uniform in (0, 1], ceil(t L) of the L free response positions, weight 1/t (each
        masked token counts the same, and a sequence 1). The other half is masked as a canvas in the middle of decoding looks: nothing before a
        block, everything after it, and a share t of the block, which carries four fifths of the weight. End tokens that pad count a third.
        """
        name = self.names[min(len(self.names) - 1, int(np.searchsorted(self.chance, rng.random())))]
        data = self.sets[name]
        groups, chance = self.draws[name]
        members = groups[min(len(groups) - 1, int(np.searchsorted(chance, rng.random())))]
        row = members[rng.integers(len(members))]
        start, stop, prompt = data.starts[row], data.starts[row + 1], data.prompts[row]
        answer = stop - start - prompt
        kind = rng.random()
        if kind < 0.6:
            gen = answer + 1 + rng.integers(0, 8)
        elif kind < 0.9:
            gen = max(answer + 1, data.gen_length)
        else:
            gen = max(answer + 1, data.gen_length) + rng.integers(0, 64)
        gen = min(gen, self.longest - prompt)
        targets = np.full(prompt + gen, END, np.int32)
        targets[:prompt + answer] = data.tokens[start:stop]
        free = np.ones(gen, bool)
        free[:answer] = data.given[start + prompt:stop] == 0
        worth = np.ones(gen, np.float32)
        worth[answer + 1:] = 1 / 3
        masked = np.zeros(gen, bool)
        weights = np.zeros(prompt + gen, np.float32)
        block = data.block_length if rng.random() < 0.5 else int(rng.choice([4, 8, 16, 32]))
        opening = rng.integers(0, (answer + block) // block) * block
        inside = np.flatnonzero(free[opening:opening + block]) + opening
        if rng.random() < 0.5 or len(inside) == 0:
            places = np.flatnonzero(free)
            places = rng.permutation(places)[: max(1, int(np.ceil(rng.random() * len(places))))]
            masked[places] = True
            weights[prompt:][places] = worth[places] / worth[places].sum()
        else:
            inside = rng.permutation(inside)[: max(1, int(np.ceil(rng.random() * len(inside))))]
            after = np.flatnonzero(free[opening + block:]) + opening + block
            masked[inside] = masked[after] = True
            share = 0.8 if len(after) else 1.0
            weights[prompt:][inside] = share * worth[inside] / worth[inside].sum()
            if len(after):
                weights[prompt:][after] = 0.2 * worth[after] / worth[after].sum()
        inputs = targets.copy()
        inputs[prompt:][masked] = MASK
        return inputs, targets, weights * np.float32((answer / 16) ** 0.5), name

    def batch(self, rng, tokens):
        """Sequences of at most `tokens` rows together: inputs, targets, weights (rows), starts (sequences + 1), names."""
        parts, rows = [], 0
        while True:
            part = self.sequence(rng)
            rows += len(part[0])
            if rows > tokens:
                break
            parts.append(part)
        starts = np.cumsum([0] + [len(part[0]) for part in parts]).astype(np.int32)
        return *(np.concatenate([part[i] for part in parts]) for i in range(3)), starts, [part[3] for part in parts]
