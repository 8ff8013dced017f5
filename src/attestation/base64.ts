/** Base64 of RFC 4648 section 4, padded: by Node; in a browser `library/browser-base64.ts` stands in its place. */

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** Undefined for any other spelling than the one that `toBase64` writes. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
