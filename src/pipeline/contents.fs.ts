/** Contents of the working tree and of the store, by project path. The port is in `project.ts`. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { type Content, DomainError, isDirHash, isSha256, parseStrictJson } from '../core/index.ts'
import {
  type DigestFilesOptions,
  type DigestPathOptions,
  digestPath,
  ingestPath,
  ioFault,
  type ObjectStore,
  seePath,
} from '../data/index.ts'
import type { Contents } from './project.ts'

/** LIMIT: JSON that assay itself reads (metrics) is at most 16 MiB. */
const maxJsonBytes = 16 * 1024 * 1024

/** @param options how the working tree is digested: the stat cache, `rehash` */
export function openContents(root: string, store: ObjectStore, options: DigestFilesOptions): Contents {
  const present = (path: string): boolean => isPresent(join(root, path))
  const named = (path: string): DigestPathOptions => ({ ...options, name: path, within: root })
  return {
    ingest: async (path) => (present(path) ? ingestPath(join(root, path), store, named(path)) : undefined),
    digest: async (path) => (present(path) ? (await digestPath(join(root, path), named(path))).digest : undefined),
    see: async (path) => (present(path) ? seePath(join(root, path), named(path)) : undefined),
    rehash: async (path) =>
      present(path) ? (await digestPath(join(root, path), { name: path, within: root })).digest : undefined,
    restore: (path, content) => store.restore(content, join(root, path), { within: root }),
    stored: (output) => storedContent(store, output),
    readJson: async (digest, name) => {
      if (!isSha256(digest)) throw new DomainError('ERR_INPUT_MALFORMED', `\`${name}\` is a folder, not JSON`)
      return parseStrictJson(await store.read(digest, maxJsonBytes), name)
    },
  }
}

/** A file where a folder of the path should be means that nothing is there. @throws ERR_IO */
function isPresent(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return false
    throw ioFault(error, path)
  }
}

/** Every object is re-hashed: what is missing or corrupt is no content. */
async function storedContent(
  store: ObjectStore,
  { digest, sizeBytes, list, executable }: Parameters<Contents['stored']>[0],
): Promise<Content | undefined> {
  if (isSha256(digest)) {
    const faults = await store.verify([digest])
    return faults.length > 0 ? undefined : { kind: 'file', digest, sizeBytes, executable: executable === true }
  }
  if (!isDirHash(digest) || list === undefined || (await store.verify([list])).length > 0) return undefined
  const folder = await store.readFolder(list)
  if (folder.digest !== digest) return undefined
  const faults = await store.verify(folder.files.map((file) => file.digest))
  return faults.length > 0 ? undefined : folder
}
