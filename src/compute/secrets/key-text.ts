/**
 * Where a private key in text ends, line by line: headers, then base64, as a file has it or as code, JSON or a quotation does.
 * Pure. SOURCE: RFC 7468; RFC 1421, section 4.6 (headers of encrypted keys); RFC 9580, section 6.2.1 (headers of PGP).
 */

/** LIMIT: of a key with its headers, and of one line of it. */
export const maxKeyLetters = 64 * 1024
const maxLineLetters = 16 * 1024
const maxHeaders = 20
/** The shortest, of Ed25519, has 64 letters; a program that looks for keys has the first line alone. */
const leastLetters = 40

/**
 * A line's end as a file has it, or as JSON and code spell one, within another string too.
 *
 * THREAT: bytes of a stage that stop whoever reads them: no expression here may take more time than its text is long. So
 * a run of backslashes is read from its first one alone, and what is around a line is taken off before it is looked at.
 */
const lineEnd = /(?<!\\)(?:\\+r)?\\+n|\r?\n|\r/g
const lastLine = /-{5}END /
/** What code, lists and quotations put around a line. */
const around = String.raw`[\s"'\x60+,;()>|#*\\\]]`
const isAround = new RegExp(around)
const beforeLine = new RegExp(`^${around}*`)
const bodyLine = /^(?:[A-Za-z0-9+/]{16,} +)*[A-Za-z0-9+/]*={0,2}$/
const checksumLine = /^=[A-Za-z0-9+/]{4}$/
const headerLine = new RegExp(`^${around}*[A-Za-z][A-Za-z0-9-]{0,60}:(?: .*)?$`, 's')
const foldedLine = /^[ \t]+\S/

/**
 * How many letters after the first line belong to the key.
 *
 * @param rest what follows its first line
 * @param isEnd nothing follows `rest`
 * @returns undefined when more must be seen; 0 when too little follows to be a key
 */
export function lettersOfKey(rest: string, isEnd: boolean): number | undefined {
  const text = rest.slice(0, maxKeyLetters)
  const isWhole = isEnd || rest.length > maxKeyLetters
  let [at, headers, inBody] = [0, 0, 0]
  const whole = (letters: number): number => (inBody < leastLetters ? 0 : letters)
  for (const { line, next } of linesOf(text)) {
    const last = line.search(lastLine)
    if (last >= 0) {
      const before = line.slice(0, last)
      if (!bodyLine.test(within(before))) return whole(at)
      inBody += lettersIn(before)
      return whole(at + last)
    }
    if (next === undefined && !isWhole && line.length <= maxLineLetters) return undefined
    const isHeader =
      inBody === 0 && headers < maxHeaders && (headerLine.test(line) || (headers > 0 && foldedLine.test(line)))
    const inner = within(line)
    const isBody = bodyLine.test(inner) || checksumLine.test(inner)
    if (!isBody && !isHeader) return whole(at)
    if (isHeader && !isBody) headers += 1
    else inBody += lettersIn(line)
    at = next ?? text.length
  }
  return isWhole ? whole(at) : undefined
}

const codedLetters = /[A-Za-z0-9+/]{1,65536}={0,2}/y
const codedLine = /(?:\r?\n|\\+n)[ \t]{0,40}([A-Za-z0-9+/]{1,76}={0,2})(?![A-Za-z0-9+/=])/y
/** SOURCE: RFC 2045 and RFC 7468: where base64 is put on lines, those before the last have as many letters. */
const codedWidths = [64, 76]

/** The base64 that begins at a place, on lines too. LIMIT: as of a key. */
export function codedRun(text: string, at: number): string {
  const first = matchAt(codedLetters, text, at)?.[0] ?? ''
  const width = first.length
  let end = at + width
  if (codedWidths.includes(width)) {
    for (let last = width; last === width && end - at < maxKeyLetters; ) {
      const line = matchAt(codedLine, text, end)
      if (line === undefined || (line[1] ?? '').length > width) break
      end += line[0].length
      last = (line[1] ?? '').length
    }
  }
  return text.slice(at, Math.min(end, at + maxKeyLetters))
}

function matchAt(form: RegExp, text: string, at: number): RegExpExecArray | undefined {
  form.lastIndex = at
  return form.exec(text) ?? undefined
}

/** A line without what is put around it; a plus beside its letters is one of them. */
function within(line: string): string {
  let end = line.length
  while (end > 0 && isAround.test(line.charAt(end - 1))) end -= 1
  let start = beforeLine.exec(line.slice(0, end))?.[0].length ?? 0
  while (line[start - 1] === '+') start -= 1
  while (line[end] === '+') end += 1
  return line.slice(start, end)
}

function lettersIn(line: string): number {
  return line.replace(/[^A-Za-z0-9+/]/g, '').length
}

function* linesOf(text: string): Generator<Readonly<{ line: string; next?: number }>> {
  let from = 0
  for (const match of text.matchAll(lineEnd)) {
    const next = match.index + match[0].length
    yield { line: text.slice(from, match.index), next }
    from = next
  }
  if (from < text.length) yield { line: text.slice(from) }
}
