/**
 * Credentials that can be known by their form alone, in bytes of any kind: pure.
 *
 * Every stage's outs are looked through, gigabytes of weights too, so most bytes are never looked at: a form is a run of
 * letters that a token may have, and one byte in ten that is none rules out all ten. DECISION 0049.
 */
import { endOfMatch } from './ahead.ts'
import { codedMark, type Form, forms, keyMark, maxTokenBytes, privateKey } from './forms.ts'
import { codedRun, lettersOfKey, maxKeyLetters } from './key-text.ts'

export type Credential = Readonly<{ kind: string; at: number; end: number }>

export type Looked = Readonly<{
  /** In the order of the bytes; none within another. */
  found: readonly Credential[]
  /** What begins here may be one, which only the bytes that follow can tell. */
  decided: number
}>

/** LIMIT: no token is a run of fewer letters. */
const leastRun = 20
const firstMark = Buffer.from(keyMark)
/** The first line of a private key begins with a run of its own, which its first blank ends. */
const keyRun = Buffer.from(keyMark.trimEnd())
/** Of a token, by their bytes: those that words are made of, and those that join them. */
const [none, plain, joining] = [0, 1, 2]
const letterKinds = new Uint8Array(256)
for (const letter of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'))
  letterKinds[letter] = plain
for (const letter of Buffer.from('+/=_-.')) letterKinds[letter] = joining
const markedForms = forms.flatMap((form) => form.marks.map((mark) => ({ form, mark: Buffer.from(mark) })))
const longestMark = Math.max(...markedForms.map(({ mark }) => mark.length))
/** A character that is no letter, as JSON, code and addresses spell it; and the end of a colour on a terminal. */
const spelling = /(?:\\(?:[bfnrtv0]|x[\dA-Fa-f]{2}|u[\dA-Fa-f]{4}|[0-3][0-7]{2})|%[\dA-Fa-f]{2}|[[;]\d{0,3}m)$/
/** The longest spelling: what is kept of bytes that were looked at, to see whether a word begins. */
export const contextBytes = 6
/** Before a run of letters: what such a spelling begins with, or a letter, since then the run began before. */
const opensSpelling = letterKinds.map((kind, byte) =>
  kind !== none || '\\%[;'.includes(String.fromCharCode(byte)) ? 1 : 0,
)
/** Which first three letters a mark may have, and which marks begin so: a few other letters are among them. */
const nearMarks = new Uint8Array(4096)
const marksNear: (readonly (typeof markedForms)[number][])[] = Array.from({ length: 4096 }, () => [])
for (const marked of markedForms) {
  const place = placeOf(marked.mark, 0)
  nearMarks[place] = 1
  marksNear[place] = [...(marksNear[place] ?? []), marked]
}

/** What kind of credential stands in the bytes, if any. */
export function credentialIn(bytes: Buffer): string | undefined {
  return findCredentials(bytes, { from: 0, isEnd: true }).found[0]?.kind
}

/**
 * Every credential of a known form.
 *
 * @param from what lies before was looked at: `contextBytes` of it are enough
 * @param isEnd no bytes follow these
 */
export function findCredentials(bytes: Buffer, { from, isEnd }: Readonly<{ from: number; isEnd: boolean }>): Looked {
  const found: Credential[] = []
  const begins = beginnings(bytes, from)
  if (begins.length > 0) {
    const read = readerOf(bytes, isEnd)
    let free = from
    for (const at of begins) {
      if (at < free) continue
      const one = read(at)
      if (one === 'undecided') return { found, decided: at }
      if (one === undefined) continue
      found.push(one)
      free = one.end
    }
  }
  return { found, decided: isEnd ? bytes.length : Math.max(found.at(-1)?.end ?? from, beginningOfLast(bytes, from)) }
}

type Read = Credential | 'undecided' | undefined

/** What stands at a place where a form may begin, for places from left to right. */
function readerOf(bytes: Buffer, isEnd: boolean): (at: number) => Read {
  const text = bytes.toString('latin1')
  const undecidedFrom = isEnd ? bytes.length : beginningOfCut(bytes)
  const looks = new Map(forms.map((form) => [form, form.lookIn?.(text)]))
  const codedKeyAt = codedKeysIn(text, isEnd)
  return (at) => {
    for (const { form, mark } of marksNear[placeOf(bytes, at)] ?? []) {
      if (!startsAt(bytes, mark, at)) continue
      if (form.marks.includes(codedMark)) return codedKeyAt(at)
      if (form.kind === privateKey) return keyAt(bytes, { at, text, isEnd }, form)
      if (at >= undecidedFrom) return 'undecided'
      if (looks.get(form)?.(at) === false) continue
      const end = endOfMatch(form.form, text, at)
      if (end !== undefined) return { kind: form.kind, at, end }
    }
    return undefined
  }
}

/** Where the letters of a token begin that the end of the bytes may cut. */
function beginningOfCut(bytes: Buffer): number {
  const least = Math.max(0, bytes.length - maxTokenBytes + 1)
  let at = bytes.length
  while (at > least && letterKinds[byteAt(bytes, at - 1)] !== none) at -= 1
  return at
}

/** LIMIT: of the first line of a private key. */
const maxFirstLine = 100

function keyAt(
  bytes: Buffer,
  { at, text, isEnd }: Readonly<{ at: number; text: string; isEnd: boolean }>,
  { form }: Form,
): Read {
  const from = endOfMatch(form, text, at)
  if (from === undefined) return !isEnd && isFirstLine(text.slice(at, at + maxFirstLine)) ? 'undecided' : undefined
  const next = nextKey(bytes, from, form)
  const rest = text.slice(from, next ?? from + maxKeyLetters + 1)
  const letters = lettersOfKey(rest, isEnd || next !== undefined)
  if (letters === 0) return undefined
  return letters === undefined ? 'undecided' : { kind: privateKey, at, end: from + letters }
}

/** LIMIT: of a line of base64, with what stands around it. */
const maxCodedLine = 128
/** The first line of a private key, and the least that follows it, have 90. */
const leastCoded = 80

/**
 * Keys in base64, with the certificates that stand before them. To be asked from left to right.
 *
 * THREAT: a run of letters with a mark at every few bytes: it is decoded once, from its first mark.
 */
function codedKeysIn(text: string, isEnd: boolean): (at: number) => Read {
  let until = 0
  return (at) => {
    if (at < until) return undefined
    const run = codedRun(text, at)
    until = at + run.length
    if (!isEnd && text.length - until < maxCodedLine && run.length < maxKeyLetters) return 'undecided'
    if (run.length < leastCoded) return undefined
    const decoded = Buffer.from(run.replaceAll(/\\+n|\s/g, ''), 'base64')
    const { found } = findCredentials(decoded, { from: 0, isEnd: true })
    return found.some(({ kind }) => kind === privateKey) ? { kind: privateKey, at, end: until } : undefined
  }
}

/** Where another key begins: what stands before it is judged without it. THREAT: a gigabyte of first lines. */
function nextKey(bytes: Buffer, from: number, form: RegExp): number | undefined {
  const ahead = bytes.subarray(from, from + maxKeyLetters + 1)
  for (let at = ahead.indexOf(firstMark); at >= 0; at = ahead.indexOf(firstMark, at + 1)) {
    if (endOfMatch(form, ahead.toString('latin1', at, at + maxFirstLine), 0) !== undefined) return from + at
  }
  return undefined
}

/** Whether it may become the first line of a private key. */
function isFirstLine(text: string): boolean {
  return text.length < maxFirstLine && (keyMark.startsWith(text) || /^-----BEGIN [A-Z0-9 ]*-{0,4}$/.test(text))
}

/** Where a form may begin, and its run of letters is long enough. */
function beginnings(bytes: Buffer, from: number): readonly number[] {
  const found: number[] = []
  const { length } = bytes
  const least = keyRun.length
  let start = from
  while (start + least <= length) {
    let at = start + least - 1
    while (at >= start && letterKinds[byteAt(bytes, at)] !== none) at -= 1
    if (at >= start) {
      start = at + 1
      continue
    }
    const end = addMarks(bytes, start, found)
    if (startsAt(bytes, keyRun, end - least)) found.push(end - least)
    start = end + 1
  }
  return found
}

/** The end of a run of letters, with the places of marks in it added. Written for speed: a run may be a whole file. */
function addMarks(bytes: Buffer, start: number, found: number[]): number {
  const last = bytes.length - leastRun
  const spelled = start > 0 && opensSpelling[byteAt(bytes, start - 1)] === 1 ? start + contextBytes : start
  let end = start
  for (let before: number | undefined = none; ; ) {
    const kind = letterKinds[byteAt(bytes, end)]
    if (kind === none) break
    const mayBeFree = before !== plain || end < spelled
    if (mayBeFree && end <= last && nearMarks[placeOf(bytes, end)] === 1 && isFree(bytes, end) && isMarked(bytes, end))
      found.push(end)
    end += 1
    if (end === bytes.length) break
    before = kind
  }
  while ((found.at(-1) ?? end - leastRun) > end - leastRun) found.pop()
  return end
}

/** SOURCE: measured: the check for what is not there takes half the time of the search. */
function byteAt(bytes: Buffer, at: number): number {
  return bytes[at] as number // within the bytes, by each caller
}

function placeOf(bytes: Buffer, at: number): number {
  return (byteAt(bytes, at) * 5 + byteAt(bytes, at + 1) * 67 + byteAt(bytes, at + 2) * 1021) & 0xfff
}

function isMarked(bytes: Buffer, at: number): boolean {
  for (const { mark } of marksNear[placeOf(bytes, at)] ?? []) if (startsAt(bytes, mark, at)) return true
  return false
}

function startsAt(bytes: Buffer, mark: Buffer, at: number): boolean {
  if (at + mark.length > bytes.length) return false
  for (let each = 0; each < mark.length; each += 1) if (bytes[at + each] !== mark[each]) return false
  return true
}

const dash = 0x2d

/** No letter stands before it, but those that stand for a character that is none. */
function isFree(bytes: Buffer, at: number): boolean {
  if (at === 0 || letterKinds[byteAt(bytes, at - 1)] !== plain) return true
  return spelling.test(bytes.toString('latin1', Math.max(0, at - contextBytes), at))
}

/** Where the last letters begin that may become a form, too few to be told yet; the length when none do. */
function beginningOfLast(bytes: Buffer, from: number): number {
  const { length } = bytes
  let start = length
  while (
    start > from &&
    length - start < Math.max(longestMark, leastRun) &&
    letterKinds[byteAt(bytes, start - 1)] !== none
  )
    start -= 1
  for (let at = start; at < length; at += 1) {
    if ((isFree(bytes, at) || bytes[at] === dash) && mayBegin(bytes.subarray(at))) return at
  }
  return length
}

function mayBegin(bytes: Buffer): boolean {
  return markedForms.some(({ mark }) => {
    const common = Math.min(mark.length, bytes.length)
    return mark.compare(bytes, 0, common, 0, common) === 0
  })
}
