"""Makes the tokenizer fixtures with the reference implementation: pip install tokenizers==0.23.3, then python3 make.py.

texts.jsonl holds one JSON string per line. NAME/tokenizer.json is a small trained tokenizer; line i of NAME/ids.jsonl is what the library gives
for text i: "ids" without added special tokens, and "decoded" where that is not the text itself. patterns.jsonl has random patterns and the
pieces they cut texts into. conformance/tokenizer.json is not made here.
"""
import ast
import json
import os
import random
import re

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers as pre, trainers

R = random.Random(20)
SENTENCES = r"""The quick brown fox jumps over the lazy dog. It's 12:30, isn't it? We'll pay $1,299.99 (or €1.100,50) at 7%!
Natalia sold 48 clips in April, and then she sold half as many in May: 48/2 = <<48/2=24>>24. #### 72
def merge(a, b):\n    return sorted(a + b)  # O(n log n)\n\n\nclass Node(object):\n\tpass\n
for (int i = 0; i < n; ++i) { sum += x[i] * 0x1F; }\r\n// TODO: don't\r\n
sort: 9 3 7 1 -> 1 3 7 9; reverse: abc -> cba; copy: x1 y22 z333 w4444 55555
Żółw pożąda łąkę. Où est la forêt? Größe, Straße, naïve café, São Paulo, ÅNGSTRÖM, ﬁne, ǆ, İstanbul, ıĸŉſ.
Съешь же ещё этих мягких французских булок, да выпей чаю. Η γρήγορη αλεπού πηδάει. שלום עולם. مرحبا بالعالم ٠١٢٣٤٥.
सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता। ภาษาไทยไม่มีช่องว่าง ကမ္ဘာ ខ្មែរ ತಿಳಿ
敏捷的棕色狐狸跳过了懒狗。「日本語の文章です。」カタカナ・ひらがな。한국어 문장입니다 각나다.
👩‍👩‍👧‍👦 🇫🇷🇩🇪 👍🏽 ❤️ ☃ ① ² ½ Ⅻ ㊿ 𝔘𝔫𝔦 𝟘𝟙 𐍈 🀄 ＡＢＣ１２３
https://example.org/a_b?q=%20&x=1#top user@host.tld C:\dir\file.txt --flag=value {"key": [1, 2.5e-3, null]}
a  b   c    d\t\te\n\n\nf \n g\u00a0h\u3000i\u2003j\u2028k\u0085l\x0bm\x0cn\u200bo\u200dp\ufeffq   """.split("\n")
ESCAPE = re.compile(r"\\(?:[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4})")
SENTENCES = [ESCAPE.sub(lambda escape: ast.literal_eval(f"'{escape[0]}'"), s) for s in SENTENCES]
BITS = ["'s", "'S", "'ſ", "'ll", "'RE", "'ve", "'D", "’s", "don't", "hello", " world", "  ", "\n", "\r\n", "\n\n  ", "\t", "123", "4567890",
        "e\u0301", "o\u0323\u0302", "A\u030a", "\u212b", "\u1112\u1161\u11ab", "각", "중국", "Ⅻ", "½", "٣٤٥", "👍🏽", "::", "...", "a_b", "fooBar",
        "İ", "ß", "ﬁ", "\u00a0", "\u3000", "<|endoftext|>", "<|mdm_mask|>", "<|end", "<think>", "</think>", "Tok", "TOK", "Été", "E\u0301te\u0301"]


def scalar():
    kind = R.random()
    if kind < 0.4:
        return chr(R.randrange(0x20, 0x7F))
    if kind < 0.5:
        return chr(R.choice([9, 10, 11, 12, 13, 0x1C, 0x85, 0xA0, 0x1680, 0x2009, 0x2028, 0x202F, 0x3000, 0x200B, 0x200D]))
    if kind < 0.7:
        return chr(R.randrange(0xA0, 0x500))
    if kind < 0.9:
        return chr(R.randrange(0x500, 0xD800))
    return chr(R.choice([R.randrange(0xE000, 0x12000), R.randrange(0x1D000, 0x1FB00), R.randrange(0x20000, 0x110000)]))


def line():
    parts = []
    for _ in range(R.randrange(1, 12)):
        kind = R.random()
        if kind < 0.3:
            sentence = R.choice(SENTENCES)
            start = R.randrange(len(sentence))
            parts.append(sentence[start:start + R.randrange(1, 40)])
        elif kind < 0.6:
            parts.append(R.choice(BITS))
        elif kind < 0.8:
            parts.append(scalar())
        elif kind < 0.9:
            parts.append(R.choice(" \n\tab1é!") * R.randrange(1, 9))
        else:
            parts.append("".join(R.choice("abcdefgh ABC123") for _ in range(R.randrange(8))))
    return "".join(parts)


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN = LLAMA3.replace("{1,3}", "")
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s++$|\s*[\r\n]|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|mdm_mask|>"]


def split(pattern, behavior="isolated", invert=False):
    return pre.Split(Regex(pattern), behavior, invert)


def byte_level(prefix=False, regex=False):
    return pre.ByteLevel(add_prefix_space=prefix, use_regex=regex)


def train(step, normalizer=None, vocab=900, special=SPECIAL, bytes_=True, decoder=None, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = step
    if normalizer:
        tokenizer.normalizer = normalizer
    alphabet = pre.ByteLevel.alphabet() if bytes_ else []
    trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=special, show_progress=False, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([s for s in SENTENCES for _ in range(4)] + [line() for _ in range(800)], trainer)
    tokenizer.decoder = decoder or decoders.ByteLevel()
    return json.loads(tokenizer.to_str())


def add(data, *tokens):
    size = len(data["model"]["vocab"])
    for content, options in tokens:
        token = {"id": size, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        data["added_tokens"].append(token | options)
        size += 1
    return data


def pattern(depth=2):
    """A random pattern of the syntax in use, with every construct next to every other."""
    return "|".join(pattern_sequence(depth) for _ in range(R.choice([1, 1, 2, 3])))


def pattern_sequence(depth):
    parts = []
    for _ in range(R.randrange(1, 4)):
        part = pattern_atom(depth)
        if R.random() < 0.5 and not part.startswith(("(?=", "(?!")) and part not in ("$", "\\z", "\\A"):
            repeat = R.choice(["?", "*", "+", "{2}", "{1,2}", "{,2}", "{1,}", "{0,3}"])
            if R.random() < 0.2 and repeat != "{2}":
                repeat += "?"
            elif R.random() < 0.2 and repeat in "?*+" and part[0] != "(":
                repeat += "+"
            part += repeat
        parts.append(part)
    return "".join(parts)


def pattern_atom(depth):
    kind = R.random()
    if kind < 0.35:
        return R.choice(["a", "b", "1", "A", "~", "é", "\\n", ".", "\\t"])
    if kind < 0.6:
        return R.choice("\\s \\S \\w \\W \\d \\D \\p{L} \\P{L} \\p{N} \\p{Lu} \\p{Ll} \\h \\p{^N}".split())
    if kind < 0.8 or depth == 0:
        members = "a b 1 a-b \\s \\p{L} \\S é \\n ~ \\d A-b \\P{N} \\w".split()
        return "[" + R.choice(["", "^"]) + "".join(R.choice(members) for _ in range(R.randrange(1, 4))) + "]"
    kind = R.random()
    if kind < 0.5:
        return "(?:" + pattern(depth - 1) + ")"
    if kind < 0.65:
        return "(" + pattern(depth - 1) + ")"
    if kind < 0.75:
        return "(?i:" + R.choice(["a", "ab", "sa", "k", "s", "b1", "[a-b]", "[^a]", "(?:a|s)b"]) + ")"
    if kind < 0.88:
        return R.choice(["(?=", "(?!"]) + pattern(0) + ")"
    return R.choice(["$", "\\z", "\\A"])


def pattern_cases(count):
    """Each pattern with texts and the pieces that the library cuts them into."""
    cases = []
    while len(cases) < count:
        source = pattern()
        try:
            step = split(source)
        except BaseException:
            continue
        texts = ["".join(R.choice("ab1\nA~é\tſ²s") for _ in range(R.randrange(1, 12))) for _ in range(8)]
        cases.append({"pattern": source, "cases": [[piece for piece, _ in step.pre_tokenize_str(text)] for text in texts]})
    return cases


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    sets = {
        "gpt2": train(byte_level(regex=True)),
        "qwen": add(train(pre.Sequence([split(QWEN), byte_level()]), normalizers.NFC()), ("<think>", {"special": False}), ("</think>", {"special": False})),
        "llama3": train(pre.Sequence([split(LLAMA3), byte_level()]), ignore_merges=True),
        "cl100k": train(pre.Sequence([split(CL100K), byte_level()])),
        "digits": train(pre.Sequence([pre.Digits(individual_digits=True), byte_level(regex=True)])),
        "added": add(
            train(byte_level(prefix=True, regex=True), normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()])),
            ("TOK", {"normalized": True, "special": False}), ("Été", {"normalized": True, "single_word": True}), ("<think>", {"lstrip": True}),
            ("</think>", {"rstrip": True, "special": False}), ("<|end", {"single_word": True}), ("world", {"normalized": True, "lstrip": True, "rstrip": True})),
        "steps": train(
            pre.Sequence([pre.Split("::", "removed"), pre.Punctuation("merged_with_previous"), split(r"\s+", "merged_with_next"), byte_level()]),
            normalizers.Sequence([normalizers.Strip(), normalizers.Replace(Regex(r"a+"), "A"), normalizers.Prepend("»")])),
        "sentencepiece": train(
            split("\\A\\z"), normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), bytes_=False, unk_token="<unk>",
            special=["<unk>"] + ["<0x%02X>" % i for i in range(256)], fuse_unk=True, byte_fallback=True,
            decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])),
        "unknown": train(pre.Whitespace(), bytes_=False, vocab=300, special=["<unk>"], unk_token="<unk>", decoder=decoders.Fuse()),
    }
    # Both spellings of merges are in use.
    for name in ("gpt2", "digits"):
        sets[name]["model"]["merges"] = [" ".join(pair) for pair in sets[name]["model"]["merges"]]
    texts = ["", " ", "\n", "\ufeff"] + SENTENCES + [line() for _ in range(990)]
    with open(f"{here}/texts.jsonl", "w") as file:
        file.writelines(json.dumps(text) + "\n" for text in texts)
    with open(f"{here}/patterns.jsonl", "w") as file:
        file.writelines(json.dumps(case, separators=(",", ":")) + "\n" for case in pattern_cases(600))
    for name, data in sets.items():
        os.makedirs(f"{here}/{name}", exist_ok=True)
        with open(f"{here}/{name}/tokenizer.json", "w") as file:
            json.dump(data, file, ensure_ascii=name == "gpt2", separators=(",", ":"))
    for name in list(sets) + ["conformance"]:
        tokenizer = Tokenizer.from_file(f"{here}/{name}/tokenizer.json")
        with open(f"{here}/{name}/ids.jsonl", "w") as file:
            for text in texts:
                ids = tokenizer.encode(text, add_special_tokens=False).ids
                record = {"ids": ids}
                decoded = tokenizer.decode(ids, skip_special_tokens=False)
                if decoded != text:
                    record["decoded"] = decoded
                file.write(json.dumps(record, separators=(",", ":")) + "\n")


main()
