/** A dataset whose bytes are in the store. */
import type { Content } from '../core/index.ts'
import type { Dataset, ObjectStore } from '../data/index.ts'

/** As the validator gets it. @param base name of the file or folder @throws ERR_STORE_MISSING */
export function datasetOf(content: Content, base: string, store: ObjectStore): Extract<Dataset, { kind: 'objects' }> {
  const files =
    content.kind === 'file'
      ? [{ inner: base, object: store.pathOf(content.digest), digest: content.digest }]
      : content.files.map(({ path, digest }) => ({ inner: path, object: store.pathOf(digest), digest }))
  return { kind: 'objects', files }
}
