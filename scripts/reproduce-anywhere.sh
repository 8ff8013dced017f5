#!/bin/sh
# Last step of `npm run test:long`: the example, run once, comes out bit for bit on this machine again, with another number of idle cores, in a new
# clone, in another folder, from an exported bundle, by another user. As root: that one is `nobody`.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
assay="$here/bin/assay"
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
export ASSAY_CONFIG_HOME="$work/keys" HOME="$work/home"
mkdir "$HOME"

say() { printf '%s %s\n' "$(date +%T)" "$*"; }
# What a reproduction comes to has to be `identical`.
identical() {
  say "$1"
  shift
  "$@" >"$work/told" 2>"$work/err" || { cat "$work/told" "$work/err"; exit 1; }
  grep '^identical' "$work/told" || { cat "$work/told"; exit 1; }
}

cp -r "$here/examples/digits" "$work/first"
cd "$work/first"
git init -q -b main && git config user.name Ada && git config user.email ada@example.org
git add -A && git commit -qm 'The example'
"$assay" init --yes --commit >/dev/null
"$assay" data approve uci-digits-holdout --because 'compared with the archive' >/dev/null
git add -A && git commit -qm 'Approve the holdout'
say 'the first run'
"$assay" run >/dev/null 2>"$work/err" || { cat "$work/err"; exit 1; }
git add -A && git commit -qm 'A run'
"$assay" attest export models/digits.safetensors --out "$work/evidence.jsonl" >/dev/null
sha256sum models/digits.safetensors

identical 'on the same machine' "$assay" reproduce
identical 'on one core' taskset -c 0 "$assay" reproduce

git clone -q "$work/first" "$work/a folder of another name"
cd "$work/a folder of another name"
cp "$work/first/data/holdout.csv" data/
"$assay" key use >/dev/null
identical 'in a new clone, in another folder, from an exported bundle' "$assay" reproduce "$work/evidence.jsonl"

if [ "$(id -u)" = 0 ]; then
  mkdir "$work/other"
  git clone -q "$work/first" "$work/other/digits"
  cp "$work/first/data/holdout.csv" "$work/other/digits/data/"
  cp -r "$ASSAY_CONFIG_HOME" "$work/other/keys"
  mkdir "$work/other/home"
  chmod 644 "$work/evidence.jsonl"
  chown -R nobody "$work/other"
  cd "$work/other/digits"
  as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups \
      env HOME="$work/other/home" ASSAY_CONFIG_HOME="$work/other/keys" GIT_CONFIG_COUNT=1 \
      GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' "$assay" "$@"
  }
  as_nobody key use >/dev/null
  identical 'by another user, in a folder of theirs' as_nobody reproduce "$work/evidence.jsonl"
fi

# Another date: each of these was later than the first run. assay refuses to be started with a clock that a library shifts.
say 'all of them identical'
