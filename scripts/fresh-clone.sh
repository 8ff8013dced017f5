#!/bin/sh
# What a stranger does: clone, set up, run. The set-up in the clone installs everything again, from the committed lock;
# the person's npm configuration and cache are used, nothing else of theirs or of this repository.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
step() { printf 'fresh clone: %s\n' "$*" >&2; }

step 'cloning what is committed'
git clone --quiet . "$scratch/assay"
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/' | paste -sd: -)
for name in $(env | sed -n 's/^\(npm_[A-Za-z0-9_]*\)=.*/\1/p') NODE_TEST_CONTEXT NODE_OPTIONS; do unset "$name"; done
export PATH

step 'setting up'
sh "$scratch/assay/scripts/setup.sh"
started=$(date +%s%N)
sh "$scratch/assay/scripts/setup.sh"
again=$((($(date +%s%N) - started) / 1000000))
step "the second set-up took $again ms"
[ "$again" -lt 3000 ]
[ -z "$(git -C "$scratch/assay" status --porcelain)" ] || { step 'set-up changed tracked files or left untracked ones'; exit 1; }

assay=$scratch/assay/bin/assay
step 'assay --version and --help, from another folder'
cd /
[ "$("$assay" --version)" = "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$scratch/assay/package.json")" ]
"$assay" --help | grep -q '^Usage: assay'

step 'a run and its verdict in a new project'
export HOME="$scratch/home" ASSAY_CONFIG_HOME="$scratch/home/assay" GIT_CONFIG_NOSYSTEM=1
mkdir -m 700 "$HOME"
mkdir "$scratch/project"
cd "$scratch/project"
git init --quiet
git config user.name 'Ada Example'
git config user.email ada@example.org
cat >dvc.yaml <<'YAML'
stages:
  count:
    cmd: wc -w < words.txt > count.txt
    deps: [words.txt]
    outs: [count.txt]
YAML
echo 'pear apple plum' >words.txt
echo '/count.txt' >.gitignore
git add --all
git commit --quiet --message 'Count words'
"$assay" init --yes --commit
"$assay" run
"$assay" verify count.txt
printf 'x' >>count.txt
if "$assay" verify count.txt; then
  step 'a forged file was trusted'
  exit 1
fi
step 'trusted as made, refused as forged'
