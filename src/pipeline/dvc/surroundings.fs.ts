/** What DVC keeps beside the project: its cache, its locks, the ignore file of its own. */
import { lstatSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { DomainError, printable } from '../../core/index.ts'
import type { DvcCacheOptions } from '../../data/index.ts'
import { readDvcSettings } from '../define/index.ts'
import { readProjectFile } from '../project-file.fs.ts'

/**
 * Where DVC's cache of this project is; undefined where there is no `.dvc` folder, and so no DVC.
 *
 * Trust: `.dvc/config` is the repository's, and may name any folder. What is written there are objects under names that
 * follow from their bytes; nothing that exists is replaced but an object that does not hold the bytes of its name.
 *
 * @throws ERR_DEFINITION_INVALID for settings that DVC refuses, and for a cache that is no local folder
 */
export function findDvcCache(root: string): DvcCacheOptions | undefined {
  const folder = findDvcFolder(root)
  if (folder === undefined) return undefined
  const { dir, isShared } = readDvcSettings((path) => readProjectFile(folder, path)).cache
  const ownFolder = join(folder, '.dvc')
  return { root: dir === undefined ? join(ownFolder, 'cache') : localFolder(dir, ownFolder), isShared }
}

function localFolder(dir: string, from: string): string {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(dir)) {
    throw new DomainError(
      'ERR_DEFINITION_INVALID',
      `\`.dvc/config\`: cache.dir \`${printable(dir)}\` is no local folder`,
    )
  }
  return isAbsolute(dir) ? resolve(dir) : resolve(from, dir)
}

/** A project in a folder of a repository may have its DVC above it, up to where the repository begins. */
function findDvcFolder(root: string): string | undefined {
  for (let folder = root; ; folder = dirname(folder)) {
    if (lstatSync(join(folder, '.dvc'), { throwIfNoEntry: false })?.isDirectory() === true) return folder
    const isTop = lstatSync(join(folder, '.git'), { throwIfNoEntry: false }) !== undefined
    if (isTop || dirname(folder) === folder) return undefined
  }
}
