/** Each rule for the shell: a command that it names, and the twin of which it says nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lintCommand } from './testing.ts'

const cases: readonly (readonly [rule: string, named: string, ...silent: string[]])[] = [
  ['shell-random', 'echo $RANDOM > n.txt', 'RANDOM=1; echo $RANDOM > n.txt', "echo '$RANDOM' > n.txt"],
  ['shell-random', 'n=$((RANDOM % 6))', 'n=$((size % 6))'],
  ['shell-random', 'shuf a.txt > b.txt', 'shuf --random-source=seed.bin a.txt > b.txt', 'sort a.txt > b.txt'],
  ['shell-random', 'sort -R a > b', 'sort -r a > b'],
  [
    'shell-random',
    "awk 'BEGIN{srand(); print rand()}' > x",
    "awk 'BEGIN{srand(7); print rand()}' > x",
    "awk '{print $1}' a > x",
  ],
  ['shell-random', "awk '{print rand(), $0}' a | sort > b", "awk -v s=7 'BEGIN{srand(s)} {print rand(), $0}' a > b"],
  ['random-id', 'uuidgen > id', 'uuidgen --sha1 -n @url -N x > id'],
  ['random-id', 'd=$(mktemp -d out/run-XXXXXX)', 'd=$(mktemp -d)', 't=$(mktemp /tmp/x.XXXX)'],
  ['os-entropy', 'head -c 8 /dev/urandom > salt', 'head -c 8 seed.bin > salt'],
  ['os-entropy', 'openssl rand -hex 8 > salt', 'openssl dgst -sha256 a > b'],
  ['wall-clock', 'work x.py --name "run-$(date +%s)"', 'echo "begun at $(date)"', 'date', 'x=$(date -d @$T +%F)'],
  ['wall-clock', 'echo "$(date)" > stamp.txt', 'echo stamp > stamp.txt'],
  ['listing-order', 'find data -name "*.csv" > list', 'find data -name "*.csv" | sort > list', 'find data -delete'],
  ['listing-order', 'for f in $(find data); do cat $f; done > all', 'for f in data/*; do cat $f; done > all'],
  ['listing-order', 'find . | head -1 > first', 'n=$(find . | wc -l)', 'ls > names'],
  ['listing-order', 'find a | uniq > x', 'find a | sort | uniq > x'],
  ['listing-order', 'find a | comm - b > x', 'find a | sort | comm - b > x'],
  ['listing-order', 'ls -t models | head -1 > newest', 'ls models | head -1 > first'],
  ['completion-order', 'ls | xargs -P 4 -n 1 work > out', 'ls | xargs -n 1 work > out'],
  ['completion-order', 'ls | parallel work > out', 'ls | parallel -k work > out'],
  ['archive-time', 'tar czf x.tgz data', 'tar --sort=name --mtime=@0 -cf x.tar data', 'tar xzf x.tgz'],
  ['archive-time', 'gzip a.csv', 'gzip -n a.csv', 'gzip -d a.csv.gz', 'cat a | gzip > a.gz'],
  ['network-input', 'curl -O https://example.org/x', 'curl -O https://example.org/x && sha256sum --check x.sha256'],
  [
    'network-input',
    'curl -O https://example.org/x && sha256sum -c x.sha256 && curl -O https://example.org/y',
    'curl -O https://example.org/x; curl -O https://example.org/y; sha256sum -c all.sha256',
  ],
]

for (const [rule, named, ...silent] of cases) {
  test(`names ${rule}: ${named}`, () => {
    assert.deepEqual(lintCommand(named), [`${rule}:1`])
    for (const command of silent) assert.deepEqual(lintCommand(command), [], command)
  })
}
