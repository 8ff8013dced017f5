/** `assay env lock --image`: from the tag of an image to its digest, and the lines of assay.yaml for it. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { digestOfTag, imageText, parseImageName, readNetworkSettings } from '../compute/index.ts'
import { DomainError, type Sha256 } from '../core/index.ts'
import { setInYaml } from '../data/index.ts'
import { writeDurably } from './evidence.fs.ts'
import type { Caller } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'
import { requireRoot } from './workspace.fs.ts'

export type PinnedImage = Readonly<{
  digest: Sha256
  /** As it is written in assay.yaml: registry, name, tag for people, digest. */
  image: string
  environments: readonly string[]
  lines: readonly string[]
  written: boolean
}>

/**
 * Asks the registry what a tag stands for. The project is not opened: its assay.yaml may be what names the bare tag.
 *
 * @throws ERR_ENV_FETCH, ERR_ENV_GONE, ERR_SETTINGS_INVALID, ERR_USAGE for a name that has its digest
 */
export async function pinImage(
  caller: Caller,
  { image, yes, signal }: Readonly<{ image: string; yes: boolean; signal: AbortSignal }>,
): Promise<PinnedImage> {
  const { digest: given, ...name } = parseImageName(image)
  if (given !== undefined) throw new DomainError('ERR_USAGE', `\`${image}\` has its digest already`)
  const { environment } = caller
  const home = environment['HOME'] ?? homedir()
  const settings = readNetworkSettings(environment, home)
  const named = { ...name, tag: name.tag ?? 'latest' }
  const digest = await digestOfTag(named, { settings, caller: environment, home, signal })
  const text = imageText({ ...named, digest })
  const root = yes ? requireRoot(caller.workingFolder) : undefined
  const before =
    root === undefined ? '' : new TextDecoder().decode(readProjectFile(root, 'assay.yaml') ?? Buffer.from('assay: 1\n'))
  const environments = root === undefined ? [] : namesOf(before, image, name.repository)
  const lines = ['environments:', `  ${nameFor(name.repository)}: {image: "${text}"}`]
  if (root === undefined) return { digest, image: text, environments, lines, written: false }
  const after = environments.reduce((yaml, each) => setInYaml(yaml, ['environments', each, 'image'], text), before)
  writeDurably(join(root, 'assay.yaml'), Buffer.from(after))
  return { digest, image: text, environments, lines: [], written: true }
}

/** The environments that name the bare tag; where none does, a new one. */
function namesOf(yaml: string, image: string, repository: string): readonly string[] {
  const settings: unknown = parse(yaml)
  const environments = settings instanceof Object && 'environments' in settings ? (settings.environments ?? {}) : {}
  const found = Object.entries(environments).filter(
    ([, one]) => one instanceof Object && 'image' in one && one.image === image,
  )
  return found.length > 0 ? found.map(([name]) => name) : [nameFor(repository)]
}

/** `library/python` -> `python`. */
function nameFor(repository: string): string {
  return repository.slice(repository.lastIndexOf('/') + 1)
}
