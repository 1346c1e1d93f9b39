#!/usr/bin/env bash
# Counts the parity cases in the output of the tests, which say `parity: NAME passed` or `skipped`;
# tests that were left out because ../shared is absent count as skipped.
set -euo pipefail
log=$1

count() { grep -E "$1" "$log" | sort -u | wc -l; }

passed=$(count '^parity: .+ passed$' || true)
named=$(count '^parity: .+ skipped$' || true)
absent=$(count 'skipped: "\.\./shared is absent"' || true)
echo "parity cases:          $passed passed, $((named + absent)) skipped"

if [[ -d ../shared && $absent != 0 ]]; then
  echo "parity: $absent tests did not find ../shared, which is there" >&2
  exit 1
fi
