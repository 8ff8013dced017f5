/** `assay data waive`, `assay data anchor`: a reviewer's word on data, signed and to be committed. */
import { relative, resolve } from 'node:path'
import type { DataAnchor } from '../../attestation/index.ts'
import { DomainError, oneLine, parseProjectPath, printable, quotedForShell } from '../../core/index.ts'
import {
  currentAnchor,
  decideAboutData,
  digestHere,
  examineAnchor,
  keepHere,
  openProject,
  type Project,
  requireFailure,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { isDay } from '../given-words.ts'
import { tellCheck } from './data-validate.ts'

type WaiveOptions = Readonly<{ of?: string; column?: string; rows?: string; until?: string; because?: string }>

export async function dataWaive(
  context: CliContext,
  [check = '']: readonly string[],
  { of, column, rows: list, until, because }: WaiveOptions,
): Promise<Exit> {
  if (of === undefined || until === undefined || because === undefined) {
    throw new DomainError('ERR_USAGE', 'a waiver needs --of PATH, --until DATE and --because TEXT')
  }
  const project = await openProject(context)
  const path = dataAt(context, project, of)
  if (!isDay(until) || Date.parse(`${until}T23:59:59Z`) < project.now().getTime()) {
    throw new DomainError('ERR_USAGE', `\`--until ${until}\` is no day that is still to come`, {
      help: 'write 2027-01-31',
    })
  }
  const rows = list === undefined ? {} : { rows: rowsIn(list) }
  const waived = { check, ...(column === undefined ? {} : { column }), ...rows }
  context.output.progress(`looking at ${printable(path)}`)
  const digest = await requireFailure(project, { path, ...waived }, context.signal)
  if ((await digestHere(project, path)) !== digest)
    throw new DomainError('ERR_DATA_CHANGED', `\`${path}\` changed while it was being read`)
  const decision = { subject: { path, digest }, ...waived, because, until }
  const signed = await decideAboutData(project, { kind: 'data-waiver', decision })
  const file = relative(project.root, signed.file)
  context.output.document({
    check,
    column: column ?? null,
    path,
    digest,
    ...rows,
    until,
    attestation: signed.attestation,
    file,
  })
  context.output.line(
    `waived ${printable(check)}${list === undefined ? '' : ` for ${printable(list)}`} for these bytes of ${printable(path)} until ${until}`,
  )
  context.output.line(`signed: ${file}; commit it; it is shown by verify and keeps the level below 3`)
  context.output.line(
    `next: assay data validate ${oneLine(quotedForShell(path))} tells what it waived, and what still fails`,
  )
  return 0
}

/** Of a source, or at a path. */
function dataAt(context: CliContext, project: Project, of: string): string {
  return project.sources.get(of)?.source.path ?? pathOf(context, project, of)
}

/** `4,17` or `cats/1.png,cats/2.png`. @throws ERR_USAGE */
function rowsIn(list: string): readonly (number | string)[] {
  const rows = list.split(',').map((word) => (/^[1-9]\d{0,14}$/.test(word.trim()) ? Number(word) : word.trim()))
  if (rows.every((row) => row !== '') && new Set(rows).size === rows.length && rows.length <= 100) return rows
  throw new DomainError('ERR_USAGE', `\`--rows ${list}\` is no list of at most 100 different rows or files`, {
    help: 'write --rows 4,17',
  })
}

type AnchorOptions = Readonly<{ of?: string; because?: string }>

export async function dataAnchor(
  context: CliContext,
  [baseline = '']: readonly string[],
  { of, because }: AnchorOptions,
): Promise<Exit> {
  if (of === undefined || because === undefined) {
    throw new DomainError('ERR_USAGE', 'an anchor needs --of PATH, the data it was made from, and --because TEXT')
  }
  const project = await openProject(context)
  const path = pathOf(context, project, baseline)
  const dataset = dataAt(context, project, of)
  const [digest, made] = [await digestHere(project, path), await keepHere(project, dataset)]
  context.output.progress(`looking at ${printable(dataset)}`)
  const { warned, golden } = await examineAnchor(context, project, { baseline: path, dataset, digest: made })
  const before = currentAnchor(project, dataset)
  const decision = {
    subject: { path, digest },
    dataset: { path: dataset, digest: made },
    because,
    ...(golden === undefined ? {} : { golden }),
    ...(before === undefined || before.subject.digest === digest ? {} : { replaces: before.subject.digest }),
  }
  const signed = await decideAboutData(project, { kind: 'data-anchor', decision })
  const file = relative(project.root, signed.file)
  context.output.document({
    baseline: path,
    dataset,
    digest,
    attestation: signed.attestation,
    file,
    checks: warned,
    ...(golden === undefined ? {} : { golden }),
  })
  for (const each of warned) tellCheck(context.output, each)
  if (golden !== undefined) context.output.line(printable(agreement(golden)))
  context.output.line(`${printable(path)} is the anchor of ${printable(dataset)} now`)
  context.output.line(
    `signed: ${file}; commit it, and name the baseline in assay.yaml: ${printable(dataset)}: {baseline: ${printable(path)}}`,
  )
  return 0
}

function agreement({ source, label, sourceColumn, compared }: NonNullable<DataAnchor['golden']>): string {
  const aside = sourceColumn === undefined ? '' : `, \`${sourceColumn}\` left aside`
  return `it agrees with the golden set ${source} in the label \`${label}\`${aside}: ${compared.join('; ')}`
}

function pathOf(context: CliContext, project: Project, path: string): string {
  return parseProjectPath(relative(project.root, resolve(context.workingFolder, path)))
}
