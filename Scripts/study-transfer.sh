#!/usr/bin/env bash
# The transfer study: what a LoRA adapter knows is given to another backbone without its labels, and to
# itself by what it is sure of (recipes/transfer, docs/studies/transfer.md).
#   study-transfer.sh [SEED...]                                          default 0 1 2
# Environment: ATTUNE_DATA (folder of the data, ../shared/data), SURE (probability of a sure label, 0.8)
set -euo pipefail
cd "$(dirname "$0")/.."
export ATTUNE_DATA=${ATTUNE_DATA:-$PWD/../shared/data}
attune=${ATTUNE:-.build/release/attune}
attune=$(realpath "$attune")
recipes=$PWD/recipes/transfer
out=$PWD/outputs/studies/transfer
pictures=$ATTUNE_DATA/classification/mnist
mkdir -p "$out"

# Directory of the finished run, which is made if it is not there.
run() {
  local recipe=$1
  shift
  "$attune" batch "$recipes/$recipe.yaml" -o "$out" --quiet --json "$@" >"$out/summary.json" || {
    echo "transfer: $recipe failed: $(tail -1 "$out/batch.log")" >&2
    return 1
  }
  sed -n 's/^ *"directory" : "\(.*\)",$/\1/p' "$out/summary.json"
}

# Predictions of a run for pictures below the folder of the data, as a table.
table() {
  if [[ ! -f $2/predictions.csv ]]; then
    (cd "$pictures" && "$attune" predict "$1" "${@:3}" -o "$2" >"$out/predict.log")
  fi
}

# Share of pictures whose most probable class is the name of their folder.
accuracy() {
  awk -F, 'NR > 1 { split($1, path, "/"); best = -1
    for (c = 0; c < 10; c++) if ($(NF - 9 + c) > best) { best = $(NF - 9 + c); class = c }
    right += class == path[2]; all++ } END { printf "%.3f", right / all }' "$1"
}

mapfile -t backbones < <(run transfer-pretrain)
for backbone in "${backbones[@]}"; do
  weights=$backbone/merged/model.safetensors
  if grep -q 'embed_dim: 96' "$backbone/recipe.resolved.yaml"; then
    export TEACHER_WEIGHTS=$weights
  else
    export STUDENT_WEIGHTS=$weights
  fi
done

shopt -s globstar
cd "$pictures"
train=(train/*/*.png)
test=(test/*/*.png)
cd - >/dev/null
header=id,0,1,2,3,4,5,6,7,8,9
seeds=("$@")
((${#seeds[@]} > 0)) || seeds=(0 1 2)
echo "seed,teacher,student,direct,few,sure,share_sure,self"
for seed in "${seeds[@]}"; do
  row=$seed
  teacher=$(run transfer-teacher --set "seed=$seed")
  table "$teacher" "$out/teacher-$seed" "${train[@]}"
  table "$teacher" "$out/teacher-test-$seed" "${test[@]}"
  row+=,$(accuracy "$out/teacher-test-$seed/predictions.csv")

  export SOFT_LABELS=$out/soft-$seed.csv
  { echo $header; sed 1d "$out/teacher-$seed/predictions.csv" | cut -d, -f1,3-; } >"$SOFT_LABELS"
  student=$(run transfer-student --set "seed=$seed")
  table "$student" "$out/student-test-$seed" "${test[@]}"
  row+=,$(accuracy "$out/student-test-$seed/predictions.csv")

  direct=$(run transfer-direct --set "seed=$seed")
  table "$direct" "$out/direct-test-$seed" "${test[@]}"
  row+=,$(accuracy "$out/direct-test-$seed/predictions.csv")

  few=$(run transfer-few --set "seed=$seed")
  table "$few" "$out/few-$seed" "${train[@]}"
  table "$few" "$out/few-test-$seed" "${test[@]}"
  row+=,$(accuracy "$out/few-test-$seed/predictions.csv")
  # What it is sure of becomes a label: a copy in the folder of the class.
  export SURE_PICTURES=$out/sure-$seed
  rm -rf "$SURE_PICTURES"
  while IFS=, read -r picture class; do
    mkdir -p "$SURE_PICTURES/$class"
    cp "$pictures/$picture" "$SURE_PICTURES/$class/$(tr / - <<<"$picture")"
  done < <(awk -F, -v sure="${SURE:-0.8}" 'NR > 1 { best = 0
    for (c = 3; c <= NF; c++) if ($c > best) { best = $c; class = c - 3 }
    if (best >= sure) print $1 "," class }' "$out/few-$seed/predictions.csv")
  row+=,$(find "$SURE_PICTURES" -name '*.png' | awk -F/ '{ split($NF, path, "-")
    right += path[2] == $(NF - 1); all++ }
    END { printf "%.3f,%.3f", right / all, all / '"${#train[@]}"' }')
  self=$(run transfer-self --set "seed=$seed")
  table "$self" "$out/self-test-$seed" "${test[@]}"
  row+=,$(accuracy "$out/self-test-$seed/predictions.csv")
  echo "$row"
done | tee "$out/accuracy.csv"
