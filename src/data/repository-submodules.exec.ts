/**
 * Submodules: the files that a commit pins in other repositories, read from those repositories' own objects.
 *
 * A submodule is an id of a commit in the tree; its objects lie in the repository that is checked out there. They are
 * re-hashed like all others, from the id that the outer commit names, whatever that repository has as its HEAD.
 * LIMIT: 4 levels of submodules in submodules.
 */
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { isDomainError } from '../core/index.ts'
import { type GitPlace, readObjects } from './git.exec.ts'
import { locateRepository, type RepositoryPlace } from './git-locate.fs.ts'
import type { GitObject } from './git-objects.ts'
import type { ReadObjects } from './git-tree.ts'
import type { GitOid, RepositoryFinding, SubmoduleState, TreeEntry } from './repository.ts'
import { readContent } from './repository-content.ts'

export type Submodules = Readonly<{
  /** Their files, by project path. */
  tree: ReadonlyMap<string, TreeEntry>
  /** Where the objects are that are not in the project's own repository. */
  placeOf: ReadonlyMap<GitOid, GitPlace>
  states: ReadonlyMap<string, SubmoduleState>
  findings: readonly RepositoryFinding[]
}>

const maxDepth = 4

/** Makes sure that a repository is one that may be read. @throws ERR_GIT_UNSAFE */
export type OpenPlace = (place: RepositoryPlace) => Promise<GitPlace>

/** @param tree the project's part of the commit; @param folder absolute folder that its paths start from */
export async function readSubmodules(
  tree: ReadonlyMap<string, TreeEntry>,
  folder: string,
  openPlace: OpenPlace,
  depth = 0,
): Promise<Submodules> {
  const files = new Map<string, TreeEntry>()
  const placeOf = new Map<GitOid, GitPlace>()
  const states = new Map<string, SubmoduleState>()
  const findings: RepositoryFinding[] = []
  for (const [path, entry] of tree) {
    if (entry.kind !== 'submodule') continue
    const found = depth < maxDepth ? await readOne(join(folder, path), entry.commit, openPlace, depth) : undefined
    states.set(path, found === undefined ? 'absent' : 'here')
    if (found === undefined) continue
    for (const [inner, innerEntry] of found.tree) files.set(`${path}/${inner}`, innerEntry)
    for (const [oid, place] of found.placeOf) placeOf.set(oid, place)
    for (const [inner, state] of found.states) states.set(`${path}/${inner}`, state)
    findings.push(...found.findings)
  }
  return { tree: files, placeOf, states, findings }
}

/** Undefined when it is not checked out, or the commit is not in it. */
async function readOne(
  folder: string,
  commit: GitOid,
  openPlace: OpenPlace,
  depth: number,
): Promise<Submodules | undefined> {
  const place = placeAt(folder)
  if (place === undefined) return undefined
  const git = await openPlace(place)
  try {
    const content = await readContent(git, commit, { prefix: '.', cache: undefined })
    const inner = await readSubmodules(content.tree, folder, openPlace, depth + 1)
    const own = [...content.tree.values()].flatMap((entry) => (entry.kind === 'submodule' ? [] : [entry.blob]))
    return {
      tree: new Map([...content.tree, ...inner.tree]),
      placeOf: new Map([...inner.placeOf, ...own.map((blob) => [blob, git] as const)]),
      states: inner.states,
      findings: [...content.findings, ...inner.findings],
    }
  } catch (error) {
    if (isDomainError(error, 'ERR_GIT_FAILED')) return undefined // the commit, or a part of it, was never fetched
    throw error
  }
}

/** A folder that is not checked out lies in the outer repository. */
function placeAt(folder: string): RepositoryPlace | undefined {
  try {
    const place = locateRepository(folder)
    return place?.root === realpathSync(folder) ? place : undefined
  } catch {
    return undefined // INVARIANT: a folder that is not there holds no repository.
  }
}

/** Objects from wherever they are; not in the order asked when some are in submodules. */
export function readFrom(git: GitPlace, placeOf: ReadonlyMap<GitOid, GitPlace>): ReadObjects {
  if (placeOf.size === 0) return (oids) => readObjects(git, oids)
  return (oids) => readGrouped(Map.groupBy(oids, (oid) => placeOf.get(oid) ?? git))
}

async function* readGrouped(groups: ReadonlyMap<GitPlace, readonly GitOid[]>): AsyncGenerator<GitObject> {
  for (const [place, oids] of groups) yield* readObjects(place, oids)
}
