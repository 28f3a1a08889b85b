#!/usr/bin/env bash
# Draws results/baselines/replay.png: the page of `unmask replay --html` with two strategies side by side, at their first difference. Of the experiment's
# problems it takes one that both solve, and of those the one that takes the most rounds.
#
#   Experiments/replay-picture.sh [UNMASK]     the command to use; .build/release/unmask unless given
#
# HEIGHT=1400 Experiments/replay-picture.sh   draws more or less of the page
set -euo pipefail
cd "$(dirname "$0")/.."
unmask=${1:-.build/release/unmask}
experiment=Experiments/replay-picture.yaml
work=$PWD/.build/replay-picture
picture=results/baselines/replay.png
./Experiments/install.sh chromium

"$unmask" run "$experiment" --output "$work" >/dev/null
mapfile -t runs < <("$unmask" run "$experiment" --output "$work" --dry-run --json | grep -o '"digest":"[0-9a-f]\{16\}"' | cut -d '"' -f 4)
traces=("$work/replay-picture/${runs[0]}/trace.h5" "$work/replay-picture/${runs[1]}/trace.h5")

chosen='' best=-1 rounds=0
while read -r sample; do
  pair=$("$unmask" replay "${traces[0]}" --against "${traces[1]}" --sample "$sample" --round 0 --json)
  solved=$({ grep -o '"correct":1' <<<"$pair" || true; } | wc -l)
  counts=($(grep -o '"rounds":[0-9]*' <<<"$pair" | cut -d : -f 2))
  value=$((solved * 1000 + counts[0] + counts[1]))
  if [ "$value" -gt "$best" ]; then chosen=$sample best=$value rounds=$((counts[0] > counts[1] ? counts[0] : counts[1])); fi
done < <("$unmask" trace export "${traces[0]}" --table samples | tail -n +2 | cut -d , -f 1)

"$unmask" replay "${traces[0]}" --against "${traces[1]}" --sample "$chosen" --html "$work/replay.html"
chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --user-data-dir="$work/browser" \
  --window-size="1180,${HEIGHT:-$((1230 + 20 * rounds))}" --screenshot="$PWD/$picture" "file://$work/replay.html" 2>/dev/null
echo "$picture: $chosen, $(stat -c %s "$picture") bytes"
