#!/usr/bin/env bash
# Writes the problems and the tokenizer that training reads: prepare.sh PATH-TO-UNMASK [WORK]
set -euo pipefail
cd "$(dirname "$0")"
unmask=$1
work=${2:-work}
mkdir -p "$work"
"$unmask" benchmarks --json > "$work/benchmarks.jsonl"
generate() { [ -s "$work/$1-train.jsonl" ] || { "$unmask" benchmarks "$1" --split train --limit "$2" --json > "$work/part" && mv "$work/part" "$work/$1-train.jsonl"; }; }
generate arithmetic 600000
generate code 400000
generate countdown 400000
generate sudoku4 300000
generate lists 500000
generate choice 400000
generate rewrite 60000
generate infill 300000
[ -s "$work/tok/tokenizer.json" ] || python3 build_tokenizer.py "$work"/*-train.jsonl --output "$work/tok"
