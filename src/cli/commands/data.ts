/** `assay data`: the inventory of sources. The status shown is what signed statements say, never a word of a file. */
import { relative, resolve } from 'node:path'
import { DomainError, formatSize, parseProjectPath, printable } from '../../core/index.ts'
import {
  decideAboutSource,
  type ListedSource,
  type NewSource,
  openProject,
  type Project,
  registerSource,
  writeRevocation,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest, table } from '../render.ts'

type AddOptions = Readonly<{
  owner?: string
  classification: string
  licence: string
  origin?: string
  kind: string
  reviewBy?: string
  replace?: boolean
}>

export async function dataAdd(
  context: CliContext,
  [id = '', path = '']: readonly string[],
  options: AddOptions,
): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const source = await registerSource(project, newSource(context, project, id, path, options), options.replace === true)
  output.document({ source: { ...source, status: 'proposed' }, written: ['sources.yaml', 'assay.yaml'] })
  output.line(`${printable(id)}  ${printable(source.path)}  ${shortDigest(source.digest)}  proposed`)
  output.line(
    `written: sources.yaml, assay.yaml; commit them, look at the data, then: assay data approve ${printable(id)}`,
  )
  return 0
}

function newSource(context: CliContext, project: Project, id: string, path: string, options: AddOptions): NewSource {
  const { classification, kind } = options
  if (!isOneOf(classification, ['public', 'internal', 'confidential', 'restricted'] as const)) {
    throw new DomainError('ERR_USAGE', `\`${classification}\` is not a classification`, {
      help: 'one of public, internal, confidential, restricted',
    })
  }
  if (!isOneOf(kind, ['data', 'model'] as const))
    throw new DomainError('ERR_USAGE', `\`${kind}\` is not a kind`, { help: 'data or model' })
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    throw new DomainError('ERR_USAGE', 'data from elsewhere cannot be fetched by this version', {
      help: 'fetch it into the project first, and give where it came from with --origin',
    })
  }
  const place = parseProjectPath(relative(project.root, resolve(context.workingFolder, path)))
  return {
    id,
    path: place,
    origin: options.origin ?? place,
    owner:
      options.owner === undefined
        ? { name: project.principal.name, email: project.principal.email }
        : personOf(options.owner),
    classification,
    licence: options.licence,
    kind,
    ...(options.reviewBy === undefined ? {} : { reviewBy: options.reviewBy }),
  }
}

function personOf(text: string): { name: string; email: string } {
  const [, name, email] = /^\s*([^<>]+?)\s*<([^<>\s@]+@[^<>\s@]+)>\s*$/.exec(text) ?? []
  if (name === undefined || email === undefined)
    throw new DomainError('ERR_USAGE', `\`${text}\` is not a person`, { help: "write 'Name <mail>'" })
  return { name, email }
}

function isOneOf<const T extends string>(word: string, words: readonly T[]): word is T {
  return words.some((candidate) => candidate === word)
}

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
  context.output.line(`approved ${printable(id)} for ${signed.source.digest}`)
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
  context.output.line(`revoked ${printable(id)}: no run takes it any more, and what was made of it is not trusted`)
  context.output.line(`signed: ${file}; commit it and sources.yaml`)
  return 0
}

export async function dataList(context: CliContext): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const listed = [...project.sources.values()]
  const unlisted = [...project.settings.data].flatMap(([path, { source }]) => (source === undefined ? [path] : []))
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
  for (const path of unlisted) output.line(`no source  ${printable(path)}  next: assay data add ID ${printable(path)}`)
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
    ['digest', source.digest],
    ['working tree', `${here}${content === undefined ? '' : `, ${formatSize(content.sizeBytes)}`}`],
    ['added', source.addedAt],
    ['review by', source.reviewBy ?? 'no date'],
    ['used by', usedBy.join(', ') || 'no stage'],
  ]
  for (const line of table(rows)) output.line(line)
  return 0
}

function shape({ source, status, because }: ListedSource): Readonly<Record<string, unknown>> {
  return { ...source, status, because }
}
