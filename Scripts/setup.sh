#!/usr/bin/env bash
# Installs the Debian packages that building and running need; silent and fast when all are there.
set -euo pipefail

# What every Swift package on Debian 12 needs: headers, start-up objects, and git with certificates
# for the dependencies.
toolchain=(libc6-dev libstdc++-12-dev binutils git ca-certificates pkg-config)
# Libraries that the toolchain's own programs load.
toolchain+=(libcurl4 libncurses6 libsqlite3-0 libxml2 libuuid1)
libraries=(libopenblas-dev libhdf5-dev libgdal-dev libpng-dev zlib1g-dev libzstd-dev libsqlite3-dev)
# For tests: what reads our rasters beside us, and what starts several ranks.
libraries+=(gdal-bin openmpi-bin)
# Optional: without it products run on OpenBLAS and our own kernels.
onednn=(libdnnl-dev)
[[ ${ATTUNE_NO_ONEDNN:-} == 1 ]] && onednn=()

# Prints those of the named packages that are not installed.
missing() {
  comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
      sed -n 's/^installed //p' | sort)
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo DEBIAN_FRONTEND=noninteractive "$@"
  else
    echo "setup: Debian packages are missing, and neither root nor sudo is at hand. As root, run:" >&2
    echo "  apt-get install --no-install-recommends ${wanted[*]}" >&2
    exit 69
  fi
}

install() {
  as_root apt-get install --yes --quiet --quiet --no-install-recommends "$@" >/dev/null
}

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this script installs Debian packages, but there is no dpkg here." >&2
  echo "Install by hand: ${toolchain[*]} ${libraries[*]}, optionally ${onednn[*]}." >&2
  exit 69
fi

mapfile -t wanted < <(missing "${toolchain[@]}" "${libraries[@]}" "${onednn[@]}")
mapfile -t required < <(missing "${toolchain[@]}" "${libraries[@]}")

if ((${#required[@]} > 0)); then
  echo "setup: installing ${required[*]}"
  as_root apt-get update --quiet --quiet
  install "${required[@]}"
fi
if ((${#wanted[@]} > ${#required[@]})); then
  if install "${onednn[@]}" 2>/dev/null; then
    echo "setup: installed ${onednn[*]}"
  else
    echo "setup: oneDNN (${onednn[*]}) cannot be installed; going on without it, slower."
  fi
fi

if ! command -v swift >/dev/null; then
  echo "setup: no Swift toolchain on PATH. Install Swift 6.3 or later from" >&2
  echo "https://www.swift.org/install/linux/ and put its usr/bin on PATH." >&2
  exit 69
fi
