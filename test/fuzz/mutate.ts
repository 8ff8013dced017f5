// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of DVC and of shells are text here
/**
 * Makes one input out of another, as somebody would who knows the formats: JSON by its members, DER by its elements, text by
 * its lines, all of them by bytes; and what stands inside in base64 once more.
 */
import { mutateDer } from './mutate-der.ts'
import { mutateJson } from './mutate-json.ts'
import type { Random } from './random.ts'

/** LIMIT: how deep base64 in base64 is looked into, and how large an input may grow. */
const maxDepth = 3
export const maxInputBytes = 128 * 1024

/** @param other another input of the same reader, from which parts may be taken */
export function mutate(bytes: Buffer, other: Buffer, random: Random, depth = 0): Buffer {
  let changed = bytes
  for (let times = 1 + random.below(random.once(3) ? 6 : 2); times > 0; times -= 1)
    changed = mutateOnce(changed, other, random, depth)
  return changed.subarray(0, maxInputBytes)
}

function mutateOnce(bytes: Buffer, other: Buffer, random: Random, depth: number): Buffer {
  const within = (part: Buffer): Buffer => (depth < maxDepth ? mutate(part, part, random, depth + 1) : part)
  const first = bytes.find((byte) => byte > 0x20)
  if ((first === 0x7b || first === 0x5b) && !random.once(4)) {
    const json = mutateJson(bytes.toString('utf8'), other.toString('utf8'), { random, within })
    if (json !== undefined) return Buffer.from(json)
  }
  if (bytes[0] === 0x30 && !random.once(4)) {
    const der = mutateDer(bytes, random, within)
    if (der !== undefined) return der
  }
  return random.once(2) ? mutateLines(bytes, other, random, within) : mutateBytes(bytes, other, random)
}

/** Lines of YAML, of notes, of lists; `\n` stays what parts them. */
function mutateLines(bytes: Buffer, other: Buffer, random: Random, within: (part: Buffer) => Buffer): Buffer {
  const lines = bytes.toString('latin1').split('\n')
  const at = random.below(lines.length)
  const line = lines[at] ?? ''
  const kind = random.below(8)
  if (kind === 0) lines.splice(at, 1)
  else if (kind === 1) lines.splice(at, 0, line)
  else if (kind === 2) lines.splice(random.below(lines.length + 1), 0, line)
  else if (kind === 3) lines.splice(at, 1, random.one(other.toString('latin1').split('\n')))
  else if (kind === 4) lines.splice(at, 1, ' '.repeat(random.below(9)) + line.trimStart())
  else lines.splice(at, 1, mutateWord(line, random, within))
  return Buffer.from(lines.join('\n'), 'latin1')
}

const plainBase64 = /^[A-Za-z0-9+/]{8,}={0,2}$/

function mutateWord(line: string, random: Random, within: (part: Buffer) => Buffer): string {
  const words = [...line.matchAll(/[^\s,:"'[\]{}]+/g)]
  if (words.length === 0) return random.one(wordsThatMatter)
  const { 0: word, index } = random.one(words)
  const changed =
    plainBase64.test(word) && random.once(2)
      ? within(Buffer.from(word, 'base64')).toString('base64')
      : random.one(wordsThatMatter)
  return line.slice(0, index) + changed + line.slice(index + word.length)
}

/** Numbers at borders, words that parsers read otherwise than others, letters that cannot be seen. */
export const wordsThatMatter: readonly string[] = [
  ...[
    '',
    '0',
    '-0',
    '-1',
    '1',
    '01',
    '255',
    '256',
    '65535',
    '65536',
    '4294967296',
    '9007199254740993',
    '1e999',
    '1e-999',
  ],
  ...['9'.repeat(40), 'NaN', '.inf', '0x10', '0o17', '1_000', '12:30:45', 'null', '~', 'true', 'yes', 'no', 'off'],
  ...[
    '*a',
    '&a',
    '&a *a',
    '!!binary',
    '!!python/object',
    '<<',
    '---',
    '...',
    '- - - -',
    '? ',
    '|',
    '>',
    '%YAML 1.1',
    '\t',
  ],
  ...[
    '${',
    '${a}',
    '${a.b[0]}',
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    "'",
    '\\',
    '\\u0000',
    '\\ud800',
    '#',
    '@',
    '`',
    '\0',
    '\r',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '../../etc/passwd',
    '/',
    '.',
    '..',
    'a/../b',
    'C:\\a',
    'con',
    '\u202e',
    '\u200b',
  ],
  ...[
    'sha256:',
    'dirHash1:',
    `sha256:${'a'.repeat(64)}`,
    'A'.repeat(64),
    'a'.repeat(5000),
    '\xff\xfe',
    '\xef\xbb\xbf',
    'ä',
  ],
  ...['2026-11-26', '2026-02-30', '0000-00-00', '99999-01-01', '2026-11-26T00:00:00Z', '2026-11-26T25:61:61+99:99'],
]

/** As any fuzzer does. */
function mutateBytes(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
  const length = 1 + random.below(random.once(3) ? 200 : 8)
  switch (random.below(9)) {
    case 0: {
      const flipped = Buffer.from(bytes)
      const place = random.below(bytes.length)
      if (flipped.length > 0) flipped[place] = (flipped[place] ?? 0) ^ (1 << random.below(8))
      return flipped
    }
    case 1:
      return Buffer.concat([head, random.bytes(length), tail.subarray(length)])
    case 2:
      return Buffer.concat([head, random.bytes(length), tail])
    case 3:
      return Buffer.concat([head, tail.subarray(length)])
    case 4:
      return Buffer.concat([head, Buffer.from(random.one(wordsThatMatter)), tail.subarray(random.below(8))])
    case 5: {
      const from = random.below(other.length)
      return Buffer.concat([head, other.subarray(from, from + length), tail.subarray(random.below(length))])
    }
    case 6:
      return Buffer.concat([head, Buffer.from(random.one(['[', '{"a":', '(', '- ', ' ', '\x30\x80'])), tail])
    case 7:
      return Buffer.concat([
        head,
        Buffer.from(random.one(['[', '{"a":', '(', '- ', '30']).repeat(1 + random.below(3000))),
        tail,
      ])
    default:
      return head
  }
}
