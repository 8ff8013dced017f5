/** Puts a file or folder into the inventory: `sources.yaml`, and its mapping into `assay.yaml`; comments are kept. */
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { DomainError, sha256Of } from '../core/index.ts'
import { addSource, mapInput, markRevoked, parseSources, replaceSource, type Source } from '../data/index.ts'
import { closeContent } from './closed-objects.ts'
import { defineSettings } from './define/index.ts'
import { writeDurably } from './evidence.fs.ts'
import type { Project } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'
import { isStamped } from './stamps.ts'

export type NewSource = Omit<Source, 'digest' | 'addedAt' | 'revoked'>

/** `written`: the files that were changed; none where all of it is on record already. */
export type Registered = Readonly<{ source: Source; written: readonly string[] }>

/**
 * Both files are read back before they are written: what assay writes, assay accepts.
 *
 * @param replace other bytes for an id that is there: the contract that they are held to, the last day and the pipelines
 *   stay where `given` names no others
 */
export async function registerSource(project: Project, given: NewSource, replace: boolean): Promise<Registered> {
  const content = await project.contents.ingest(given.path)
  if (content === undefined)
    throw new DomainError('ERR_DATA_MISSING', `\`${given.path}\` is not there`, {
      help: 'name a file or folder of the project',
    })
  closeContent(project, content, given.classification)
  const found = { ...limitsOf(project, given.id), ...given, digest: content.digest }
  const source: Source = { ...found, addedAt: onRecordSince(project, found) ?? project.now().toISOString() }
  const texts = textsWith(project, source, { replace, contract: given.contract })
  const written = texts.filter(({ before, text }) => text !== before)
  for (const { path, text } of written) writeDurably(join(project.root, path), Buffer.from(text))
  return { source, written: written.map(({ path }) => path) }
}

/** Of what is on record word for word, and is not changed by being said again. */
function onRecordSince({ sources }: Project, found: Omit<Source, 'addedAt'>): string | undefined {
  const { addedAt, ...known } = sources.get(found.id)?.source ?? {}
  return isDeepStrictEqual(known, found) ? addedAt : undefined
}

/** Before bytes are fetched: whether what is said of them would be taken. @throws as `registerSource` does */
export function refuseFacts(project: Project, given: NewSource, replace: boolean): void {
  const source: Source = { ...given, digest: sha256Of(''), addedAt: project.now().toISOString() }
  textsWith(project, source, { replace, contract: given.contract })
}

type Registering = Readonly<{ replace: boolean; contract: string | undefined }>

function textsWith(
  project: Project,
  source: Source,
  { replace, contract }: Registering,
): readonly Readonly<{ path: string; before: string; text: string }>[] {
  const [listed, set] = [textOf(project.root, 'sources.yaml'), textOf(project.root, 'assay.yaml')]
  const sources = replace ? replaceSource(listed, source) : addSource(listed, source)
  parseSources(Buffer.from(sources))
  const settings = mapInput(set, source.path, source.id, contract)
  defineSettings(Buffer.from(settings), 'assay.yaml', project.pipeline)
  return [
    { path: 'sources.yaml', before: listed, text: sources },
    { path: 'assay.yaml', before: set, text: settings },
  ]
}

/** THREAT: data that is registered anew is let go from what it is held to, since nothing was said of it. */
function limitsOf({ sources }: Project, id: string): Pick<Source, 'contract' | 'reviewBy' | 'pipelines'> {
  const { contract, reviewBy, pipelines } = sources.get(id)?.source ?? {}
  return {
    ...(contract === undefined ? {} : { contract }),
    ...(reviewBy === undefined ? {} : { reviewBy }),
    ...(pipelines === undefined ? {} : { pipelines }),
  }
}

/**
 * Where somebody said that the data at this path is from; undefined when nobody did.
 *
 * THREAT: what was fetched, or stamped, is from there no longer when other bytes lie in its place.
 */
export function declaredOrigin({ sources }: Project, id: string, path: string): string | undefined {
  const known = sources.get(id)?.source
  const isMade = known?.fetched !== undefined || (known !== undefined && isStamped(known.origin))
  return known?.path === path && !isMade ? known.origin : undefined
}

/** Beside the signed revocation, so that a file that goes missing cannot undo it. */
export function writeRevocation(project: Project, id: string, because: string): void {
  const text = markRevoked(textOf(project.root, 'sources.yaml'), id, { at: project.now().toISOString(), because })
  parseSources(Buffer.from(text))
  writeDurably(join(project.root, 'sources.yaml'), Buffer.from(text))
}

function textOf(root: string, path: string): string {
  const bytes = readProjectFile(root, path)
  return bytes === undefined ? '' : new TextDecoder('utf-8', { fatal: true }).decode(bytes)
}
