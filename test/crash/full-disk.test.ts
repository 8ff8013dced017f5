/** Goal: a disk that is full at any step (storing, signing, the lock, a record) loses nothing. Root only: it mounts. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { scratchEnvironment } from '../support/scratch.ts'

const tool = join(import.meta.dirname, '../../bin/assay')
const isRoot = process.getuid?.() === 0

test('with every few kilobytes less of space a run is refused by name, and ends well when there is space', {
  skip: isRoot ? false : 'mounting needs root',
}, async (context) => {
  const project = await adopted(context, words)
  const script = `
mkdir small && mount -t tmpfs -o size=64m,mode=0755 none small && cp -a .git .gitignore .assay src data *.yaml small/ && cd small
"$ASSAY" key use > /dev/null
"$ASSAY" status > /dev/null
used=$(df -k --output=used . | tail -1)
for left in $LEFT; do
  rm -rf out model assay.lock .assay/objects .assay/attestations .assay/index .assay/runs
  mount -o remount,size=$((used + left))k .
  "$ASSAY" run --json > ../report.json 2> ../words.txt; first=$?
  code=$(grep -o 'ERR_[A-Z_]*' ../report.json | head -1)
  mount -o remount,size=64m .
  "$ASSAY" run > ../again.txt 2>&1; second=$?; [ $second = 0 ] || cat ../again.txt >&2
  "$ASSAY" verify model/count.txt > /dev/null; echo "$left $first \${code:-none} $second $?"
done
`
  const left = Array.from({ length: 24 }, (_, index) => index * 12).join(' ')
  const ran = spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], {
    cwd: project.root,
    env: { ...scratchEnvironment(project.keys), ASSAY: tool, LEFT: left },
    encoding: 'utf8',
  })
  const rows = ran.stdout.trim().split('\n')
  console.log(rows.join('\n'))
  assert.equal(rows.length, 24, ran.stderr)
  for (const row of rows) assert.match(row, /^\d+ (4 ERR_DISK_FULL|0 none) 0 0$/, ran.stderr)
  assert.ok(rows.some((row) => row.includes('DISK_FULL')))
  assert.ok(rows.some((row) => row.includes('none')))
})
