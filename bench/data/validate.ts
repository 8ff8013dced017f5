/**
 * Validation: 5 million rows of ten columns, some thirty rules, Parquet, two threads, against the same rules written by
 * hand as SQL, pandera on polars, `datacontract test` (the direct peer) and Great Expectations.
 *
 * assay's answer has what none of theirs has: the sha256 of the file, the numbers of the rows that violate, and a sandbox.
 * Peers are optional and named when missing: sh scripts/bench-data-peers.sh fetches them.
 *
 * Figures: bench/data/README.md.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contender, heading, measure, row, runOnce, type Timed } from '../measure.ts'
import { assay, base, peerFolder, repository } from '../scratch.ts'

const rowCounts = [50_000, 500_000, 5_000_000]
const rounds = 3

export async function validate(): Promise<void> {
  heading('Validation: ten columns, thirty rules, Parquet, two threads (processor time)')
  const folder = join(base, 'validate')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'people.yaml'), contract)
  for (const rows of rowCounts) growth(folder, rows)
  peers(folder, rowCounts.at(-1) ?? 0)
}

function tableOf(folder: string, rows: number): string {
  const file = join(folder, `people-${rows}.parquet`)
  if (!existsSync(file))
    runOnce({
      command: [process.execPath, join(repository, 'bench/data/make-table.ts'), file, `${rows}`],
      cwd: repository,
    })
  return file
}

/** Violations are found, so that assay exits 1: that is the answer. */
function ours(file: string, cwd: string): Contender {
  return {
    name: 'assay',
    command: [
      'sh',
      '-c',
      '"$@"; [ $? = 1 ]',
      'sh',
      assay,
      'data',
      'validate',
      file,
      '--contract',
      join(cwd, 'people.yaml'),
      '--json',
    ],
    cwd,
  }
}

function growth(folder: string, rows: number): void {
  const file = tableOf(folder, rows)
  const hand = {
    name: 'SQL',
    command: [process.execPath, join(repository, 'bench/data/hand-sql.ts'), file],
    cwd: repository,
  }
  const [mine, sql] = measure([ours(file, folder), hand], rounds)
  if (mine === undefined || sql === undefined) return
  const isLast = rows === rowCounts.at(-1)
  const ratio = mine.cpuMs / sql.cpuMs
  row({
    what: `${rows.toLocaleString('en')} rows, against SQL by hand`,
    ours: mine,
    peer: `SQL (cpu ${sql.cpuMs.toFixed(0)} ms)`,
    theirs: sql,
    ...(isLast ? { goal: { text: `at most 1.5 x its cpu (${ratio.toFixed(2)} x)`, met: ratio <= 1.5 } } : {}),
    note: `cpu ${ratio.toFixed(2)} x; peak of one process ${(mine.peakKib / 1024).toFixed(0)} MiB, theirs ${(sql.peakKib / 1024).toFixed(0)} MiB`,
  })
  if (isLast) row({ what: 'memory', ours: mine, goal: { text: 'at most 600 MB', met: mine.peakKib * 1024 <= 600e6 } })
}

type Peer = Readonly<{
  name: string
  venv: string
  script: string
  goal: (mine: Timed, theirs: Timed) => [string, boolean]
}>

const contenders: readonly Peer[] = [
  {
    name: 'pandera on polars',
    venv: 'pandera',
    script: 'pandera_polars.py',
    goal: (mine, theirs) => ['less cpu than it', mine.cpuMs < theirs.cpuMs],
  },
  {
    name: 'datacontract test',
    venv: 'datacontract',
    script: 'datacontract_test.py',
    goal: (mine, theirs) => ['3 times less cpu', mine.cpuMs * 3 <= theirs.cpuMs],
  },
  {
    name: 'Great Expectations',
    venv: 'great-expectations',
    script: 'great_expectations_suite.py',
    goal: (mine, theirs) => ['10 times less cpu', mine.cpuMs * 10 <= theirs.cpuMs],
  },
]

function peers(folder: string, rows: number): void {
  const file = tableOf(folder, rows)
  for (const { name, venv, script, goal } of contenders) {
    const python = join(peerFolder(), venv, 'bin/python')
    if (!existsSync(python)) {
      row({
        what: `${name}`,
        ours: { ms: Number.NaN, cpuMs: Number.NaN, peakKib: 0 },
        peer: 'is not here',
        goal: { text: '', met: undefined },
      })
      continue
    }
    const theirs = {
      name,
      command: [python, join(repository, 'bench/data', script), file, join(folder, 'people.yaml')],
      cwd: folder,
    }
    const [mine, other] = measure([ours(file, folder), theirs], 1)
    if (mine === undefined || other === undefined) continue
    const [text, met] = goal(mine, other)
    row({
      what: `${rows.toLocaleString('en')} rows, against ${name}`,
      ours: mine,
      peer: name,
      theirs: other,
      goal: { text, met },
      note: `cpu ${(other.cpuMs / mine.cpuMs).toFixed(1)} times less than theirs (${(other.cpuMs / 1000).toFixed(1)} s); their peak ${(other.peakKib / 1024).toFixed(0)} MiB`,
    })
  }
}

const contract = `apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
servers:
  - {server: local, type: local, path: people-5000000.parquet, format: parquet}
schema:
  - name: people
    physicalType: table
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true, unique: true, logicalTypeOptions: {minimum: 0}}
      - {name: age, logicalType: integer, physicalType: integer, required: true, logicalTypeOptions: {minimum: 18, maximum: 98}}
      - {name: income, logicalType: number, physicalType: double, required: true, logicalTypeOptions: {minimum: 0, maximum: 100000}}
      - name: score
        logicalType: number
        physicalType: double
        logicalTypeOptions: {minimum: 0, maximum: 1}
        quality: [{metric: nullValues, unit: percent, mustBeLessThan: 5}]
      - name: colour
        logicalType: string
        physicalType: varchar
        required: true
        logicalTypeOptions: {maxLength: 10}
        quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [red, green, blue, black, white]}}]
      - name: email
        logicalType: string
        physicalType: varchar
        required: true
        logicalTypeOptions: {maxLength: 40, pattern: '^user[0-9]+@example\\.org$'}
      - {name: active, logicalType: boolean, physicalType: boolean, required: true}
      - {name: day, logicalType: date, physicalType: date, required: true, logicalTypeOptions: {minimum: '2020-01-01', maximum: '2030-01-01'}}
      - {name: seen, logicalType: timestamp, physicalType: timestamp, required: true, logicalTypeOptions: {maximum: '2030-01-01'}}
      - {name: city, logicalType: integer, physicalType: bigint, required: true, logicalTypeOptions: {minimum: 0, maximum: 1000}}
    quality:
      - {metric: rowCount, mustBeGreaterThan: 1000}
`
