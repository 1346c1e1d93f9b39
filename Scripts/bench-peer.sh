#!/usr/bin/env bash
# Times this build beside PyTorch in interleaved rounds and prints a Markdown table.
#   bench-peer.sh DIR [WORK…]
# DIR     Python environment made by the peers' setup.sh
# WORK    vit-lora, vit-infer, vit-base, morph, morph-1d, lola; all where none is named
# Environment: PEER_SCRIPTS (../shared/tools/peer), MORPH and LOLA (checkouts of the references;
# what needs one that is absent is left out), ROUNDS (3), STEPS (5), THREADS (1), PRECISION (fp32),
# COMPILED=1 (torch.compile beside the ViT).
set -euo pipefail
cd "$(dirname "$0")/.."
unset OPENBLAS_CORETYPE # where it is set it forces slower products

if (($# < 1)); then
  echo "bench-peer: no Python environment is named: bench-peer.sh DIR [WORK…]" >&2
  exit 64
fi
python=$1/bin/python
shift
scripts=${PEER_SCRIPTS:-../shared/tools/peer}
for file in "$python" "$scripts/vit_lora_step.py" .build/release/attune; do
  if [[ ! -e $file ]]; then
    echo "bench-peer: $file is missing; see the README of the peers and make build" >&2
    exit 66
  fi
done
rounds=${ROUNDS:-3}
common=(--threads "${THREADS:-1}" --precision "${PRECISION:-fp32}" --steps "${STEPS:-5}")

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

ours() { # name, arguments
  .build/release/attune bench "${@:2}" "${common[@]}" --json >"$results/$1.json"
}

peer() { # name, script, arguments
  "$python" "$scripts/$2" "${@:3}" "${common[@]}" 2>"$results/$1.err" >"$results/$1.json" || {
    tail -n 5 "$results/$1.err" >&2
    exit 1
  }
}

# One line: work, round, then ours and the peers as they were timed, one after the other.
compare() { # work, arguments of bench, script with arguments
  local work=$1 bench=$2 script=$3 round
  for ((round = 1; round <= rounds; round++)); do
    # shellcheck disable=SC2086 # words of the command lines
    {
      ours "$work.$round.ours" $bench
      peer "$work.$round.stock" $script
      peer "$work.$round.tuned" $script --tuned
      if [[ ${COMPILED:-} == 1 && $work == vit* ]]; then
        peer "$work.$round.compiled" $script --compile --tuned
      fi
    }
    echo "bench-peer: $work, round $round of $rounds" >&2
  done
}

works=("$@")
((${#works[@]})) || works=(vit-lora vit-infer vit-base morph morph-1d lola)
line=1,1,1,1,1,1024
for work in "${works[@]}"; do
  case $work in
  vit-lora) compare vit-lora "vit-lora" "vit_lora_step.py" ;;
  vit-infer) compare vit-infer "vit-lora --mode infer" "vit_lora_step.py --mode infer" ;;
  vit-base)
    compare vit-base "vit-lora --model vit_base_patch16_224" \
      "vit_lora_step.py --model vit_base_patch16_224"
    ;;
  morph) [[ -z ${MORPH:-} ]] || compare morph "morph" "morph_step.py --reference $MORPH" ;;
  morph-1d)
    [[ -z ${MORPH:-} ]] || compare morph-1d "morph --batch 1 --shape $line" \
      "morph_step.py --reference $MORPH --batch 1 --shape $line"
    ;;
  lola) [[ -z ${LOLA:-} ]] || compare lola "lola" "lola_step.py --reference $LOLA" ;;
  *)
    echo "bench-peer: no work is called $work; known: vit-lora vit-infer vit-base morph morph-1d lola" >&2
    exit 64
    ;;
  esac
done

"$python" - "$results" <<'PYTHON'
"""Prints the Markdown table from the JSON files WORK.ROUND.ENGINE.json of a folder."""
import glob
import json
import os
import statistics
import sys

runs = {}
for path in glob.glob(os.path.join(sys.argv[1], "*.json")):
    work, number, engine, _ = os.path.basename(path).rsplit(".", 3)
    with open(path) as file:
        runs.setdefault(work, {}).setdefault(engine, {})[int(number)] = json.load(file)

for any_run in [r for w in runs.values() for r in w.get("ours", {}).values()][:1]:
    versions = ", ".join(f"{k} {v}" for k, v in sorted(any_run["libraries"].items()))
    print(f"{any_run['engine']}, {any_run['threads']} threads, {any_run['precision']}, "
          f"{any_run['instruction_set']}, {any_run['processor']}; {versions}\n")
print("| work | engine | median step (s) | start (s) | peak (MB) | share of ceiling | "
      "its step over ours, by round |")
print("|---|---|---|---|---|---|---|")
for work, engines in sorted(runs.items()):
    ours = engines["ours"]
    for engine in ("ours", "stock", "tuned", "compiled"):
        if engine not in engines:
            continue
        rounds = engines[engine]
        middle = lambda key: statistics.median(r[key] for r in rounds.values())
        share = f"{100 * middle('share_of_ceiling'):.1f} %" if engine == "ours" else "–"
        ratios = [r["median_step_s"] / ours[n]["median_step_s"] for n, r in sorted(rounds.items())]
        text = "–" if engine == "ours" else \
            f"**{statistics.median(ratios):.2f}** ({', '.join(f'{x:.2f}' for x in ratios)})"
        name = ours[1]["engine"] if engine == "ours" else f"{rounds[1]['engine']} {engine}"
        print(f"| {work} | {name} | {middle('median_step_s'):.4f} | "
              f"{middle('import_and_warmup_s'):.1f} | {middle('peak_rss_mb'):.0f} | {share} | {text} |")
PYTHON
