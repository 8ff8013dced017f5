#!/bin/sh
# Everything that a fresh machine needs: Debian packages, npm packages against the committed lock, Node 24, the build.
#
# Run by `npm run demo`, `npm test` and `.ci/run`. Idempotent: each step is skipped when its stamp, keyed by what it
# depends on, is there. Works from any Node that npm 10 runs on (18.17 or newer); all later steps use the repository's.
#   setup.sh [--no-build]
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 4; }
digest() { sha256sum | cut -c1-64; }

# --- Debian packages: command and the package that has it --------------------------------------------------------
needed='bwrap:bubblewrap inotifywait:inotify-tools strace:strace setpriv:util-linux git:git python3:python3'
missing=''
programs=''
for pair in $needed; do
  command -v "${pair%%:*}" >/dev/null 2>&1 && continue
  missing="$missing ${pair#*:}"
  programs="$programs ${pair%%:*} (Debian: ${pair#*:})"
done
if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    stop "this system has no apt-get: install these programs with its package manager, then try again:$programs"
  fi
  as_root=''
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || stop "these packages are missing and there is no sudo; as root: apt-get install --yes$missing"
    as_root='sudo'
  fi
  say "installing Debian packages:$missing"
  # shellcheck disable=SC2086 # a list of plain package names
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing >&2 || {
    $as_root apt-get update >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing >&2
  } || stop "these packages could not be installed; as root: apt-get install --yes$missing"
fi

# --- npm packages and Node 24 ------------------------------------------------------------------------------------
node=node_modules/node/bin/node
stamp=node_modules/.assay-setup
wanted=$(cat package-lock.json scripts/node.sha256 | digest)
if [ ! -x "$node" ] || [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
  # The repository's own node_modules/.bin comes first on PATH below `npm run`, and is about to be replaced.
  bin_folder="$PWD/node_modules/.bin"
  outer_path=$(printf '%s' "$PATH" | tr ':' '\n' | grep -vxF "$bin_folder" | paste -sd: -)
  PATH=$outer_path command -v npx >/dev/null 2>&1 || stop 'npm is missing; as root: apt-get install --yes nodejs npm'

  say 'installing npm packages against package-lock.json (about a minute)'
  # npm 11's own `ci` refuses a lock without the platform packages that a registry mirror lacks; npm 10's does not.
  if ! PATH=$outer_path npx --yes npm@10 ci --no-audit --no-fund --loglevel=error >&2; then
    say 'npm 10 could not do it, trying the npm that is here'
    cp package-lock.json package-lock.json.before
    PATH=$outer_path npm install --no-audit --no-fund --loglevel=error >&2 || { rm -f package-lock.json.before; stop 'npm install failed'; }
    cmp -s package-lock.json package-lock.json.before || {
      mv package-lock.json.before package-lock.json
      stop 'npm would have changed package-lock.json; it was put back and nothing is trusted'
    }
    rm -f package-lock.json.before
  fi
  if [ ! -x "$node" ]; then
    say 'fetching Node 24 (its install script did not run)'
    (cd node_modules/node && PATH=$outer_path node installArchSpecificPackage.js >&2) || true
    [ -x "$node" ] || stop 'Node 24 could not be installed; allow the install script of the package `node`'
  fi

  # THREAT: the package `node` fetches its binary by version, past package-lock.json. So the binary is locked here.
  case $(uname -m) in x86_64) platform=linux-x64 ;; aarch64) platform=linux-arm64 ;; *) platform=$(uname -m) ;; esac
  locked=$(sed -n "s/^\([0-9a-f]\{64\}\)  $platform\$/\1/p" scripts/node.sha256)
  [ -n "$locked" ] || stop "scripts/node.sha256 has no digest of Node for $platform"
  [ "$(digest <"$node")" = "$locked" ] || stop "$node is not the Node that scripts/node.sha256 names: it is not run"
  printf '%s\n' "$wanted" >"$stamp"
fi

# --- the build ---------------------------------------------------------------------------------------------------
[ "${1:-}" = --no-build ] && exit 0
sources=$(find src scripts/build.ts scripts/bundles rolldown.config.ts package.json package-lock.json -type f ! -name '*.test.ts' -print0 |
  LC_ALL=C sort -z | xargs -0 sha256sum | digest)
if [ "$(cat dist/.sources 2>/dev/null || true)" != "$sources" ]; then
  say 'building dist/'
  "$node" scripts/build.ts
  printf '%s\n' "$sources" >dist/.sources
fi
