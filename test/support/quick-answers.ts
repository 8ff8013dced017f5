/** A project that answers at once, and what must make it look again. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { adopted } from './adopted.ts'
import { words } from './projects.ts'
import type { Scratch } from './scratch.ts'

/** Until what was just written counts as settled. */
const settleMs = 2100

export const answersOf = ({ keys }: Scratch): string => join(keys, '.cache/assay/answers')

/** A project whose last run found nothing to do, and has left its answer. */
export async function quiet(context: TestContext): Promise<Scratch> {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  project.commit('what the run pinned')
  await sleep(settleMs)
  await project.json(0, 'run') // looks at what had not settled before
  const { runId } = await project.json(0, 'run')
  // others come and go where boxes and fifos of this user are swept
  const elsewhere = ['/tmp', '/var/tmp', '/dev/shm'].map((place) => mkdtempSync(join(place, 'somebody-')))
  context.after(() => elsewhere.forEach((folder) => void rmdirSync(folder)))
  assert.equal((await project.json(0, 'run')).runId, runId, 'the answer is kept')
  return project
}

export const changes: Readonly<Record<string, (project: Scratch) => void>> = {
  'a byte of the data, its time restored': ({ root }) => flip(join(root, 'data/words.txt')),
  'a byte of an out, its time restored': ({ root }) => flip(join(root, 'out/sorted.txt')),
  'a byte of an object in the store': ({ root }) => flip(objectOf(root, 'out/sorted.txt')),
  'a byte of a statement': ({ root }) => flip(statementOf(root)),
  'a statement that is gone': ({ root }) => rmSync(statementOf(root)),
  'an out that is gone': ({ root }) => rmSync(join(root, 'model/count.txt')),
  'code that a stage can see': ({ write }) => write({ 'src/lib.sh': 'say() { echo more; }\n' }),
  'a new file beside the code': ({ write }) => write({ 'src/new.sh': '\n' }),
  'a parameter': ({ write }) => write({ 'params.yaml': 'count:\n  field: 2\n' }),
  'the policy': ({ root, read }) => writeFileSync(join(root, 'trust.yaml'), `${read('trust.yaml')}\n`),
  'a mode': ({ root }) => chmodSync(join(root, 'src/sort.sh'), 0o755),
  'a commit': ({ commit }) => commit(),
  'the lock': ({ root }) => rmSync(join(root, 'assay.lock')),
  'the key': ({ keys }) => flip(firstFile(join(keys, 'assay/projects'), /^record\.json$/)),
}

/** @param what of `changes` */
export async function isLookedAt(context: TestContext, what: string): Promise<void> {
  const change = changes[what]
  assert.ok(change, what)
  const project = await quiet(context)
  const { runId } = await project.json(0, 'run')
  change(project)
  assert.notEqual(JSON.parse((await project.assay('run', '--json')).stdout).runId, runId)
}

function flip(file: string): void {
  const { atime, mtime, mode } = statSync(file)
  const bytes = readFileSync(file)
  bytes[0] = (bytes[0] ?? 0) ^ 1
  chmodSync(file, 0o600)
  writeFileSync(file, bytes)
  chmodSync(file, mode)
  utimesSync(file, atime, mtime)
}

function objectOf(root: string, path: string): string {
  const digest = createHash('sha256')
    .update(readFileSync(join(root, path)))
    .digest('hex')
  return join(root, '.assay/objects', digest.slice(0, 2), digest.slice(2))
}

/** One that the lock names. */
function statementOf(root: string): string {
  const named = readFileSync(join(root, 'assay.lock'), 'utf8').match(/[0-9a-f]{64}/g) ?? []
  const files = named.map((hex) => join(root, '.assay/attestations', `${hex}.sigstore.json`))
  const file = files.find((each) => existsSync(each))
  assert.ok(file, 'the lock names a statement')
  return file
}

function firstFile(folder: string, name: RegExp): string {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && name.test(entry.name),
  )
  assert.ok(found, `${folder} has no ${name}`)
  return join(found.parentPath, found.name)
}
