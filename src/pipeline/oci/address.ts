/** How an artifact in an OCI registry is named on the command line: `oci://host/repository:tag`, or `@sha256:...`. Pure. */
import { type ImageName, imageText, parseImageName } from '../../compute/index.ts'
import { DomainError, isDomainError, type Sha256 } from '../../core/index.ts'

/** With a tag, a digest, or both: then the digest decides. */
export type OciAddress = ImageName & Readonly<{ digest?: Sha256 }>

const scheme = 'oci://'

export function isOciAddress(text: string | undefined): text is string {
  return text?.startsWith(scheme) === true
}

/** @throws ERR_USAGE; a name without a host is of no registry here */
export function parseOciAddress(text: string): OciAddress {
  const rest = text.slice(scheme.length)
  const host = rest.slice(0, Math.max(0, rest.indexOf('/')))
  const parsed = named(rest)
  if (parsed !== undefined && parsed.registry === host && (parsed.tag ?? parsed.digest) !== undefined) return parsed
  throw new DomainError('ERR_USAGE', `\`${text.slice(0, 300)}\` is no artifact of a registry`, {
    help: 'write oci://host/repository:tag, or oci://host/repository@sha256:<64 hex digits>',
  })
}

function named(text: string): OciAddress | undefined {
  try {
    return parseImageName(text)
  } catch (error) {
    if (isDomainError(error, 'ERR_SETTINGS_INVALID')) return undefined
    throw error
  }
}

export function ociText(address: OciAddress): string {
  return `${scheme}${imageText(address)}`
}
