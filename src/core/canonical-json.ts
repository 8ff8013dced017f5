/** Canonical JSON (RFC 8785): one value, one sequence of bytes. */
import canonicalize from 'canonicalize'
import { type Sha256, sha256Of } from './digest.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * The RFC 8785 text of a value.
 *
 * INVARIANT: the value is JSON already. `undefined` members would be dropped silently and two different values would
 * share one text, so they are a bug and not a fault.
 */
export function canonicalJson(value: unknown): string {
  refuseUndefined(value)
  const text = canonicalize(value)
  if (text === undefined) throw new Error('canonicalJson: not a JSON value')
  return text
}

export function digestOfJson(value: unknown): Sha256 {
  return sha256Of(canonicalJson(value))
}

function refuseUndefined(value: unknown): void {
  if (value === undefined) throw new Error('canonicalJson: undefined is not a JSON value')
  if (typeof value !== 'object' || value === null) return
  for (const member of Object.values(value)) refuseUndefined(member)
}
