"""Trains the tokenizer: a byte-level BPE in which every word of the benchmarks, and every digit, is one token.

    python build_tokenizer.py work/*-train.jsonl --output DIR
"""
import argparse
import json
import os

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ["<|endoftext|>", "<|mdm_mask|>", "<|start|>"]
# One digit, one run of letters or one run of signs, each with the space before it; then white space.
PATTERN = r" ?[0-9]| ?[A-Za-z]+| ?[^\s0-9A-Za-z]+|\s+"
# Words of everyday prompts that the benchmarks do not use yet stay spelled in pieces: every byte is in the vocabulary.
SAMPLE = 40_000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="+", help="JSONL files of problems")
    parser.add_argument("--output", required=True)
    parser.add_argument("--vocab", type=int, default=1200)
    options = parser.parse_args()

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    texts = []
    for path in options.corpus:
        with open(path) as file:
            for _, line in zip(range(SAMPLE), file):
                problem = json.loads(line)
                texts += [problem["prompt"], problem["answer"]]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=options.vocab, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    os.makedirs(options.output, exist_ok=True)
    tokenizer.save(os.path.join(options.output, "tokenizer.json"))

    words = sorted({piece for text in texts for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)})
    split = [word for word in words if len(tokenizer.encode(word.replace("Ġ", " ").replace("Ċ", "\n")).ids) != 1]
    print(f"{tokenizer.get_vocab_size()} tokens, {len(words)} words in the corpus, {len(split)} of them in pieces: {split}")


if __name__ == "__main__":
    main()
