/**
 * Trees of environments on disk: found again and verified, or built beside and renamed, so that a killed build leaves
 * only `tmp-*`.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type DirHash, DomainError, digestOfJson, hexOf, type Sha256 } from '../../core/index.ts'
import type { Environment } from '../environment.ts'
import { removeTree } from '../remove-tree.fs.ts'
import type { EnvironmentRequest } from './request.ts'
import {
  type LocalParts,
  readManifest,
  sealOf,
  type TreeManifest,
  treeDigest,
  treeFault,
  writeManifest,
} from './tree.fs.ts'
import { clockStepMs, treeMemory } from './tree-memory.fs.ts'
import { treeStamp } from './tree-stamp.exec.ts'

/** Which tree is meant, and where it is kept. */
export type TreePlan = Readonly<{
  request: Pick<EnvironmentRequest, 'purpose' | 'rehash' | 'memory' | 'sealedTrees' | 'cacheFolder' | 'onProgress'>
  /** The environment that is in it; names its folder. */
  identity: Sha256
  local: LocalParts
}>

export type BuiltTree = Readonly<{
  folder: string
  manifest: TreeManifest
  /** Taken before every byte was verified, or when the tree had just been built. */
  stamp?: string
}>

/** Asks afterwards whether the tree was written to. */
export function watched({ folder, stamp }: BuiltTree): Pick<Environment, 'isUnchanged'> {
  if (stamp === undefined) return {}
  return { isUnchanged: async () => (await treeStamp(join(folder, 'tree'))).digest === stamp }
}

/** The built tree when it is there and, if it is to be mounted, every byte of it is right, or was and nothing changed. */
export async function reuseTree(plan: TreePlan): Promise<BuiltTree | undefined> {
  const { identity, local } = plan
  const { cacheFolder, purpose, memory, rehash = false, onProgress } = plan.request
  const folder = folderOfTree(cacheFolder, identity)
  const tree = join(folder, 'tree')
  // The look takes its time beside what is asked of the manifest.
  const looking = purpose === 'mount' && existsSync(tree) ? treeStamp(tree) : undefined
  looking?.catch(() => undefined) // it is told below
  const manifest = readManifest(folder, rehash ? undefined : memory)
  if (manifest?.identity !== identity) return undefined
  if (looking === undefined) return purpose === 'identify' ? { folder, manifest } : undefined
  if (!isOwnTree(manifest, plan)) return undefined
  const known = treeMemory(memory, tree, manifest, local)
  const stamp = await looking
  const built = { folder, manifest, stamp: stamp.digest }
  if (!rehash && (await known.knows(stamp))) return built
  onProgress({ kind: 'verifying', files: manifest.files.length })
  const verifiedFromMs = Date.now()
  if ((await treeFault(tree, manifest, local)) !== undefined) return undefined
  known.remember(stamp, verifiedFromMs)
  return built
}

/** @param make fills `<temporary>/tree` and says what it must hold */
export async function buildTree(
  plan: TreePlan,
  make: (temporary: string) => Promise<TreeManifest>,
): Promise<BuiltTree> {
  const { identity, local } = plan
  const { cacheFolder, sealedTrees, memory } = plan.request
  const temporary = join(cacheFolder, `tmp-${process.pid}-${randomUUID()}`)
  mkdirSync(join(temporary, 'tree'), { recursive: true })
  try {
    const manifest = await make(temporary)
    writeManifest(temporary, manifest)
    sealedTrees?.recordFact(sealKey(identity, local), sealOf(manifest))
    const folder = folderOfTree(cacheFolder, identity)
    // Before others know its name; later than the last write by more than a step of the clock.
    const writtenMs = Date.now()
    await setTimeout(2 * clockStepMs)
    const stamp = await treeStamp(join(temporary, 'tree'))
    const others = await publish(temporary, folder, () => reuseTree(plan))
    if (others !== undefined) return others
    treeMemory(memory, join(folder, 'tree'), manifest, local).remember(stamp, writtenMs + 2 * clockStepMs)
    return { folder, manifest, stamp: stamp.digest }
  } finally {
    removeTree(temporary)
  }
}

/** `tree` is missing while it is not built. */
export type FoundTree = Readonly<{
  state: 'right' | 'not built' | 'changed'
  because: string
  tree?: DirHash | Sha256
  manifest?: TreeManifest
}>

/**
 * Whether what is on disk is what was built; nothing is built or mended.
 *
 * `mount` reads every byte of it; `identify` only looks whether it is there.
 */
export async function inspectTree(plan: TreePlan): Promise<FoundTree> {
  const { request, identity, local } = plan
  const folder = folderOfTree(request.cacheFolder, identity)
  const manifest = readManifest(folder)
  if (manifest === undefined) return notBuilt
  const found = { tree: treeDigest(manifest), manifest }
  const fault =
    manifest.identity !== identity || !isOwnTree(manifest, plan)
      ? 'its manifest is not the one that you wrote when it was built here'
      : request.purpose === 'mount'
        ? await treeFault(join(folder, 'tree'), manifest, local)
        : undefined
  if (fault !== undefined) return { ...found, state: 'changed', because: fault }
  const because = request.purpose === 'mount' ? `every byte of ${manifest.files.length} files` : 'it is there'
  return { ...found, state: 'right', because }
}

export const notBuilt: FoundTree = { state: 'not built', because: 'no tree of it is here' }

function folderOfTree(cacheFolder: string, identity: Sha256): string {
  return join(cacheFolder, hexOf(identity))
}

function sealKey(identity: Sha256, { configuration }: LocalParts): string {
  return `tree:${digestOfJson({ identity, ...(configuration === undefined ? {} : { configuration }) })}`
}

/** The manifest is the one that was written when this user built the tree. */
function isOwnTree(manifest: TreeManifest, { request: { sealedTrees }, local }: TreePlan): boolean {
  return sealedTrees === undefined || sealedTrees.fact(sealKey(manifest.identity, local)) === sealOf(manifest)
}

/**
 * Renames the new folder into place. A right one that another process put there first stays, and is returned; a wrong one
 * goes.
 */
async function publish(
  temporary: string,
  folder: string,
  rightOne: () => Promise<BuiltTree | undefined>,
): Promise<BuiltTree | undefined> {
  for (let tries = 0; tries < 5; tries += 1) {
    try {
      renameSync(temporary, folder)
      return undefined
    } catch (error) {
      const occupied = error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST'].includes(String(error.code))
      if (!occupied) throw error
    }
    const others = await rightOne()
    if (others !== undefined) return others
    const aside = `${temporary}-aside-${tries}`
    if (existsSync(folder)) renameSync(folder, aside)
    removeTree(aside)
  }
  throw new DomainError('ERR_ENV_BUILD', 'other processes keep changing the environment while it is built')
}
