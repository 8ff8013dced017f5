/** `--trusted-root FILE`: the Sigstore instance that the caller names. */
import { resolve } from 'node:path'
import { DomainError, parseStrictJson } from '../core/index.ts'
import type { Caller } from './project.ts'
import { readSmall } from './small-file.fs.ts'

/** LIMIT: a trusted root is at most 4 MiB. */
const maxRootBytes = 4 * 1024 * 1024

/** As their format has them; none where none is named. @throws ERR_TRUSTED_ROOT_MALFORMED */
export function rootsGiven(
  caller: Pick<Caller, 'workingFolder'>,
  { trustedRoot }: Readonly<{ trustedRoot?: string | undefined }>,
): readonly unknown[] {
  if (trustedRoot === undefined) return []
  const bytes = readSmall(resolve(caller.workingFolder, trustedRoot), maxRootBytes)
  try {
    return [parseStrictJson(bytes, 'trusted root', { maxBytes: maxRootBytes, maxDepth: 32 })]
  } catch (cause) {
    throw new DomainError('ERR_TRUSTED_ROOT_MALFORMED', `\`${trustedRoot}\` is not JSON`, { cause })
  }
}
