#!/usr/bin/env bash
# Makes the reports of docs/gallery again: recipes/gallery on data that is drawn and solved here, and
# with EARTH=DIR, the folder of the Landsat 8 scene that Scripts/draw_samples.py reads, two on that.
# Only a report's own page is kept. Names of the machine and of its folders are taken out.
set -euo pipefail
cd "$(dirname "$0")/.."
attune=.build/release/attune
gallery=docs/gallery
runs=$(mktemp)
trap 'rm -f "$runs"' EXIT

rm -rf outputs/gallery-*
Scripts/task-runs.sh data/gallery outputs ${EARTH:+"$EARTH"} > "$runs"
while read -r name run; do
  cp "$run/report/report.html" "$gallery/$name.html"
done < "$runs"

mapfile -t splits < <(awk '$1 == "blocks" || $1 == "pixels" { print $2 }' "$runs")
"$attune" report "${splits[@]}" -o outputs/gallery-splits > /dev/null
cp outputs/gallery-splits/report.html "$gallery/splits.html"

# Everything that names the machine: its folders, and its host name where the report states it.
for file in "$gallery"/*.html; do
  sed -i -E "s#(file://)?$PWD/##g; s#$PWD#.#g; s#(<dt>Host</dt><dd>)[^,<]*#\1example#" "$file"
  if grep -nE "$PWD|$HOME/|/(home|tmp|root)/" "$file" | cut -c1-200 | grep .; then
    echo "gallery: $file names this machine" >&2
    exit 1
  fi
  size=$(wc -c < "$file")
  ((size < 400000)) || { echo "gallery: $file holds $size bytes, more than 400000" >&2; exit 1; }
done
wc -c "$gallery"/*.html
