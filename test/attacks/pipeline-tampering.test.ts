/** Threat: pipeline tampering. What a stage may do, and what its evidence says, is not the stage's to choose. */
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { type Scratch, scratch } from '../support/scratch.ts'

async function adopted(project: Scratch): Promise<void> {
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
}

const withSort = (script: string): Record<string, string> => ({ ...words, 'src/sort.sh': script })
const honest = 'sort "$1" > "$2"\n'

test('a stage that reads a file it does not declare fails by name; declared, it runs', async (context) => {
  const project = scratch(context, {
    ...withSort(`set -e\ncat secret/notes.txt\n${honest}`),
    'secret/notes.txt': 'x\n',
    '.gitignore': '/out\n/model\n/secret\n',
  })
  await adopted(project)
  const refused = await project.json(3, 'run')
  assert.equal(refused.stages[0].code, 'ERR_STAGE_UNDECLARED_READ')
  assert.match(refused.stages[0].because, /secret\/notes\.txt/)

  project.write({
    'dvc.yaml': words['dvc.yaml']?.replace('deps: [src/sort.sh,', 'deps: [secret/notes.txt, src/sort.sh,') ?? '',
  })
  project.commit()
  await project.json(0, 'run')
})

test("a stage that reads another's output without declaring it fails; declared, it has those bytes", async (context) => {
  const pipeline = (deps: string): string => `stages:
  make: {cmd: echo made > out/made, outs: [out/made]}
  other: {cmd: cat out/made > model/other, deps: [${deps}], outs: [model/other]}
`
  const project = scratch(context, {
    'dvc.yaml': pipeline('data/words.txt'),
    'data/words.txt': 'a word\n',
    '.gitignore': '/out\n/model\n',
  })
  await adopted(project)
  await project.json(0, 'run', 'make')
  const { stages } = await project.json(3, 'run', 'other')
  assert.equal(stages[0].code, 'ERR_STAGE_UNDECLARED_READ')
  assert.match(stages[0].because, /out\/made/)

  project.write({ 'dvc.yaml': pipeline('out/made') })
  project.commit()
  await project.json(0, 'run')
  assert.equal(project.read('model/other'), 'made\n')
})

test('a stage that tries the network is refused even when it swallows the error; without the attempt it runs', async (context) => {
  const attempt = `python3 -c "
import socket
try: socket.create_connection(('198.51.100.1', 80), 1)
except OSError: pass
"
`
  const project = scratch(context, withSort(attempt + honest))
  await adopted(project)
  const refused = await project.json(1, 'run')
  assert.equal(refused.status, 'refused')
  assert.equal(refused.stages[0].code, 'ERR_STAGE_NETWORK_DENIED')

  project.write({ 'src/sort.sh': honest })
  project.commit()
  await project.json(0, 'run')
})

test('a stage cannot change the code of the next one', async (context) => {
  const project = scratch(context, withSort(`echo 'echo forged > "$3"' > src/count.sh || true\n${honest}`))
  await adopted(project)
  await project.json(0, 'run')
  assert.equal(project.read('src/count.sh'), words['src/count.sh'])
  assert.doesNotMatch(project.read('model/count.txt'), /forged/)
})

test('a change hidden from git by assume-unchanged is found', async (context) => {
  const project = scratch(context, words)
  await adopted(project)
  project.git('update-index', '--assume-unchanged', 'src/sort.sh')
  project.write({ 'src/sort.sh': `${words['src/sort.sh']}# hidden\n` })
  assert.equal((await project.json(0, 'run')).level, 0)
})

test('evidence with any byte changed is refused, and the run repairs what it can prove', async (context) => {
  const project = scratch(context, words)
  await adopted(project)
  await project.json(0, 'run')
  const folder = join(project.root, '.assay/attestations')
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    const bytes = readFileSync(file)
    const at = Math.floor(bytes.length / 2)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(file, bytes)
  }
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)
  await project.json(0, 'run')
  await project.json(0, 'verify', 'model/count.txt')
})

test('a lock that points at other evidence proves nothing', async (context) => {
  const project = scratch(context, words)
  await adopted(project)
  await project.json(0, 'run')
  const [sort, count] = [...project.read('assay.lock').matchAll(/attestation: (sha256:[0-9a-f]{64})/g)].map(
    ([, digest]) => digest ?? '',
  )
  assert.ok(sort !== undefined && count !== undefined && sort !== count)
  project.write({ 'assay.lock': project.read('assay.lock').replaceAll(count, sort) })
  const verdict = await project.json(0, 'verify', 'model/count.txt')
  assert.equal(verdict.trusted, true, 'the evidence is found by the bytes, whatever the lock says')
  project.write({ 'model/count.txt': 'forged\n' })
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)
})

test('a log that was changed where it is kept is found; untouched, it is proven', async (context) => {
  const project = scratch(context, words)
  await adopted(project)
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
  const [digest] = Object.values<string>(JSON.parse(readFileSync(latestRun(project.root), 'utf8')).logs)
  const hex = digest?.slice('sha256:'.length) ?? ''
  const object = join(project.root, '.assay/objects', hex.slice(0, 2), hex.slice(2))
  chmodSync(object, 0o644)
  writeFileSync(object, 'SORTED\n')

  const verdict = await project.json(1, 'verify', 'model/count.txt')
  assert.ok(
    verdict.findings.some(({ check, passed }: { check: string; passed: boolean }) => check === 'log' && !passed),
  )
})

function latestRun(root: string): string {
  const runs = join(root, '.assay/runs')
  return join(runs, readdirSync(runs).toSorted().at(-1) ?? '', 'run.json')
}
