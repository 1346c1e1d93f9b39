#!/usr/bin/env bash
# The main job: make data, pretrain a small MORPH on two equations, adapt it to a third with LoRA
# and in full, train the same model from scratch, compare. Arguments: seeds; a seed changes
# everything (data, test trajectories, initial weights, batch order).
set -euo pipefail
cd "$(dirname "$0")/.."
attune=$PWD/.build/release/attune
recipes=recipes/pde/quickstart
out=$PWD/outputs/quickstart
jobs=$(nproc)
started=$SECONDS
trap 'kill $(jobs -rp) 2>/dev/null || true' EXIT

grid=(--grid 128 --frames 21 --dt 0.05 --force --quiet)
runs=()

# Trains by a recipe and prints the run's folder; overrides follow. An interrupted run goes on.
train() {
  local recipe=$1
  shift
  "$attune" train "$recipes/$recipe.yaml" --set output.dir="$out" \
    --set output.if_exists=overwrite "$@" | sed -n 's/^run  *//p'
}

# One arm at four learning rates; rates of norms and position table follow LoRA's.
arm() {
  local recipe=$1 seed=$2 rate=$3
  shift 3
  local extra=()
  [[ $recipe == lora ]] && extra=(--set "train.lr_groups.0.lr=$(awk "BEGIN{print $rate/10}")")
  [[ $recipe == scratch ]] || extra+=(--set "model.weights=$1")
  train "$recipe" --seed "$seed" --threads 1 --quiet --set "data.root=$out/data-s$seed" \
    --set "train.optimizer.lr=$rate" ${extra[@]+"${extra[@]}"}
}

for seed in "$@"; do
  data=$out/data-s$seed
  echo "seed $seed: making trajectories of three equations" >&2
  "$attune" data make pde advection -o "$data/advection.hdf5" --trajectories 272 \
    --parameter beta=-1:1 --seed "$seed" "${grid[@]}" >&2
  "$attune" data make pde burgers -o "$data/burgers.hdf5" --trajectories 272 \
    --parameter Nu=0.03:0.3 --seed "$seed" "${grid[@]}" >&2
  "$attune" data make pde diffusion-reaction -o "$data/diffusion-reaction.hdf5" \
    --trajectories 96 --parameter Nu=0.02 --parameter rho=2 --seed "$seed" "${grid[@]}" >&2

  echo "seed $seed: pretraining on advection and Burgers, 2000 steps" >&2
  pretrained=$(train pretrain --seed "$seed" --set "data.sources.0.root=$data" \
    --set "data.sources.1.root=$data")
  weights=$pretrained/merged/model.safetensors

  echo "seed $seed: three arms at four learning rates each, 200 steps" >&2
  list=$(mktemp)
  while read -r recipe rate; do
    while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
    { arm "$recipe" "$seed" "$rate" "$weights" >>"$list"; } &
  done <<<"lora 1e-3
lora 3e-3
lora 1e-2
lora 3e-2
full 3e-4
full 1e-3
full 3e-3
full 1e-2
scratch 1e-3
scratch 3e-3
scratch 1e-2
scratch 2e-2"
  for job in $(jobs -rp); do wait "$job"; done
  wait
  mapfile -t -O "${#runs[@]}" runs < <(sort "$list")
  rm -f "$list"
done

expected=$((12 * $#))
if ((${#runs[@]} != expected)); then
  echo "quickstart: ${#runs[@]} of $expected runs finished; see the messages above" >&2
  exit 1
fi
"$attune" report "${runs[@]}" -o "$out/report"
echo "$((SECONDS - started)) seconds"
