/** A bundle that a key signed, with the word of an authority on when. */
import { isDomainError } from '../core/index.ts'
import { parseBundle, printBundle } from './bundle.ts'

/** What a timestamp is asked for; undefined of a bundle with a certificate, which has its own proof of time. */
export function stampedSignature(bundle: Uint8Array): Uint8Array | undefined {
  try {
    return parseBundle(bundle).envelope.signature
  } catch (error) {
    if (isDomainError(error, 'ERR_BUNDLE_UNSUPPORTED')) return undefined
    throw error
  }
}

/** @param timestamp DER, in its one spelling */
export function stampBundle(bundle: Uint8Array, timestamp: Uint8Array): Uint8Array {
  const { timestamps = [], ...parsed } = parseBundle(bundle)
  return printBundle({ ...parsed, timestamps: [...timestamps, timestamp] })
}
