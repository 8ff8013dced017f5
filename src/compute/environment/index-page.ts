/**
 * The files that an index offers for one project.
 *
 * SOURCE: PEP 691 (JSON simple API), PEP 592 (yanked). Trust: the whole page is attacker-controlled; it only says where
 * bytes might be found, and every kept byte is checked against the lock.
 */
import { z } from 'zod'
import { DomainError, isSha256, parseStrictJson, type Sha256 } from '../../core/index.ts'

export type IndexFile = Readonly<{
  fileName: string
  /** Absolute http(s) or file address. */
  url: string
  /** What the index says; proven only by the bytes. */
  digest?: Sha256
  yanked: boolean
}>

export const jsonIndexType = 'application/vnd.pypi.simple.v1+json'

/** LIMIT: 64 MiB and 200,000 files a page. */
export const maxIndexPageBytes = 64 * 1024 * 1024

const pageShape = z.object({
  meta: z.object({ 'api-version': z.string().regex(/^1\.\d+$/) }),
  files: z
    .array(
      z.object({
        filename: z.string().max(500),
        url: z.string().max(4000),
        hashes: z.record(z.string(), z.string().max(200)).optional(),
        yanked: z.union([z.boolean(), z.string()]).optional(),
      }),
    )
    .max(200_000),
})

/**
 * @param address of the page, from which relative addresses start
 * @throws ERR_ENV_FETCH when it is not a page of this API
 */
export function parseIndexPage(bytes: Uint8Array, address: string): readonly IndexFile[] {
  const page = pageShape.safeParse(readJson(bytes))
  if (!page.success) throw notAnIndex(page.error)
  return page.data.files.flatMap(({ filename, url, hashes, yanked }) => {
    const absolute = URL.canParse(url, address) ? new URL(url, address) : undefined
    if (absolute === undefined || !/^https?:$/.test(absolute.protocol)) return []
    // THREAT: a page that came over TLS must not lead to plain text.
    if (address.startsWith('https:') && absolute.protocol !== 'https:') return []
    const digest = `sha256:${hashes?.['sha256']?.toLowerCase()}`
    return [
      {
        fileName: filename,
        url: absolute.href,
        ...(isSha256(digest) ? { digest } : {}),
        yanked: yanked !== undefined && yanked !== false,
      },
    ]
  })
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, 'the index page', { maxBytes: maxIndexPageBytes, maxDepth: 16 })
  } catch (cause) {
    throw notAnIndex(cause)
  }
}

function notAnIndex(cause: unknown): DomainError {
  return new DomainError('ERR_ENV_FETCH', 'the index does not answer as PEP 691 (JSON simple API) says', {
    help: 'name the address of the simple API with PIP_INDEX_URL; an index that speaks HTML alone is not supported',
    cause,
  })
}
