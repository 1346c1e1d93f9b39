#!/usr/bin/env bash
# Opens reports in headless Chromium (Scripts/check_reports.py): one of each task, made here from data
# that the project draws and solves itself, a comparison of several runs, those of all forms that the
# tests write, and those given. Skipped with a note where no Chromium is installed. SHOTS=DIR keeps
# pictures of the pages.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${CHROMIUM:-} ]] && ! command -v chromium chromium-browser google-chrome > /dev/null; then
  echo "check-reports: skipped, since no Chromium is installed (Debian: apt install chromium)"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
swift build -c release --build-tests
ATTUNE_REPORTS_TO=$folder/forms swift test -c release --skip-build --disable-xctest \
  --filter WrittenReportsTests > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

Scripts/task-runs.sh "$folder/data" "$folder/outputs" > "$folder/runs"
missing=0
for task in $(.build/release/attune list tasks | awk '{ print $1 }'); do
  # grep without -q reads to the end, so that no writer is stopped.
  grep -lE "^task: $task\$" "$folder"/outputs/*/*/recipe.resolved.yaml > /dev/null ||
    { echo "check-reports: no run of task $task; add a recipe to recipes/gallery" >&2; missing=1; }
done
((missing == 0))
reports=()
while read -r name run; do
  mkdir -p "$folder/tasks"
  cp -r "$run/report" "$folder/tasks/$name"
  reports+=("$folder/tasks/$name/report.html")
done < "$folder/runs"
mapfile -t splits < <(awk '$1 == "blocks" || $1 == "pixels" { print $2 }' "$folder/runs")
.build/release/attune report "${splits[@]}" -o "$folder/tasks/comparison" > /dev/null
reports+=("$folder/tasks/comparison/report.html")

python3 Scripts/check_reports.py --self-test
python3 Scripts/check_reports.py ${SHOTS:+--shots "$SHOTS"} "$folder"/forms/*/report.html \
  "${reports[@]}" "$@"
