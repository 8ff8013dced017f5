/**
 * Where artefacts come from, as the caller's machine is set up for pip: indexes, folders, proxies, authorities.
 *
 * Trust: none of this is believed. It decides where bytes are asked for; which bytes are kept is decided by the lock
 * alone. Addresses may carry credentials: they are sent to that origin only and never recorded (`withoutCredentials`).
 */

import type { NetworkRoute } from '../../data/index.ts'

export type NetworkSettings = NetworkRoute &
  Readonly<{
    /** Simple API addresses, with credentials where the caller gave them. */
    indexes: readonly string[]
    /** Absolute local folders that may hold wheels (`find-links`). */
    folders: readonly string[]
    /** What pip would honour and this version does not, for the record. */
    warnings: readonly string[]
  }>

export const defaultIndex = 'https://pypi.org/simple'
