#!/bin/sh
# Fetches what the benchmarks compare with into a folder of its own: DVC and uv from PyPI, podman from Debian when asked.
#
#   sh scripts/bench-peers.sh [--podman]      ASSAY_BENCH_PEERS names another folder than ~/.cache/assay-bench
set -eu
folder=${ASSAY_BENCH_PEERS:-$HOME/.cache/assay-bench}
if [ ! -x "$folder/bin/dvc" ] || [ ! -x "$folder/bin/uv" ]; then
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check dvc==3.67.1 uv==0.9.*
fi
if [ "${1:-}" = --podman ] && ! command -v podman >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] || { echo 'bench-peers: podman is installed as root: apt-get install podman runc' >&2; exit 4; }
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends podman runc >&2
fi
for program in dvc uv; do printf '%s %s\n' "$program" "$("$folder/bin/$program" --version)"; done
command -v podman >/dev/null 2>&1 && podman --version || echo 'podman is not here: sh scripts/bench-peers.sh --podman'
