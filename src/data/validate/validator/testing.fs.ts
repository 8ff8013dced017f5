/** A dataset in a scratch folder, put before the validator's own code in this process. */
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseContract, type TableContract } from '../../contract/index.ts'
import { type Engine, openEngine } from '../../table/engine.duckdb.ts'
import { openTable } from '../../table/open-table.fs.ts'
import type { Relation } from '../../table/relation.ts'
import type { DataCheck } from '../check.ts'
import type { ValidateAnswer, ValidateRequest } from '../request.ts'
import { defaultLimits } from '../run-validator.fs.ts'
import { validateTable } from './validate.ts'

export type Bench = Disposable &
  Readonly<{
    folder: string
    /** Writes files into the dataset's folder; the first is judged. */
    validate(files: Readonly<Record<string, string | Uint8Array>>, options?: Options): Promise<ValidateAnswer>
    engine: Engine
  }>

export type Options = Readonly<{
  contract?: TableContract
  now?: Date
  others?: readonly string[]
  /** A golden set among the files, which the others are held against as an anchor is, and the label of both. */
  golden?: Readonly<{ name: string; label: string }>
  limits?: Partial<ValidateRequest['limits']>
}>

export async function openBench(): Promise<Bench> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-validate-')))
  const data = join(folder, 'data')
  mkdirSync(data)
  const engine = await openEngine({
    folders: [folder],
    spillFolder: join(folder, 'spill'),
    memoryBytes: defaultLimits.limits.engineMemoryBytes,
    spillBytes: 1e9,
    threads: 2,
  })
  let turn = 0
  return {
    folder,
    engine,
    validate: async (files, options = {}) => {
      turn += 1
      const place = join(data, `${turn}`)
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(place, name)), { recursive: true })
        writeFileSync(join(place, name), content)
      }
      const { others = [], golden } = options
      const own = filesIn(place).filter((inner) => !others.includes(inner) && inner !== golden?.name)
      const list = (inners: readonly string[]) => inners.map((inner) => ({ path: join(place, inner), inner }))
      const request: ValidateRequest = {
        task: 'validate',
        files: list(own),
        ...(options.contract === undefined ? {} : { contract: options.contract }),
        others: others.map((inner) => ({ name: inner.replace(/\..*/, ''), types: {}, files: list([inner]) })),
        ...(golden === undefined
          ? {}
          : {
              golden: { files: list([golden.name]), isAnchor: true },
              statistics: { label: golden.label, poison: false, seed: 1 },
            }),
        examples: 0,
        now: (options.now ?? new Date('2026-11-25T00:00:00Z')).toISOString(),
        limits: { ...defaultLimits.limits, ...options.limits },
      }
      return validateTable(engine, request, join(folder, `work-${turn}`))
    },
    [Symbol.dispose]: () => {
      engine.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A table of one file, as the engine sees it. */
export async function openRelation(
  { engine, folder }: Bench,
  name: string,
  content: string | Uint8Array,
): Promise<Relation> {
  writeFileSync(join(folder, name), content)
  const files = [{ path: join(folder, name), inner: name }]
  const opened = await openTable(engine, files, join(folder, `tables-${name}`), defaultLimits.limits)
  if (opened.kind === 'open') return opened.relation
  throw new Error(opened.faults[0]?.because)
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted()
}

/** An ODCS contract with one table `t`: its properties, and rules of the table, as YAML flow. */
export function contractOf(properties: string, rest = ''): TableContract {
  const text = `apiVersion: v3.1.0
kind: DataContract
id: t
version: 1.0.0
status: active
schema:
  - name: t
    properties: ${properties}
${rest}
`
  const [table] = parseContract(new TextEncoder().encode(text), 't.yaml').tables
  if (table === undefined) throw new Error('no table')
  return table
}

/** The checks that did not pass: name, column, rows. */
export function troubles(answer: ValidateAnswer): readonly string[] {
  return answer.checks.filter(({ verdict }) => verdict !== 'pass').map(tell)
}

function tell({ name, column, verdict, rows }: DataCheck): string {
  return [verdict, name, column ?? '-', ...(rows.length === 0 ? [] : [rows.join(' ')])].join(' ')
}
