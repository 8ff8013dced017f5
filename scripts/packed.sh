#!/bin/sh
# What a stranger does without a checkout: npm pack, npm install -g with an old Node and no install scripts, and the first
# steps of the example, from another folder and as an ordinary user. Needs the registry for one package: Node.
set -eu
cd "$(dirname "$0")/.."
repository=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
step() { printf 'packed: %s\n' "$*" >&2; }
fail() { step "$*"; exit 1; }

PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/' | paste -sd: -)
for name in $(env | sed -n 's/^\(npm_[A-Za-z0-9_]*\)=.*/\1/p') NODE_TEST_CONTEXT NODE_OPTIONS; do unset "$name"; done
export PATH

# THREAT: two that pack one checkout at once would exchange its package.json; so what is packed is a copy.
step "packing with npm $(npm --version) on Node $(node --version)"
mkdir "$scratch/source"
tar -cf - --exclude=./.git --exclude=./.cache --exclude=./node_modules . | tar -xf - -C "$scratch/source"
mkdir "$scratch/source/node_modules"
for entry in "$repository"/node_modules/* "$repository/node_modules/.assay-setup"; do ln -s "$entry" "$scratch/source/node_modules/"; done
(cd "$scratch/source" && sh scripts/setup.sh && node_modules/node/bin/node scripts/pack.ts --before)
(cd "$scratch/source" && npm pack --ignore-scripts --silent --pack-destination "$scratch" >/dev/null)
tarball=$(echo "$scratch"/assay-*.tgz)
size=$(wc -c <"$tarball")
step "$(basename "$tarball") has $size bytes"
[ "$size" -lt 3000000 ] || fail 'the tarball is larger than 3 MB'
tar -tzf "$tarball" | grep -q '^package/dist/THIRD-PARTY-NOTICES.txt$' || fail 'the notices are missing'
if tar -tzf "$tarball" | grep -E '\.test\.|^package/(src|test|bench)/'; then fail 'sources or tests are packed'; fi

step 'npm install -g --ignore-scripts'
npm install --global --ignore-scripts --prefix "$scratch/prefix" --no-audit --no-fund --loglevel=error "$tarball" >&2
assay=$scratch/prefix/bin/assay
cd /
[ "$("$assay" --version)" = "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$repository/package.json")" ] || fail 'another version answers'

as_user=''
user_home=$scratch/home
mkdir -m 700 "$user_home"
if [ "$(id -u)" = 0 ]; then
  chown 61000:61000 "$user_home"
  as_user='setpriv --reuid=61000 --regid=61000 --clear-groups --inh-caps=-all --no-new-privs'
fi
step "the first steps of the example, as ${as_user:+an ordinary }user"
cat >"$scratch/steps.sh" <<'STEPS'
set -eu
cp -R "$1" "$HOME/digits"
cd "$HOME/digits"
git init --quiet --initial-branch=main
git config user.name 'Ada Example'
git config user.email ada@example.org
git add --all
git commit --quiet --message 'The digits example'
assay init --yes --commit
assay data approve uci-digits-holdout --because 'compared with the UCI archive'
assay status
assay doctor
cd "$HOME"
mkdir words
cd words
printf 'stages:\n  count:\n    cmd: wc -w < words.txt > count.txt\n    deps: [words.txt]\n    outs: [count.txt]\n' >dvc.yaml
echo 'pear apple plum' >words.txt
echo /count.txt >.gitignore
git init --quiet --initial-branch=main
git config user.name 'Ada Example'
git config user.email ada@example.org
git add --all
git commit --quiet --message 'Count words'
assay init --yes --commit
assay run
assay verify count.txt
printf 'id,age\n1,30\n2,40\n' >people.csv
assay data contract --from people.csv --out people.yaml
assay data validate people.csv --contract people.yaml
mkdir pictures
printf 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==' | base64 -d >pictures/one.png
assay data validate pictures
STEPS
mkdir "$scratch/example"
git -C "$repository" archive HEAD examples/digits | tar -xf - -C "$scratch/example"
# shellcheck disable=SC2086 # a command and its options
env -i HOME="$user_home" PATH="$scratch/prefix/bin:$PATH" LANG=C.UTF-8 $as_user sh "$scratch/steps.sh" "$scratch/example/examples/digits" >&2

step 'a Node that is not the pinned one is not run'
runtime=$(echo "$scratch"/prefix/lib/node_modules/assay/node_modules/node-linux-*/bin/node)
printf 'x' >>"$runtime"
if "$assay" --version 2>"$scratch/said"; then fail 'it was run'; fi
grep -q 'is not the Node that' "$scratch/said" || fail "it said: $(cat "$scratch/said")"

step 'without its own Node it says what to do'
rm "$runtime"
if PATH=/usr/bin:/bin "$assay" --version >"$scratch/said" 2>&1; then
  [ "$(/usr/bin/node --version | cut -d. -f1 | tr -d v)" -ge 22 ] || fail 'an old Node ran it'
else
  grep -Eq 'Node (v[0-9.]+ is too old|22\.12 or newer is missing).*npm install --include=optional' "$scratch/said" || fail "it said: $(cat "$scratch/said")"
fi
step 'packed, installed, run, refused where it must'
