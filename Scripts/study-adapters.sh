#!/usr/bin/env bash
# Nine ways to adapt the quickstart's pretrained MORPH to a third equation, each at four learning
# rates; the report keeps the best by validation. Arguments: seeds. About five minutes a seed on two
# cores.
set -euo pipefail
cd "$(dirname "$0")/.."
attune=$PWD/.build/release/attune
out=$PWD/outputs/adapters
jobs=$(nproc)
started=$SECONDS
trap 'kill $(jobs -rp) 2>/dev/null || true' EXIT

# Trains by a recipe and prints the run's folder; overrides follow. An interrupted run goes on.
train() {
  local recipe=$1
  shift
  "$attune" train "recipes/pde/$recipe.yaml" --set output.dir="$out" \
    --set output.if_exists=overwrite "$@" | sed -n 's/^run  *//p'
}

grid=(--grid 128 --frames 21 --dt 0.05 --force --quiet)
runs=()
for seed in "$@"; do
  data=$out/data-s$seed
  "$attune" data make pde advection -o "$data/advection.hdf5" --trajectories 272 \
    --parameter beta=-1:1 --seed "$seed" "${grid[@]}" >&2
  "$attune" data make pde burgers -o "$data/burgers.hdf5" --trajectories 272 \
    --parameter Nu=0.03:0.3 --seed "$seed" "${grid[@]}" >&2
  "$attune" data make pde diffusion-reaction -o "$data/diffusion-reaction.hdf5" \
    --trajectories 96 --parameter Nu=0.02 --parameter rho=2 --seed "$seed" "${grid[@]}" >&2
  echo "seed $seed: pretraining" >&2
  weights=$(train quickstart/pretrain --seed "$seed" --set "data.sources.0.root=$data" \
    --set "data.sources.1.root=$data")/merged/model.safetensors
  echo "seed $seed: nine methods at four learning rates, 200 steps" >&2
  list=$(mktemp)
  for method in full probe lora dora salt hydra colora-restoration compacter convpass; do
    case $method in
    full) rates="3e-4 1e-3 3e-3 1e-2" ;;
    probe | compacter | convpass) rates="1e-2 3e-2 1e-1 3e-1" ;;
    *) rates="3e-3 1e-2 3e-2 1e-1" ;;
    esac
    for rate in $rates; do
      while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
      { train "adapters/morph-$method" --seed "$seed" --threads 1 --quiet \
        --set "data.root=$data" --set "model.weights=$weights" \
        --set "train.optimizer.lr=$rate" >>"$list"; } &
    done
  done
  for job in $(jobs -rp); do wait "$job"; done
  wait
  mapfile -t -O "${#runs[@]}" runs < <(sort "$list")
  rm -f "$list"
done

expected=$((36 * $#))
if ((${#runs[@]} != expected)); then
  echo "study-adapters: ${#runs[@]} of $expected runs finished; see the messages above" >&2
  exit 1
fi
"$attune" report "${runs[@]}" -o "$out/report"
echo "$((SECONDS - started)) seconds"
