/** What the world's refusals mean: errno to code. */
import { DomainError } from '../core/index.ts'

/** The code of a system error (`ENOENT`), or undefined when it is none. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/**
 * The fault to throw for whatever was caught around reading or writing `path`.
 *
 * A bug stays a bug: only system errors are translated.
 */
export function ioFault(error: unknown, path: string): unknown {
  const errno = errnoOf(error)
  if (error instanceof DomainError || errno === undefined) return error
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new DomainError('ERR_DISK_FULL', `there is no space left to write \`${path}\``, { cause: error })
  }
  if (!/^E[A-Z0-9]+$/.test(errno)) return error
  return new DomainError('ERR_IO', `\`${path}\` could not be read or written (${errno})`, { cause: error })
}

/** Runs `work`, translating its system errors. */
export async function withIoFaults<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw ioFault(error, path)
  }
}
