/**
 * Somebody slips a few wrong labels into every version of the data, too few in each to stop it. The history of the signed
 * verdicts since the anchor tells; an honest slow drift of the same size is told as drift.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Drawn, draw, opposite } from '../../src/data/poison/fixtures.ts'
import { adopted } from '../support/adopted.ts'
import type { Document, Scratch } from '../support/scratch.ts'

function csv(rows: readonly Drawn[]): string {
  const lines = rows.map(({ x, y, label }) => `${x.toFixed(5)},${y.toFixed(5)},${label}`)
  return `${['x,y,label', ...lines].join('\n')}\n`
}

const approved = draw(600, 1)
const path = 'data/t.csv'

async function baselined(context: TestContext, data: string): Promise<Scratch> {
  const project = await adopted(context, {
    'dvc.yaml': `stages:\n  count:\n    cmd: wc -l < ${path} > n.txt\n    deps: [${path}]\n    outs: [n.txt]\n`,
    '.gitignore': '/n.txt\n',
    [path]: data,
  })
  await project.json(0, 'data', 'profile', path, '--label', 'label', '--out', 'baseline.json')
  const settings = project.read('assay.yaml').replace(`${path}: {}`, `${path}: {label: label, baseline: baseline.json}`)
  project.write({ 'assay.yaml': settings })
  project.commit('a baseline')
  return project
}

async function anchored(context: TestContext): Promise<Scratch> {
  const project = await baselined(context, csv(approved))
  await project.json(0, 'data', 'anchor', 'baseline.json', '--of', path, '--because', 'read by hand')
  project.commit('an anchor')
  return project
}

function newestVerdict({ root }: Scratch): Document {
  const folder = join(root, '.assay/attestations')
  const all = readdirSync(folder)
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).dsseEnvelope.payload)
    .map((payload) => JSON.parse(Buffer.from(payload, 'base64').toString()).predicate.assay)
    .filter((assay: Document) => assay !== undefined)
  return all.toSorted((left, right) => (left.finishedAt < right.finishedAt ? 1 : -1))[0]
}

/** What becomes of the data from one version to the next. */
type Change = (rows: readonly Drawn[], version: number) => readonly Drawn[]

/** The checks that do not pass, version by version, until one of them alarms, or ten versions. */
async function alarmsOf(project: Scratch, versions: number, change: Change): Promise<readonly (readonly string[])[]> {
  const alarms: string[][] = []
  let rows: readonly Drawn[] = approved
  while (alarms.length < versions && (alarms.at(-1) ?? []).length === 0) {
    rows = change(rows, alarms.length)
    project.write({ [path]: csv(rows) })
    project.commit('a version')
    await project.assay('run') // a version that fails is refused, and has a verdict too
    const { checks } = newestVerdict(project)
    alarms.push(checks.flatMap(({ name, verdict }: Document) => (verdict === 'pass' ? [] : [name])))
  }
  return alarms
}

const more = (change: (row: Drawn, index: number, version: number) => Drawn): Change => {
  return (rows, version) => [...rows, ...draw(100, 50 + version).map((row, index) => change(row, index, version))]
}

test('five wrong labels in each version of a hundred new rows pass at first, and are noticed by version ten', async (context) => {
  const project = await anchored(context)
  const wrong = (row: Drawn, index: number): Drawn => (index % 20 === 0 ? { ...row, label: opposite(row.label) } : row)
  const alarms = await alarmsOf(project, 10, more(wrong))
  assert.deepEqual(alarms[0], [])
  assert.deepEqual(
    alarms.at(-1)?.filter((name) => name.startsWith('poison/')),
    ['poison/history'],
  )
  // Which rows are compared is drawn anew for each look: it warns or fails, and never passes.
  const seen = JSON.parse((await project.assay('data', 'validate', path, '--json')).stdout)
  assert.ok(seen.checks.some(({ name, verdict }: Document) => name === 'poison/history' && verdict !== 'pass'))
})

test('five in a hundred labels flipped in place over twenty versions are noticed by version ten', async (context) => {
  const project = await anchored(context)
  const flip: Change = (rows, version) =>
    rows.map((row, index) => (index % 400 === 7 * version ? { ...row, label: opposite(row.label) } : row))
  const alarms = await alarmsOf(project, 10, flip)
  assert.ok(
    alarms.at(-1)?.some((name) => name.startsWith('poison/')),
    JSON.stringify(alarms),
  )
})

test('an honest slow drift is told as drift, and not as poison', async (context) => {
  const project = await anchored(context)
  const alarms = await alarmsOf(
    project,
    10,
    more((row, _, version) => ({ ...row, y: row.y + 0.12 * (version + 1) })),
  )
  assert.ok(alarms.at(-1)?.includes('drift/history'), JSON.stringify(alarms))
  assert.deepEqual(
    alarms.flat().filter((name) => name.startsWith('poison/')),
    [],
  )
})

test('honest versions pass, and each says which ones it was summed up with', async (context) => {
  const project = await anchored(context)
  assert.deepEqual(
    await alarmsOf(
      project,
      3,
      more((row) => row),
    ),
    [[], [], []],
  )
  const { history, statistics } = newestVerdict(project)
  assert.deepEqual([history.length, statistics.increments.length], [2, 3])
  assert.equal((await project.json(0, 'verify', 'n.txt')).properties.validated, true)
})

test('a baseline of poisoned data that nobody approved is unanchored, and nothing passes by it', async (context) => {
  const poisoned = approved.map((row, index) => (index % 20 === 0 ? { ...row, label: opposite(row.label) } : row))
  const project = await baselined(context, csv(poisoned))
  await project.json(0, 'run')
  const { checks } = newestVerdict(project)
  assert.deepEqual(
    checks.flatMap(({ name, verdict, observed }: Document) => (name === 'poison/anchor' ? [verdict, observed] : [])),
    ['warn', 'unanchored'],
  )
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}require: [passed-data]\n` })
  project.commit('ask for more')
  assert.equal((await project.json(1, 'run', '--force')).stages[0].code, 'ERR_DATA_NOT_PASSED')
})
