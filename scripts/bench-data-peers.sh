#!/bin/sh
# Fetches what the validation of data is compared with, each into an environment of its own, from PyPI.
#
#   sh scripts/bench-data-peers.sh      ASSAY_BENCH_PEERS names another folder than ~/.cache/assay-bench
set -eu
folder=${ASSAY_BENCH_PEERS:-$HOME/.cache/assay-bench}
fetch() {
  name=$1
  shift
  [ -x "$folder/$name/bin/python" ] || python3 -m venv "$folder/$name"
  "$folder/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
}
fetch pandera 'pandera[polars]==0.*' polars pyarrow
fetch datacontract 'datacontract-cli[duckdb]==1.2.*' pyarrow
fetch great-expectations 'great_expectations==1.*' pyarrow
for name in pandera datacontract great-expectations; do
  "$folder/$name/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -iE '^(pandera|datacontract-cli|great.expectations|polars|duckdb) ' || true
done
