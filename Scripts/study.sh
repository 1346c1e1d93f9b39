#!/usr/bin/env bash
# The studies on real data of docs/studies: pretraining, then all arms with three seeds.
#   study.sh restoration|medical|images [DIR]
# DIR     Python environment of the peers (torch, timm, peft, scipy, Pillow): runs their part too
# Environment: ATTUNE_DATA (folder of the data, ../shared/data), JOBS (runs at the same time, 2)
set -euo pipefail
cd "$(dirname "$0")/.."
domain=${1:-}
case $domain in
restoration) pretraining=restoration-prod ;;
medical) pretraining=medical-mae ;;
images) pretraining=images-mae ;;
*)
  echo "study: expected restoration, medical or images, found '$domain'" >&2
  exit 64
  ;;
esac
export ATTUNE_DATA=${ATTUNE_DATA:-$PWD/../shared/data}
attune=.build/release/attune
out=outputs/studies/$domain
started=$SECONDS

# A finished run is passed over, here as below.
run=$("$attune" batch "recipes/$domain/pretrain" -o "$out" --quiet --json \
  | sed -n 's/^ *"directory" : "\(.*\)",$/\1/p')
export ATTUNE_WEIGHTS=$run/merged/model.safetensors
"$attune" batch "recipes/$domain/adapt" -o "$out" --jobs "${JOBS:-2}"
runs=()
for folder in "$out/$domain"-*/*-s*/; do
  [[ $folder == */"$pretraining"/* ]] || runs+=("$folder")
done
"$attune" report "${runs[@]}" -o "$out/report"
if (($# > 1)); then
  "$2/bin/python" studies/peer/all.py "$domain" --data "$ATTUNE_DATA" --runs "$out" \
    --weights "$ATTUNE_WEIGHTS" >"$out/peer.jsonl"
  "$2/bin/python" studies/table.py "$domain" --runs "$out" --peer "$out/peer.jsonl"
fi
echo "$((SECONDS - started)) seconds"
