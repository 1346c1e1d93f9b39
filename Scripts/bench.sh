#!/usr/bin/env bash
# Times known work with this build; options after the script's name go to every `attune bench`.
set -euo pipefail
cd "$(dirname "$0")/.."
unset OPENBLAS_CORETYPE # where it is set it forces slower products

for work in "vit-lora" "vit-lora --model vit_base_patch16_224" "vit-lora --mode infer" "morph" \
  "morph --batch 1 --shape 1,1,1,1,1,1024" "lola"; do
  # shellcheck disable=SC2086 # words of the command line
  .build/release/attune bench $work "$@"
  echo
done
