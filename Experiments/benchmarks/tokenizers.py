"""Token ids and speed against the tokenizers library, on lines that nobody wrote for either.

    python tokenizers.py UNMASK DIRECTORY...       (needs tokenizers 0.23; DIRECTORY holds a tokenizer.json)

For each tokenizer: 12,000 generated lines (code, digits, many scripts, emoji, odd white space, special tokens inside text), then the same lines as a corpus
for speed, then a megabyte of one letter and of one space. UNMASK is the command; its start, with the reading of the file, is timed apart and taken off.
The library runs on one thread. Prints one line per tokenizer, and differing lines; exits with 1 if there are any.
"""
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
sys.path.pop(0)  # this file has the library's name
from tokenizers import Tokenizer  # noqa: E402

R = random.Random(2026)
WORDS = "the of canvas mask token Reveal reveals HOUSE don't we'll naïve Straße forêt Größe żółw Съешь булок Ελλάδα שלום مرحبا नमस्ते ภาษาไทย 你好世界 日本語 カタカナ 한국어 ትግርኛ ქართული".split()
CODE = ["def f(x):\n    return x ** 2\n", "for (int i = 0; i < n; ++i) { a[i] += 0x1F; }", "SELECT * FROM t WHERE id = 7;", "#include <stdio.h>\n", "let x: [Int?] = []",
        "<div class=\"a b\">&nbsp;</div>", "git commit -m 'x' && cd ../..", "\\frac{1}{2}\\cdot\\boxed{x^{2}}", "{\"k\": [1, 2.5e-3, null]}", "\t\tif err != nil {\r\n"]
EMOJI = ["😀", "👍🏽", "👩‍👩‍👧‍👦", "🇫🇷🇩🇪", "❤️", "☃", "🀄", "⌛️", "𝔘𝔫𝔦", "①½Ⅻ"]
SPACE = [" ", "  ", "\t", "\n", "\n\n", "\r\n", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "\u200d", "\ufeff", "\x0b", "\x0c", "\x1c", "    "]
MARKS = ["e\u0301", "o\u0323\u0302", "\u1112\u1161\u11ab", "İ", "ſ", "ﬁ", "ǆ", "\u0301", "\u0915\u094d\u0937", "\U0001d15e", "\u212b"]


def anything():
    block = R.choice([(0x20, 0x7F), (0xA0, 0x250), (0x370, 0x600), (0x900, 0x1200), (0x2000, 0x2C00), (0x3000, 0xA000), (0xAC00, 0xD7A4), (0xE000, 0x10000),
                      (0x10000, 0x12000), (0x1D400, 0x1FB00), (0x20000, 0x110000), (0x00, 0x20)])
    return chr(R.randrange(*block))


def line(special):
    parts = []
    for _ in range(R.randrange(1, 25)):
        kind = R.random()
        if kind < 0.35:
            parts.append(R.choice(["", " ", " ", " "]) + R.choice(WORDS))
        elif kind < 0.45:
            parts.append(R.choice(CODE)[R.randrange(5):])
        elif kind < 0.55:
            parts.append(str(R.randrange(10 ** R.randrange(1, 12))) + R.choice(["", ",", ".5", "%", "e3"]))
        elif kind < 0.65:
            parts.append(R.choice(SPACE) * R.randrange(1, 4))
        elif kind < 0.72:
            parts.append(R.choice(EMOJI))
        elif kind < 0.8:
            parts.append(R.choice(MARKS))
        elif kind < 0.9:
            parts.append(anything())
        elif kind < 0.96:
            parts.append(R.choice(["'s", "'LL", "’t", "'Re", "--", "...", "!?", "_", "\"", "(", "://", "=>", "#"]) * R.randrange(1, 3))
        elif special:
            token = R.choice(special)
            parts.append(token if R.random() < 0.7 else token[:R.randrange(1, len(token) + 1)])
    return "".join(parts)


def run(command, directory, lines):
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    start = time.perf_counter()
    done = subprocess.run([command, "tokenize", "--model", directory, "--json"], input=text, stdout=subprocess.PIPE, check=True)
    return time.perf_counter() - start, [json.loads(ids) for ids in done.stdout.splitlines()]


def main():
    command, directories = sys.argv[1], sys.argv[2:]
    failures = 0
    for directory in directories:
        path = pathlib.Path(directory, "tokenizer.json")
        library = Tokenizer.from_file(str(path))
        library.no_truncation()
        library.no_padding()
        special = [token["content"] for token in json.loads(path.read_text())["added_tokens"]]
        lines = [line(special) for _ in range(12_000)]
        _, mine = run(command, directory, lines)
        theirs = [library.encode(line, add_special_tokens=False).ids for line in lines]
        wrong = [index for index in range(len(lines)) if mine[index] != theirs[index]]
        failures += len(wrong)
        for index in wrong[:3]:
            print("differs:", json.dumps(lines[index]), mine[index], theirs[index])
        corpus = lines * 2
        size = sum(len(line.encode()) for line in corpus) / 1e6
        ratios, speeds = [], []
        for _ in range(3):
            own = run(command, directory, corpus)[0] - run(command, directory, [])[0]
            start = time.perf_counter()
            for line_ in corpus:
                library.encode(line_, add_special_tokens=False)
            other = time.perf_counter() - start
            ratios.append(other / own)
            speeds.append(size / own)
        letters = {}
        for letter in "a ":
            start = run(command, directory, [])[0]
            whole = run(command, directory, [letter * 1_000_000])[0] - start
            half = run(command, directory, [letter * 500_000])[0] - start
            letters[letter] = f"{whole:.2f} s ({whole / max(half, 1e-3):.1f} times half of it)"
        name = pathlib.Path(directory).name
        print(f"{name}: {len(lines) - len(wrong)} of {len(lines)} lines equal; {statistics.median(speeds):.1f} MB/s, {statistics.median(ratios):.2f} times the "
              f"library's speed ({min(ratios):.2f} to {max(ratios):.2f}); a megabyte of one letter {letters['a']}, of spaces {letters[' ']}", flush=True)
    sys.exit(1 if failures else 0)


main()
