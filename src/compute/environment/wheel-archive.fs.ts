/** The members of a wheel: a zip archive with one reading, refused by a code of its own. */
import { DomainError } from '../../core/index.ts'
import { openZip, type ZipArchive } from '../../data/index.ts'

export type WheelArchive = ZipArchive

/**
 * @param path absolute; the bytes are those of the lock already
 * @param name of the wheel, for messages
 * @throws ERR_ENV_WHEEL_REFUSED
 */
export function openWheelArchive(path: string, name: string): Promise<WheelArchive> {
  return openZip(path, (what, cause) => refused(name, what, cause))
}

export function refused(wheel: string, what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_ENV_WHEEL_REFUSED', `\`${wheel}\` ${what}`, { details: { wheel }, cause })
}
