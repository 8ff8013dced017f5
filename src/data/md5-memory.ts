/** MD5s that are known of bytes with a SHA-256: the port. An MD5 follows from its bytes, so that an entry never ages. */
import type { Md5, Sha256 } from '../core/index.ts'

export type Md5Memory = Readonly<{
  md5s(digests: readonly Sha256[]): ReadonlyMap<Sha256, Md5>
  recordMd5s(found: ReadonlyMap<Sha256, Md5>): void
}>
