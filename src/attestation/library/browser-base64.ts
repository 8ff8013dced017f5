/** `src/attestation/base64.ts` for a browser. */

/** LIMIT: arguments of one call, which engines keep on the stack. */
const chunk = 32_768

export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += chunk) text += String.fromCharCode(...bytes.subarray(at, at + chunk))
  return btoa(text)
}

export function fromBase64(text: string): Uint8Array | undefined {
  try {
    const decoded = atob(text)
    // `atob` takes white space, missing padding and loose last bits
    return btoa(decoded) === text ? Uint8Array.from(decoded, (unit) => unit.charCodeAt(0)) : undefined
  } catch {
    return undefined
  }
}
