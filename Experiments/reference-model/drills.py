"""Exercises for single skills that problems ask for only now and then: results of sums, and what carries which number or letter, what a record says.

    python drills.py work

reads the problems of `choice`, `lists` and `rewrite` there and writes drills-train.jsonl beside them. Most of a response is given, as in `infill`.
"""
import json
import os
import random
import re
import sys


def sums(draw):
    """Four sums with the numbers that `arithmetic`, `countdown` and `infill` meet."""
    spans = []
    for turn in range(4):
        kind = draw.choice("++++---**/")
        if kind == "+":
            a, b = draw.choice([(draw.randint(1, 50), draw.randint(1, 12)), (draw.randint(1, 30), draw.randint(1, 30))])
            result = a + b
        elif kind == "-":
            a, b = draw.choice([(draw.randint(2, 60), draw.randint(1, 12)), (draw.randint(2, 30), draw.randint(1, 29))])
            a, b = max(a, b) + (a == b), min(a, b)
            result = a - b
        else:
            b = draw.randint(2, 9)
            a = draw.randint(2, 60 // b)
            result = a * b
            if kind == "*" and draw.random() < 0.5:
                a, b = b, a
            if kind == "/":
                a, result = result, a
        spans += [[f" {a} {kind} {b} =", True], [f" {result}", False], [".", True]]
    return dict(prompt="\n", answer="".join(text for text, _ in spans), kind="sums", level=2, spans=spans)


def letter(problem):
    reason, mark, (letter, option) = (*problem["answer"].partition(" ####")[:2], problem["answer"].split()[-2:])
    spans = [[reason + mark, True], [f" {letter}", False], [f" {option}", True]]
    return dict(prompt=problem["prompt"], answer=problem["answer"], kind="letters", level=problem["level"], spans=spans)


def labels(draw, words, kind="labels"):
    """Items with numbers or letters, and each once more in another order beside its label, where one of the two is missing; in `marks` the label."""
    marks = draw.choice(["1 2 3 4 5 6 7 8", "A B C D E"]).split()
    items = draw.sample(words, min(len(marks), draw.choice([2, 2, 3, 3, 4, 5, 6, 7, 8])))
    pairs = list(zip(marks, items))
    told = " ".join(f"{mark} {item}" for mark, item in pairs)
    spans = []
    for mark, item in draw.sample(pairs, len(pairs)):
        hides = kind == "labels" and draw.random() < 0.5
        spans += [[f" {mark}", hides], [f" {item}", not hides], [".", True]]
    return dict(prompt=draw.choice(["The items:", "Which one?"]) + f" {told}\n", answer="".join(text for text, _ in spans), kind=kind, level=len(items), spans=spans)


def pick(draw, words):
    """The `shuffle` of lists, of which only one to three items are wanted."""
    count = draw.choice([2, 2, 3, 3, 4, 5, 6, 7, 8])
    items = draw.sample(words, count)
    wanted = draw.sample(range(count), min(count, draw.randint(1, 3)))
    told = " ".join(f"{place + 1} {item}" for place, item in enumerate(items))
    places = " ".join(str(place + 1) for place in wanted)
    return dict(prompt=f"The items: {told}. {draw.choice(['Pick', 'Write', 'In the order'])} {places}\n", answer="".join(" " + items[i] for i in wanted),
                kind="pick", level=count)


def record(draw, problem):
    """One or two of the records of a `rewrite`, and their sentences: three each."""
    ask, told = problem["prompt"].rstrip("\n").split(": ")
    records, sentences = told.split("; "), re.findall(r" [^.]*\.", problem["answer"])
    count = draw.randint(1, 2)
    first = draw.randint(0, len(records) - count)
    return dict(prompt=f"{ask}: {'; '.join(records[first:first + count])}\n", answer="".join(sentences[3 * first:3 * (first + count)]), kind="record", level=count)


def main(work):
    draw = random.Random(0)
    with open(os.path.join(work, "lists-train.jsonl")) as lists:
        shuffles = [problem for problem in map(json.loads, lists) if problem["kind"] == "shuffle"]
    words = sorted({word for problem in shuffles for word in problem["answer"].split()})
    with open(os.path.join(work, "drills-train.jsonl"), "w") as out, open(os.path.join(work, "choice-train.jsonl")) as choices:
        for _ in range(100_000):
            for problem in (sums(draw), labels(draw, words), labels(draw, words, "marks"), pick(draw, words)):
                out.write(json.dumps(problem) + "\n")
        for line in choices:
            out.write(json.dumps(letter(json.loads(line))) + "\n")
        with open(os.path.join(work, "rewrite-train.jsonl")) as texts:
            for problem in map(json.loads, texts):
                for _ in range(4):
                    out.write(json.dumps(record(draw, problem)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
