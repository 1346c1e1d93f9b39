#!/usr/bin/env bash
# The tournament of docs/studies/tournament.md: data and two small pretrained backbones, two donors for
# mixtures of saved adapters, then every arm on both tasks with three seeds as one batch, and a report
# of each task. Finished runs are passed over, so that it can be given again at any time.
# Environment: ATTUNE_DATA (folder of the data, ../shared/data), JOBS (runs at the same time, 1),
# PYTHON (python3; the tables need PyYAML)
set -euo pipefail
cd "$(dirname "$0")/.."
export ATTUNE_DATA=${ATTUNE_DATA:-$PWD/../shared/data}
attune=${ATTUNE:-.build/release/attune}
out=$PWD/outputs/tournament
started=$SECONDS

grid=(--grid 128 --frames 21 --dt 0.05 --seed 0 --quiet)
make_data() {
  local equation=$1
  shift
  [[ -f data/quickstart/$equation.hdf5 ]] \
    || "$attune" data make pde "$equation" -o "data/quickstart/$equation.hdf5" "${grid[@]}" "$@"
}
make_data advection --trajectories 272 --parameter beta=-1:1
make_data burgers --trajectories 272 --parameter Nu=0.03:0.3
make_data diffusion-reaction --trajectories 96 --parameter Nu=0.02 --parameter rho=2

# Prints the folder of a run, which is made unless it is there. One thread: the same bytes anywhere.
run() {
  "$attune" batch "$@" -o "$out/pretrained" --threads 1 --quiet --json \
    | sed -n 's/^ *"directory" : "\(.*\)",$/\1/p'
}
ATTUNE_MORPH=$(run recipes/pde/quickstart/pretrain.yaml)/merged/model.safetensors
ATTUNE_VIT=$(run recipes/medical/pretrain/medical-mae.yaml)/merged/model.safetensors
export ATTUNE_MORPH ATTUNE_VIT ATTUNE_DONORS=$out/donors

for task in pde membranes; do
  mkdir -p "$ATTUNE_DONORS/$task"
  for donor in a b; do
    folder=$(run "recipes/tournament/donors/$task-$donor.yaml")
    rm -rf "${ATTUNE_DONORS:?}/$task/$donor"
    cp -r "$folder/adapter" "$ATTUNE_DONORS/$task/$donor"
  done
done

"$attune" batch recipes/tournament -o "$out/runs" --jobs "${JOBS:-1}" || [[ $? == 1 ]]
for task in pde membranes; do
  runs=("$out/runs/$task"-*/*-s[012]/record.json)
  "$attune" report "${runs[@]%/record.json}" -o "$out/report-$task" --json >"$out/$task.json"
done
"${PYTHON:-python3}" studies/tournament.py "$out"
echo "$((SECONDS - started)) seconds"
