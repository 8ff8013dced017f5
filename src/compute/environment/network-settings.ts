/**
 * Where artefacts come from, as the caller's machine is set up for pip: indexes, folders, proxies, authorities.
 *
 * Trust: none of this is believed. It decides where bytes are asked for; which bytes are kept is decided by the lock
 * alone. Addresses may carry credentials: they are sent to that origin only and never recorded (`withoutCredentials`).
 */

export type NetworkSettings = Readonly<{
  /** Simple API addresses, with credentials where the caller gave them. */
  indexes: readonly string[]
  /** Absolute local folders that may hold wheels (`find-links`). */
  folders: readonly string[]
  httpProxy: string
  httpsProxy: string
  noProxy: string
  /** PEM texts that are trusted beside Node's own authorities. */
  authorities: readonly string[]
  /** Pauses before each further try of a failed request, milliseconds. */
  retryDelaysMs: readonly number[]
  /** What pip would honour and this version does not, for the record. */
  warnings: readonly string[]
}>

export const defaultIndex = 'https://pypi.org/simple'

/** The address as it may be recorded and shown: no user, password, query or fragment. */
export function withoutCredentials(address: string): string {
  if (!URL.canParse(address)) return 'an address that is not one'
  const url = new URL(address)
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return url.href
}
