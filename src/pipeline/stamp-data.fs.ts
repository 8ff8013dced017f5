/**
 * Suspected triggers, put into clean rows: a table that enters the pipeline like other data, so that a stage can ask the
 * trained model about it and a gate can hold the answer. docs/guides/data.md.
 */
import { relative, resolve } from 'node:path'
import { DomainError, parseProjectPath, printable, quotedForShell } from '../core/index.ts'
import { type Classification, chooseTable, parseContract, type StampedRows, stampDataset } from '../data/index.ts'
import { classificationAt, mostSecretOf, rulesAt } from './data-question.ts'
import { placeContent } from './fetch-source.fs.ts'
import { refuseGolden } from './golden.ts'
import { heldData } from './held-data.ts'
import { openProject } from './project.fs.ts'
import type { ListedSource, Project } from './project.ts'
import { maxContractBytes } from './references.ts'
import { type Registered, registerSource } from './register-source.fs.ts'
import { stampedOrigin } from './stamps.ts'
import { openRoom, type StoppableCaller } from './validate-data.fs.ts'
import { shown } from './withheld.ts'

export type StampDataOptions = Readonly<{
  /** Id that the stamped table gets in the inventory. */
  id: string
  /** Clean rows, and where the stamped ones go; as the user wrote them. */
  rows: string
  out: string
  label?: string
  /** Rows of each kind for each trigger. */
  each: number
  replace: boolean
}>

export type StampedData = Pick<StampedRows, 'checks' | 'stamps'> &
  Readonly<{ rows: number; classification: Classification }> &
  Partial<Registered>

/**
 * @param path of the data that is suspected, as the user wrote it
 * @throws ERR_USAGE, ERR_SOURCE_UNKNOWN and ERR_SOURCE_CHANGED where the data is not what the inventory has,
 *   ERR_SOURCE_EXISTS, ERR_DATA_GOLDEN_USED, ERR_DATA_MISSING, ERR_DATA_CHANGED, ERR_DATA_LIMIT, ERR_SANDBOX_UNAVAILABLE
 */
export async function stampData(
  caller: StoppableCaller,
  path: string,
  options: StampDataOptions,
): Promise<StampedData> {
  const project = await openProject(caller)
  const inner = (given: string): string =>
    parseProjectPath(relative(project.root, resolve(caller.workingFolder, given)))
  const of = inner(path)
  const out = inner(options.out)
  if (!out.endsWith('.csv'))
    throw new DomainError('ERR_USAGE', `\`${printable(options.out)}\` does not end in .csv`, {
      help: 'stamped rows are written as CSV',
    })
  await refuseGoldenAt(project, of)
  await refuseGoldenAt(project, inner(options.rows))
  const suspected = sourceAt(project, of)
  const rules = rulesAt(project, of)
  const label = options.label ?? rules.label
  if (label === undefined)
    throw new DomainError('ERR_USAGE', `nothing says which column of \`${of}\` is the label`, {
      help: 'name it: --label COLUMN, or `label:` of the data in assay.yaml',
    })
  const { questions } = await heldData(project, of, rules)
  const types = await typesOf(project, of, rules.contract)
  using room = openRoom(caller)
  const at = (given: string): string => resolve(caller.workingFolder, given)
  const found = await stampDataset(
    at(path),
    at(options.rows),
    {
      ...(questions.anchor === undefined ? {} : { anchor: questions.anchor }),
      types,
      statistics: { label, poison: true, seed: project.sampleSeed(of, suspected.digest) },
      each: options.each,
    },
    room.validator,
  )
  const rows = inner(options.rows)
  const known = project.sources.get(options.id)?.source.classification
  const behind = [of, rows].map((each) => classificationAt(project, each))
  const classification = mostSecretOf(known === undefined ? behind : [...behind, known])
  const checks = found.checks.map((check) => shown(check, classification))
  const told = { checks, stamps: found.stamps, rows: found.rows.length, classification }
  if (found.checks.length > 0) return told
  refuseTaken(found.columns)
  if (found.of.digest !== suspected.digest)
    throw new DomainError('ERR_SOURCE_CHANGED', `\`${of}\` does not hold the bytes on record for \`${suspected.id}\``)
  const bytes = Buffer.from(printStamped(found))
  const digest = await project.store.putBytes(bytes)
  const content = { kind: 'file', digest, sizeBytes: bytes.length, executable: false } as const
  const { replace } = options
  await placeContent(project, { path: out, classification, content, replace })
  const given = {
    ...{ id: options.id, path: out, origin: stampedOrigin(suspected.id, suspected.digest) },
    ...{ owner: suspected.owner, classification, kind: 'data' as const },
    licence: licenceOf(suspected.licence, project, rows),
  }
  return { ...told, ...(await registerSource(project, given, replace)) }
}

/** THREAT: stamped rows are data of a stage, and carry the labels that people verified. @throws ERR_DATA_GOLDEN_USED */
async function refuseGoldenAt(project: Project, path: string): Promise<void> {
  if (project.goldenSets.length === 0) return
  const content = await project.contents.ingest(path)
  if (content !== undefined) refuseGolden(project, path, content)
}

/** @throws ERR_SOURCE_UNKNOWN */
function sourceAt(project: Project, path: string): ListedSource['source'] {
  const id = project.settings.data.get(path)?.source
  const listed = id === undefined ? undefined : project.sources.get(id)
  if (listed !== undefined) return listed.source
  throw new DomainError('ERR_SOURCE_UNKNOWN', `\`${path}\` is not in the inventory`, {
    help: `register it: assay data add ID ${quotedForShell(path)}`,
  })
}

async function typesOf(
  project: Project,
  of: string,
  contract: string | undefined,
): Promise<Parameters<typeof stampDataset>[2]['types']> {
  const content = contract === undefined ? undefined : await project.contents.ingest(contract)
  if (contract === undefined || content?.kind !== 'file') return {}
  const bytes = await project.store.read(content.digest, maxContractBytes)
  return chooseTable(parseContract(bytes, contract), of.slice(of.lastIndexOf('/') + 1)).types
}

function licenceOf(own: string, project: Project, rows: string): string {
  const id = project.settings.data.get(rows)?.source
  const other = id === undefined ? undefined : project.sources.get(id)?.source.licence
  return other === undefined || other === own ? own : `(${own}) AND (${other})`
}

const leading = ['stamp', 'stamp_kind', 'stamp_target'] as const

function refuseTaken(columns: readonly string[]): void {
  const taken = leading.find((name) => columns.includes(name))
  if (taken !== undefined)
    throw new DomainError('ERR_USAGE', `the clean rows have a column \`${taken}\` of their own`, {
      help: 'rename it: the stamped table needs that name',
    })
}

/** SOURCE: RFC 4180 section 2. A null is an empty field, an empty text a quoted one. */
function printStamped({ columns, stamps, rows }: StampedRows): string {
  const lines = rows.map(({ stamp, kind, values }) => {
    const head = [stamp < 0 ? 'none' : `t${stamp + 1}`, kind, stamps[stamp]?.target ?? null]
    return [...head, ...values].map(field).join(',')
  })
  return [[...leading, ...columns].map(field).join(','), ...lines, ''].join('\n')
}

function field(value: string | null): string {
  if (value === null) return ''
  return value === '' || /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
