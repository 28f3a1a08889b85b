#!/usr/bin/env bash
# Writes the problems and the tokenizer that training reads: prepare.sh PATH-TO-UNMASK [WORK]
set -euo pipefail
cd "$(dirname "$0")"
unmask=$1
work=${2:-work}
mkdir -p "$work"
"$unmask" benchmarks --json > "$work/benchmarks.jsonl"
generate() { [ -s "$work/$1-train.jsonl" ] || { "$unmask" benchmarks "$1" --split train --limit "$2" --json > "$work/part" && mv "$work/part" "$work/$1-train.jsonl"; }; }
generate arithmetic 200000
generate code 200000
generate countdown 200000
generate sudoku4 200000
generate lists 200000
generate choice 200000
generate rewrite 30000
generate infill 200000
[ -s "$work/tok/tokenizer.json" ] || python3 build_tokenizer.py "$work"/*-train.jsonl --output "$work/tok"
[ -s "$work/drills-train.jsonl" ] || python3 drills.py "$work"
