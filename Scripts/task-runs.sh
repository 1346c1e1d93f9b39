#!/usr/bin/env bash
# Trains one small run of each task and prints a line `NAME FOLDER` for each: recipes/gallery by data
# that is drawn and solved here, a minute or two in all.
#   Scripts/task-runs.sh DATA OUTPUTS [EARTH]
# With EARTH, the folder of a Landsat 8 scene (Scripts/draw_samples.py), two runs on it too.
set -euo pipefail
cd "$(dirname "$0")/.."
attune=.build/release/attune
data=$1 outputs=$2 earth=${3:-}

names=(classification multilabel regression proportions segmentation pixel-regression restoration
  pretrain blocks pixels pde)
[[ -z $earth ]] || names+=(landsat-clouds landsat-swir)

python3 Scripts/draw_samples.py "$data" ${earth:+"$earth"} >&2
"$attune" data make pde diffusion-reaction -o "$data/reaction.hdf5" --trajectories 48 \
  --parameter Nu=0.02 --parameter rho=2 --grid 128 --frames 21 --dt 0.05 --force --quiet >&2

# What differs from the recipe is named on the command line, and so in the report.
options=()
[[ $data == data/gallery ]] || options+=(--set "data.root=$data")
[[ $outputs == outputs ]] || options+=(--set "output.dir=$outputs")
for name in "${names[@]}"; do
  folder=$("$attune" train "recipes/gallery/$name.yaml" --quiet ${options[@]+"${options[@]}"} |
    sed -n 's/^run  *//p')
  echo "$name ${folder#"$PWD/"}"
done
