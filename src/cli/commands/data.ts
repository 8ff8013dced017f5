/** `assay data`: the inventory of sources. The status shown is what signed statements say, never a word of a file. */
import { relative } from 'node:path'
import { DomainError, formatSize, oneLine, quotedForShell } from '../../core/index.ts'
import {
  decideAboutSource,
  type ListedSource,
  openProject,
  unlistedInputs,
  writeRevocation,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'

export async function dataApprove(
  context: CliContext,
  [id = '']: readonly string[],
  options: Readonly<{ because?: string }>,
): Promise<Exit> {
  const project = await openProject(context)
  const signed = await decideAboutSource(project, id, { decision: 'approved', ...options })
  const file = relative(project.root, signed.file)
  context.output.document({
    id,
    status: 'approved',
    digest: signed.source.digest,
    attestation: signed.attestation,
    file,
  })
  context.output.line(`approved ${oneLine(id)} for ${signed.source.digest}`)
  context.output.line(`signed: ${file}; commit it`)
  return 0
}

export async function dataRevoke(
  context: CliContext,
  [id = '']: readonly string[],
  options: Readonly<{ because?: string }>,
): Promise<Exit> {
  if (options.because === undefined)
    throw new DomainError('ERR_USAGE', 'a revocation needs its reason', { help: "--because 'licence withdrawn'" })
  const project = await openProject(context)
  const signed = await decideAboutSource(project, id, { decision: 'revoked', because: options.because })
  writeRevocation(project, id, options.because)
  const file = relative(project.root, signed.file)
  context.output.document({
    id,
    status: 'revoked',
    attestation: signed.attestation,
    file,
    written: [file, 'sources.yaml'],
  })
  context.output.line(`revoked ${oneLine(id)}: no run takes it any more, and what was made of it is not trusted`)
  context.output.line(`signed: ${file}; commit it and sources.yaml`)
  return 0
}

export async function dataList(context: CliContext): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const listed = [...project.sources.values()]
  const unlisted = unlistedInputs(project)
  output.document({ sources: listed.map(shape), unlisted })
  const rows = listed.map(({ source, status }) => [
    status,
    source.id,
    source.path,
    source.classification,
    source.licence,
    `${source.owner.name} <${source.owner.email}>`,
  ])
  for (const line of table(rows)) output.line(line)
  for (const path of unlisted)
    output.line(`no source  ${oneLine(path)}  next: assay data add ID ${oneLine(quotedForShell(path))}`)
  if (rows.length + unlisted.length === 0) output.line('no external inputs')
  return 0
}

export async function dataShow(context: CliContext, [id = '']: readonly string[]): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const listed = project.sources.get(id)
  if (listed === undefined)
    throw new DomainError('ERR_SOURCE_NOT_LISTED', `no source is called \`${id}\``, {
      help: 'assay data list shows them',
    })
  const content = await project.contents.ingest(listed.source.path)
  const usedBy = project.pipeline.stages
    .filter((stage) => stage.deps.includes(listed.source.path))
    .map(({ name }) => name)
  const here =
    content === undefined ? 'missing' : content.digest === listed.source.digest ? 'the bytes on record' : 'other bytes'
  output.document({ ...shape(listed), usedBy, workingTree: here })
  const { source } = listed
  const rows = [
    ['status', `${listed.status}: ${listed.because}`],
    ['path', source.path],
    ['origin', source.origin],
    ['owner', `${source.owner.name} <${source.owner.email}>`],
    ['classification', source.classification],
    ['licence', source.licence],
    ...(source.kind === 'data' ? [] : [['kind', source.kind]]),
    ['contract', source.contract ?? 'none'],
    ['pipelines', source.pipelines?.join(', ') ?? 'any'],
    ['digest', source.digest],
    ['working tree', `${here}${content === undefined ? '' : `, ${formatSize(content.sizeBytes)}`}`],
    ['added', source.addedAt],
    ...(source.fetched === undefined ? [] : [['fetched', source.fetched.at]]),
    ['review by', source.reviewBy ?? 'no date'],
    ['used by', usedBy.join(', ') || 'no stage'],
  ]
  for (const line of table(rows)) output.line(line)
  return 0
}

function shape({ source, status, because }: ListedSource): Readonly<Record<string, unknown>> {
  return { ...source, status, because }
}
