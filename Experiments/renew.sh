#!/usr/bin/env bash
# After a new model or benchmark: records the goldens anew and writes results/baselines. `make renew` runs it, and the claims after it.
#
#   Experiments/renew.sh [UNMASK]     the command to use; .build/release/unmask unless given
set -euo pipefail
cd "$(dirname "$0")/.."
unmask=${1:-.build/release/unmask}
pages=results/baselines
work=.build/renew

"$unmask" check --accept --yes

# page TITLE EXPERIMENT TEXT: the closing table of an experiment, decoded by one worker so that its times count.
page() {
  local name
  name=$(basename "$2" .yaml)
  "$unmask" run "$2" --output "$work" > "$work.txt"
  { printf '# %s\n\n`unmask run %s`, written by `make renew`. %s\n\n```\n' "$1" "$2" "$3"; grep -v '^files:' "$work.txt"; printf '```\n'; } > "$pages/$name.md"
  echo "$pages/$name.md"
}
mkdir -p "$work"
page "Every shipped strategy on the reference model" Experiments/eight-strategies.yaml \
  "100 test problems each, so accuracies differ by chance by up to about 10 points; rounds and positions are exact. Intervals and verdicts: [the claims](../claims/claims.md)."
page "What the reference model gets right" Experiments/reference-model/accuracy.yaml "One token per round, the test split, each benchmark on its own canvas."

"$unmask" run Experiments/first-light.yaml --output "$work" > "$work.txt"
"$unmask" trace picture "$work"/first-light/*/trace.h5 --sample lists/test/29 > "$pages/decode.svg"
echo "$pages/decode.svg"
Experiments/replay-picture.sh "$unmask"
