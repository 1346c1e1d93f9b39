#!/usr/bin/env bash
# A sweep of twelve runs once undisturbed and once with its workers, and once its supervisor, killed at
# random: both must end with the same twelve results, bit for bit. Then one byte of the data changes,
# and exactly the runs that read it are made again.
set -euo pipefail
cd "$(dirname "$0")/.."
attune=$PWD/.build/release/attune
recipe=recipes/pde/sweep/small-sweep.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
RANDOM=${SEED:-1}

fail() {
  echo "check-batch: $*" >&2
  exit 1
}

# What may not depend on how a sweep came to its end: the values of all metrics of all runs.
results() {
  "$attune" runs "$1" --where state=finished --json | grep -E '"(digest|seed|[a-z]+/[^"]*)" :'
}

# Jobs by state and whether they were skipped, from the summary of a batch.
count() { grep -c "\"$2\" : $3" "$1" || true; }

sweep=("$attune" batch "$recipe" --set "data.root=$work/data" --jobs 2 --json)

for equation in advection burgers; do
  "$attune" data make pde "$equation" -o "$work/data/$equation.hdf5" --trajectories 64 --grid 128 \
    --frames 21 --dt 0.05 --quiet >"$work/data.log"
done

echo "check-batch: undisturbed"
"${sweep[@]}" -o "$work/calm" >"$work/calm.json" 2>"$work/calm.log" || fail "the undisturbed sweep failed"
[[ $(count "$work/calm.json" state '"finished"') == 12 ]] || fail "expected 12 finished runs"

echo "check-batch: with workers killed"
kills=0
starts=0
while true; do
  starts=$((starts + 1))
  "${sweep[@]}" -o "$work/wild" --retries 100 >"$work/wild.json" 2>>"$work/wild.log" &
  supervisor=$!
  while sleep "0.$((RANDOM % 9 + 1))" && kill -0 "$supervisor" 2>/dev/null; do
    mapfile -t workers < <(tr ' ' '\n' <"/proc/$supervisor/task/$supervisor/children" | grep . || true)
    ((${#workers[@]} > 0)) || continue
    if ((starts == 1 && kills >= 5)); then
      kill -KILL "$supervisor" 2>/dev/null || true
      break
    fi
    # Rarer with time, so that it ends.
    ((RANDOM % (1 + kills / 10) == 0)) || continue
    kill -KILL "${workers[RANDOM % ${#workers[@]}]}" 2>/dev/null && kills=$((kills + 1))
  done
  wait "$supervisor" 2>/dev/null && break
  ((starts < 3)) || fail "the disturbed sweep failed: $(tail -5 "$work/wild.log")"
done
((kills >= 5 && starts == 2)) || fail "only $kills workers and $((starts - 1)) supervisors were killed"
[[ $(count "$work/wild.json" state '"finished"') == 12 ]] || fail "expected 12 finished runs"

results "$work/calm" >"$work/calm.txt"
results "$work/wild" >"$work/wild.txt"
[[ $(grep -c '"digest"' "$work/calm.txt") == 12 ]] || fail "expected 12 runs in the table"
cmp "$work/calm.txt" "$work/wild.txt" || fail "the results differ"
for run in "$work"/calm/small-sweep/*-s*; do
  cmp "$run/steps.jsonl" "$work/wild/small-sweep/${run##*/}/steps.jsonl" || fail "the steps differ"
done

echo "check-batch: one byte changed"
file=$work/data/burgers.hdf5
place=$(($(stat --format %s "$file") / 2))
byte=$(od --address-radix n --format u1 --skip-bytes "$place" --read-bytes 1 "$file")
# shellcheck disable=SC2059
printf "\\x$(printf %x $(((byte + 1) % 256)))" |
  dd of="$file" bs=1 seek="$place" conv=notrunc status=none
"${sweep[@]}" -o "$work/wild" >"$work/again.json" 2>>"$work/wild.log" || fail "the sweep failed on changed data"
[[ $(count "$work/again.json" skipped true) == 6 ]] || fail "expected 6 runs to be skipped"
[[ $(count "$work/again.json" skipped false) == 6 ]] || fail "expected 6 runs to be made again"
[[ $("$attune" runs "$work/wild" --where state=finished --json | grep -c '"digest"') == 18 ]] ||
  fail "expected 18 runs in all"

echo "check-batch: passed; $kills workers and one supervisor killed"
