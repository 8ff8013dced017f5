/**
 * Writes the files of packages into a new tree: one path, one owner, no path through a link.
 *
 * THREAT: hostile archives. The tree is ours alone while it is written, so that no link of another can be in the way; a
 * link of a package is written last, when nothing is written through it any more.
 */
import { createHash } from 'node:crypto'
import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { DomainError, type FileEntry, nameFault, type Sha256 } from '../../core/index.ts'
import { projectFolder } from '../bubblewrap/recipe.ts'
import type { TreeLink, TreeManifest } from './tree.fs.ts'

export type FileSink = Readonly<{ write(piece: Buffer): void; end(): FileEntry }>

export type Placed = Readonly<{ owner: string; executable: boolean; digest?: Sha256; target?: string }>

export type TreeWriter = Readonly<{
  /** @param path of the tree, already plain @throws ERR_ENV_PACKAGE_REFUSED */
  openFile(path: string, owner: string, executable: boolean): FileSink
  /** @param target relative, of the same tree @throws ERR_ENV_PACKAGE_REFUSED */
  addLink(path: string, owner: string, target: string): void
  /** A link to what a stage sees of the project. @param folder plain project path @throws ERR_ENV_PACKAGE_REFUSED */
  addProjectLink(path: string, owner: string, folder: string): void
  /** What was brought there: `target` of a link, the digest of a file that is written. */
  at(path: string): Placed | undefined
  /** Writes the links; nothing is added afterwards. */
  finish(): Pick<TreeManifest, 'files' | 'layout'>
}>

export function refusedPackage(name: string, what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_ENV_PACKAGE_REFUSED', `\`${name}\` ${what}`, { details: { package: name }, cause })
}

/** Why a path of an archive is not plain, or undefined. */
export function pathFault(path: string): string | undefined {
  for (const part of path.split('/')) {
    const fault = nameFault(part)
    if (fault !== undefined) return fault
  }
  return path.length > 3000 ? 'is longer than 3000 characters' : undefined
}

const byPath = (left: Readonly<{ path: string }>, right: Readonly<{ path: string }>): number =>
  left.path < right.path ? -1 : 1

export type TreeLimit = Readonly<{ entries: number; bytes: number }>

/** LIMIT: a million files, links and folders, and 64 GiB, of all packages together: one archive may stand in many places. */
const wholeTree: TreeLimit = { entries: 1_000_000, bytes: 64 * 1024 ** 3 }

/** @param tree absolute, empty folder */
export function openTreeWriter(tree: string, limit: TreeLimit = wholeTree): TreeWriter {
  let { entries, bytes } = limit
  const spend = (owner: string, spent: TreeLimit): void => {
    entries -= spent.entries
    bytes -= spent.bytes
    if (entries >= 0 && bytes >= 0) return
    const most = `${limit.entries} files and folders, or ${limit.bytes} bytes`
    throw refusedPackage(owner, `makes the environment larger than it may be: more than ${most}`)
  }
  const folders = new Set([''])
  const placed = new Map<string, Placed>()
  const files: FileEntry[] = []
  const links: TreeLink[] = []
  const makeFolder = (folder: string, owner: string): void => {
    if (folders.has(folder)) return
    const parent = dirname(folder)
    makeFolder(parent === '.' ? '' : parent, owner)
    if (placed.has(folder)) throw refusedPackage(owner, `brings \`${folder}\` as a folder, which is a file elsewhere`)
    spend(owner, { entries: 1, bytes: 0 })
    mkdirSync(join(tree, folder))
    chmodSync(join(tree, folder), 0o755) // whatever the caller's umask is: a stage runs as another user
    folders.add(folder)
  }
  const take = (path: string, what: Placed): void => {
    const { owner } = what
    const fault = pathFault(path)
    if (fault !== undefined) throw refusedPackage(owner, `has a name that ${fault}: \`${path}\``)
    const folder = dirname(path)
    makeFolder(folder === '.' ? '' : folder, owner)
    const earlier = placed.get(path)
    if (earlier !== undefined) throw refusedPackage(owner, `brings \`${path}\`, which \`${earlier.owner}\` brings too`)
    if (folders.has(path)) throw refusedPackage(owner, `brings \`${path}\` as a file, which is a folder elsewhere`)
    spend(owner, { entries: 1, bytes: 0 })
    placed.set(path, what)
  }
  return {
    at: (path) => placed.get(path),
    openFile(path, owner, executable) {
      take(path, { owner, executable })
      const fd = openSync(join(tree, path), 'wx', 0o600)
      const hasher = createHash('sha256')
      let sizeBytes = 0
      return {
        write(piece) {
          spend(owner, { entries: 0, bytes: piece.length })
          hasher.update(piece)
          sizeBytes += piece.length
          for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done, piece.length - done)
        },
        end() {
          fchmodSync(fd, executable ? 0o555 : 0o444)
          closeSync(fd)
          const file = { path, digest: `sha256:${hasher.digest('hex')}` as const, sizeBytes, executable }
          files.push(file)
          placed.set(path, { owner, executable, digest: file.digest })
          return file
        },
      }
    },
    addLink(path, owner, target) {
      take(path, { owner, executable: false, target })
      const reached = posix.join(dirname(path), target)
      const isInside = target !== '' && !target.startsWith('/') && reached !== '..' && !reached.startsWith('../')
      if (!isInside) throw refusedPackage(owner, `has a link that leads out of the environment: \`${path}\``)
      links.push({ path, target })
    },
    addProjectLink(path, owner, folder) {
      const target = `${projectFolder}/${folder}`
      take(path, { owner, executable: false, target })
      links.push({ path, target })
    },
    finish() {
      for (const { path, target } of links) symlinkSync(target, join(tree, path))
      return {
        files: files.toSorted(byPath),
        layout: { links: links.toSorted(byPath), folders: [...folders].filter((path) => path !== '').toSorted() },
      }
    },
  }
}
