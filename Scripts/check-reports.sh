#!/usr/bin/env bash
# Writes reports of all forms from the tests' hand-made runs and opens them, and those given, in
# headless Chromium (Scripts/check_reports.py). Skipped with a note where no Chromium is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${CHROMIUM:-} ]] && ! command -v chromium chromium-browser google-chrome > /dev/null; then
  echo "check-reports: skipped, since no Chromium is installed (Debian: apt install chromium)"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
swift build -c release --build-tests
ATTUNE_REPORTS_TO=$folder swift test -c release --skip-build --disable-xctest \
  --filter WrittenReportsTests > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
python3 Scripts/check_reports.py --self-test
python3 Scripts/check_reports.py "$folder"/*/report.html "$@"
