#!/usr/bin/env bash
# Decodes the Pareto study and stores it in results/pareto: points, picture, one line per sample, and what an adaptive sweep makes of a third of the samples.
# `make renew` runs it; `make pareto` decodes it without storing anything, and holds it against what is stored.
#
#   Experiments/pareto.sh PYTHON [UNMASK]     PYTHON has the packages of notebooks-md/requirements.txt
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
unmask=${2:-.build/release/unmask}
study=results/pareto
work=.build/pareto
mkdir -p "$work"

"$unmask" run Experiments/pareto.yaml --jobs "$(nproc)"
"$unmask" pareto "$study" --json > "$work/points.json"
"$unmask" pareto "$study" --svg "$study/front.svg" > "$work/front.txt"
{ printf '`unmask pareto results/pareto`, written by `make renew`.\n\n```\n'; cat "$work/front.txt"; printf '```\n'; } > "$study/front.md"
mv "$work/points.json" "$study/points.json"

samples=$("$python" -c 'import json, sys; print(sum(point["samples"] for point in json.load(open(sys.argv[1]))) // 3)' "$study/points.json")
rm -rf "$work/adaptive"
"$unmask" run Experiments/pareto.yaml --adaptive --budget "$samples" --jobs "$(nproc)" --output "$work/adaptive" > "$work/adaptive.txt"
"$unmask" pareto "$work/adaptive/pareto" --json > "$study/adaptive.json"

"$unmask" run Experiments/pareto.yaml --dry-run --pilot 0 --json > "$work/plan.json"
"$python" notebooks-md/collect.py "$work/plan.json" --output "$study"
echo "$study"
