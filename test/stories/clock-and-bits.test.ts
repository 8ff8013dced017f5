/** Goal: neither a clock that goes backwards nor a byte that flips unseen makes something false believed, or lost. */
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadSeal } from '../../src/attestation/index.ts'
import { statKeyOf } from '../../src/data/file-stat.ts'
import { openStatCache } from '../../src/data/index.ts'
import { openProject, type RunReport, runPipeline } from '../../src/pipeline/index.ts'
import { adopted, statuses } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Document, type Scratch, scratchEnvironment } from '../support/scratch.ts'

const dayMs = 24 * 3600_000

/** A run in this process, so that its clock can be set. */
async function runHere(project: Scratch): Promise<RunReport> {
  const caller = {
    workingFolder: project.root,
    environment: scratchEnvironment(project.keys),
    now: () => new Date(),
    version: '0.0.0',
  }
  const opened = await openProject(caller)
  const nothing = { dryRun: false, force: false, keepGoing: false, trace: false, draft: false, unsafeNoSandbox: false }
  return runPipeline(opened, {
    ...nothing,
    targets: [],
    signal: new AbortController().signal,
    onEvent: () => undefined,
  })
}

const codesOf = (verdict: Document): readonly string[] =>
  verdict.findings.flatMap(({ passed, code }: Document) => (passed ? [] : [code]))

test('a clock that goes backwards: nothing is built on what is then dated in the future, and nothing is lost', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  project.write({ 'src/count.sh': `${words['src/count.sh']}echo more >> "$3"\n` })
  project.commit()

  context.mock.timers.enable({ apis: ['Date'], now: Date.now() - 3 * dayMs })
  const behind = await runHere(project)
  context.mock.timers.reset()
  assert.deepEqual(
    behind.stages.map(({ status }) => status),
    ['ran', 'ran'],
    'evidence that is dated in the future is not built on: its order in time would be refused',
  )
  assert.equal(behind.status, 'succeeded')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
})

test('a clock that was ahead: evidence of the future is refused and made again, and what came before still counts', async (context) => {
  const project = await adopted(context, words)
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3 * dayMs })
  await runHere(project)
  context.mock.timers.reset()
  const verdict = await project.json(1, 'verify', 'model/count.txt')
  assert.ok(codesOf(verdict).includes('ERR_EVIDENCE_FUTURE'), JSON.stringify(codesOf(verdict)))
  await project.json(0, 'run')
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

/** One bit, and the times as they were; what no user can restore is the inode's own time of change. */
function flip(file: string, at = 0): void {
  const { atime, mtime, mode } = statSync(file)
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  chmodSync(file, 0o600)
  writeFileSync(file, bytes)
  chmodSync(file, mode)
  utimesSync(file, atime, mtime)
}

async function approved(project: Scratch): Promise<void> {
  await project.json(0, 'data', 'add', 'words', 'data/words.txt', '--classification', 'public', '--licence', 'CC0-1.0')
  await project.json(0, 'data', 'approve', 'words')
  project.commit('approve')
}

test('one flipped bit of an input, of an out and of every object, each with its old times, is found', async (context) => {
  const project = await adopted(context, words)
  await approved(project)
  await project.json(0, 'run')
  const made = project.read('model/count.txt')

  flip(join(project.root, 'model/count.txt'))
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false)
  assert.deepEqual(statuses(await project.json(0, 'run')), { sort: 'cached', count: 'cached' })
  assert.equal(project.read('model/count.txt'), made)

  flip(join(project.root, 'data/words.txt'))
  assert.equal((await project.json(1, 'run')).stages[0].code, 'ERR_SOURCE_CHANGED')
  flip(join(project.root, 'data/words.txt'))

  const objects = join(project.root, '.assay/objects')
  const stored = readdirSync(objects, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /^..\/[0-9a-f]{62}$/.test(path),
  )
  for (const path of stored) flip(join(objects, path))
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false, 'the logs are not what was signed')
  const refused = await project.json(1, 'run')
  assert.deepEqual(
    refused.stages.map(({ code }: Document) => code),
    ['ERR_STORE_CORRUPT', 'ERR_STAGE_UPSTREAM'],
    'no stage is given an object that is not what its name says',
  )
  await project.json(0, 'run')
  assert.equal(project.read('model/count.txt'), made)
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)
})

test('a change that even ctime hides (root with another clock) reaches no stage and no verdict, and --rehash finds it', async (context) => {
  const project = await adopted(context, words)
  await approved(project)
  await grownOld()
  await project.json(0, 'run')
  const input = join(project.root, 'data/words.txt')
  flip(input)
  forgetChange(project, input)

  const { error } = await project.json(1, 'run', '--force')
  assert.equal(error.code, 'ERR_DATA_STAT_CACHE_WRONG', 'the spot checks reach every file of a small project')
  assert.equal((await project.json(1, 'run', '--rehash')).stages[0].code, 'ERR_SOURCE_CHANGED')
  flip(input)
  assert.deepEqual(statuses(await project.json(0, 'run', '--rehash')), { sort: 'cached', count: 'cached' })

  await grownOld()
  await project.json(0, 'run')
  const model = join(project.root, 'model/count.txt')
  flip(model)
  forgetChange(project, model)
  assert.equal((await project.json(1, 'verify', 'model/count.txt')).trusted, false, 'what is verified is read')
})

/** A file that changed less than two seconds ago is not remembered: it could change again within its time stamp. */
function grownOld(): Promise<void> {
  return sleep(2100)
}

/** What an attacker who rules the clock gets: the stat cache takes the changed file for the one it knew. */
function forgetChange(project: Scratch, file: string): void {
  const stat = statKeyOf(statSync(file, { bigint: true }))
  const seal = loadSeal(scratchEnvironment(project.keys), project.root)
  using cache = openStatCache(join(project.root, '.assay/cache/stat.sqlite'), seal)
  const name = basename(file)
  let known = 0
  for (const scheme of ['sha256', 'git-sha1'] as const) {
    const before = cache.folder(dirname(file), scheme).get(name)
    if (before === undefined) continue
    cache.record([{ ...before, scheme, folder: dirname(file), name, stat }])
    known += 1
  }
  assert.ok(known > 0, `the cache knows ${name}`)
}
