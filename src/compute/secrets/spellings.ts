/**
 * How a secret may be spelled where it must not stand: as it is, and in the encodings that programs print by themselves.
 *
 * LIMIT: best effort, and called so. Who wants to hide a secret encrypts or compresses it; what keeps it in is the
 * sandbox without network. Source: trust.md section 4.
 */

export type Secret = Readonly<{ name: string; value: Uint8Array }>
export type Spelling = Readonly<{ name: string; bytes: Buffer }>

/** LIMIT: a shorter value stands in any log by chance, and is looked for in no encoding. */
export const minSecretBytes = 6

/** Every spelling of every secret, the longest first; values shorter than `minSecretBytes` have none. */
export function spellingsOf(secrets: readonly Secret[]): readonly Spelling[] {
  const found = new Map<string, Spelling>()
  for (const { name, value } of secrets) {
    for (const whole of [Buffer.from(value), trimmed(value)]) {
      if (whole.length < minSecretBytes) continue
      for (const bytes of encodings(whole)) found.set(bytes.toString('latin1'), { name, bytes })
    }
  }
  return [...found.values()].toSorted((left, right) => right.bytes.length - left.bytes.length)
}

/** A file that a person made ends with a line end that the program did not print. */
function trimmed(value: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(value).toString('latin1').trim(), 'latin1')
}

function encodings(value: Buffer): readonly Buffer[] {
  const text = value.toString('utf8')
  const hex = value.toString('hex')
  const isText = Buffer.from(text).equals(value)
  const texts = isText
    ? [encodeURIComponent(text), JSON.stringify(text).slice(1, -1), text.split('').toReversed().join('')]
    : []
  const wide = isText ? [Buffer.from(text, 'utf16le')] : []
  return [value, ...wide, ...[hex, hex.toUpperCase(), ...base64s(value), ...texts].map((each) => Buffer.from(each))]
}

/**
 * Base64 of a value that stands somewhere inside what was encoded: by each of the three places where it may begin, the
 * part that its neighbours do not change. SOURCE: RFC 4648, sections 4 and 5.
 */
function base64s(value: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), value])
      .toString('base64')
      .replace(/=+$/, '')
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor(((before + value.length) * 8) / 6)
    const inner = whole.slice(from, to)
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
