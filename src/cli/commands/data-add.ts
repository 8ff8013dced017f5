/** `assay data add`, `assay data fetch`: how bytes come into the inventory, from here or from elsewhere. */
import { homedir } from 'node:os'
import { relative, resolve } from 'node:path'
import { DomainError, formatSize, oneLine, parseProjectPath, printable } from '../../core/index.ts'
import {
  declaredOrigin,
  type FetchOptions,
  fetchIntoStore,
  isAddress,
  isFetchable,
  type ListedSource,
  type NewSource,
  networkRouteOf,
  openProject,
  type Project,
  placeContent,
  placeOf,
  protectData,
  type Registered,
  recordedOrigin,
  refuseFacts,
  registerSource,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest } from '../render.ts'

type AddOptions = Readonly<{
  owner?: string
  classification?: string
  licence?: string
  origin?: string
  kind?: string
  to?: string
  contract?: string
  reviewBy?: string
  replace?: boolean
}>

export async function dataAdd(
  context: CliContext,
  [id = '', place = '']: readonly string[],
  options: AddOptions,
): Promise<Exit> {
  const project = await openProject(context)
  const facts = await factsOf(project, id, options)
  if (isAddress(place)) return addFetched(context, project, facts, place, options)
  if (options.to !== undefined)
    throw new DomainError('ERR_USAGE', '`--to` is for what is fetched: data here stays where it is')

  const path = pathOf(context, project, place)
  const given = { ...facts, path, origin: options.origin ?? declaredOrigin(project, facts.id, path) ?? path }
  const registered = await registerSource(project, given, options.replace === true)
  protectData(project.root, path, registered.source.classification)
  await tellAdded(context, registered)
  return 0
}

/** Bytes on record are compared before anything is written; the same address with the same bytes changes nothing. */
async function addFetched(
  context: CliContext,
  project: Project,
  facts: Omit<NewSource, 'path' | 'origin'>,
  address: string,
  options: AddOptions,
): Promise<Exit> {
  const recorded = recordedOrigin(address)
  const known = project.sources.get(facts.id)?.source
  const isKnown = known?.origin === recorded
  if (known !== undefined && !isKnown && options.replace !== true) {
    throw new DomainError('ERR_SOURCE_EXISTS', `the source \`${facts.id}\` is in the inventory already, from elsewhere`)
  }
  if (isKnown && options.replace !== true) refuseOtherFacts(known, facts, saidOf(context, project, options))
  const path =
    options.to === undefined
      ? (known?.path ?? placeOf(address, facts.classification))
      : pathOf(context, project, options.to)
  const expected = options.replace === true ? undefined : known?.digest
  if (!isKnown || options.replace === true)
    refuseFacts(project, { ...facts, path, origin: options.origin ?? recorded }, options.replace === true)
  const { content, origin, headers } = await fetchIntoStore(project, address, expected, fetchOptions(context, project))
  const { classification } = facts
  await placeContent(project, { path, classification, content, replace: options.replace === true })
  if (isKnown && options.replace !== true) {
    context.output.document({ source: { ...known, status: project.sources.get(facts.id)?.status }, written: [path] })
    context.output.line(`${oneLine(facts.id)}  ${oneLine(path)}  the bytes on record`)
    return 0
  }
  const fetched = { at: project.now().toISOString(), headers }
  const given = { ...facts, path, origin: options.origin ?? origin, fetched }
  await tellAdded(context, await registerSource(project, given, options.replace === true))
  return 0
}

type Said = Readonly<{ origin?: string | undefined; path?: string | undefined }>

function saidOf(context: CliContext, project: Project, { origin, to }: AddOptions): Said {
  return { origin, path: to === undefined ? undefined : pathOf(context, project, to) }
}

/** THREAT: a stricter word that is dropped, since the bytes are on record already. @throws ERR_SOURCE_EXISTS */
function refuseOtherFacts(
  known: ListedSource['source'],
  facts: Omit<NewSource, 'path' | 'origin'>,
  { origin, path }: Said,
): void {
  const { owner, classification, licence, kind, contract, reviewBy } = facts
  const said = { owner: nameOf(owner), classification, licence, kind, contract, reviewBy, origin, path }
  const recorded: Readonly<Record<string, unknown>> = { ...known, owner: nameOf(known.owner) }
  const [other] = Object.entries(said).filter(([fact, word]) => word !== undefined && word !== recorded[fact])
  if (other === undefined) return
  const [fact, word] = other
  throw new DomainError(
    'ERR_SOURCE_EXISTS',
    `the source \`${known.id}\` is on record with another ${fact} than \`${word}\`: ${recorded[fact] ?? 'none'}`,
    { help: 'what is on record is changed with --replace, and approved anew' },
  )
}

function nameOf({ name, email }: ListedSource['source']['owner']): string {
  return `${name} <${email}>`
}

/** The status is what signed statements say of what is on record now: an approval may go on counting. */
async function tellAdded(context: CliContext, { source, written }: Registered): Promise<void> {
  const { output } = context
  const { id, path, digest } = source
  const status = (await openProject(context)).sources.get(id)?.status ?? 'proposed'
  output.document({ source: { ...source, status }, written })
  output.line(`${oneLine(id)}  ${oneLine(path)}  ${shortDigest(digest)}  ${status}`)
  const next = status === 'proposed' ? `look at the data, then: assay data approve ${oneLine(id)}` : undefined
  if (written.length === 0) output.line('all of this is on record: nothing written')
  const commit = `written: ${written.join(', ')}; commit ${written.length > 1 ? 'them' : 'it'}`
  const told = [...(written.length === 0 ? [] : [commit]), ...(next === undefined ? [] : [next])]
  if (told.length > 0) output.line(told.join(', '))
}

/** Puts the bytes on record where they belong: out of the store, else from where they came from. */
export async function dataFetch(context: CliContext, ids: readonly string[]): Promise<Exit> {
  const { output } = context
  const project = await openProject(context)
  const results: { id: string; path: string; status: string }[] = []
  for (const { source } of wantedSources(project, ids)) {
    const { id, path, digest, origin, classification } = source
    const here = await project.contents.digest(path)
    if (here === digest) {
      results.push({ id, path, status: 'here' })
      continue
    }
    if (here !== undefined) {
      throw new DomainError('ERR_SOURCE_CHANGED', `\`${path}\` does not hold the bytes on record for \`${id}\``, {
        help: `move it away, then: assay data fetch ${id}`,
      })
    }
    if (!isFetchable(origin)) {
      throw new DomainError(
        'ERR_DATA_MISSING',
        `\`${path}\` is not here, and \`${id}\` has no address to fetch it from`,
      )
    }
    const { content } = await fetchIntoStore(project, origin, digest, fetchOptions(context, project))
    await placeContent(project, { path, classification, content, replace: false })
    results.push({ id, path, status: `fetched, ${formatSize(content.sizeBytes)}` })
  }
  output.document({ sources: results })
  for (const { id, path, status } of results) output.line(`${oneLine(id)}  ${oneLine(path)}  ${status}`)
  if (results.length === 0) output.line('no source has an address to fetch it from')
  return 0
}

/** Without a name: all that can be fetched. */
function wantedSources(project: Project, ids: readonly string[]): readonly ListedSource[] {
  if (ids.length === 0) return [...project.sources.values()].filter(({ source }) => isFetchable(source.origin))
  return ids.map((id) => {
    const listed = project.sources.get(id)
    if (listed !== undefined) return listed
    throw new DomainError('ERR_SOURCE_NOT_LISTED', `no source is called \`${id}\``, {
      help: 'assay data list shows them',
    })
  })
}

function fetchOptions({ output, signal }: CliContext, project: Project): FetchOptions {
  const route = networkRouteOf(project.environment, project.environment['HOME'] ?? homedir())
  return { route, signal, onProgress: (text) => output.progress(printable(text)) }
}

/** What is on record of an id stays, unless it is said otherwise. THREAT: a refresh declassifies, since nothing was said. */
async function factsOf(project: Project, id: string, options: AddOptions): Promise<Omit<NewSource, 'path' | 'origin'>> {
  const known = project.sources.get(id)?.source
  const classification = options.classification ?? known?.classification ?? 'internal'
  if (!isOneOf(classification, ['public', 'internal', 'confidential', 'restricted'] as const)) {
    throw new DomainError('ERR_USAGE', `\`${classification}\` is not a classification`, {
      help: 'one of public, internal, confidential, restricted',
    })
  }
  const kind = options.kind ?? known?.kind ?? 'data'
  if (!isOneOf(kind, ['data', 'model', 'golden'] as const))
    throw new DomainError('ERR_USAGE', `\`${kind}\` is not a kind`, { help: 'one of data, model, golden' })
  const { reviewBy } = options
  if (reviewBy !== undefined && Date.parse(`${reviewBy}T23:59:59Z`) < project.now().getTime())
    throw new DomainError('ERR_USAGE', `\`--review-by ${reviewBy}\` is no day that is still to come`, {
      help: 'write 2027-01-31',
    })
  return {
    id,
    owner: options.owner === undefined ? (known?.owner ?? (await ownName(project))) : personOf(options.owner),
    classification,
    licence: options.licence ?? known?.licence ?? 'NOASSERTION',
    kind,
    ...(options.contract === undefined ? {} : { contract: parseProjectPath(options.contract) }),
    ...(reviewBy === undefined ? {} : { reviewBy }),
  }
}

function pathOf(context: CliContext, project: Project, path: string): string {
  return parseProjectPath(relative(project.root, resolve(context.workingFolder, path)))
}

async function ownName(project: Project): Promise<{ name: string; email: string }> {
  const { name, email } = await project.principal()
  return { name, email }
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
