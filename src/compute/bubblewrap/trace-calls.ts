/**
 * Lines of strace as calls: pure. SOURCE: strace(1) 6.1 with `-f -y`: `PID call(arguments) = result`.
 *
 * THREAT: a stage chooses names of files, and a name may look like the rest of a line (`x) = -1 EROFS (`). So all that
 * stands in quotes, and all that stands for a descriptor in `<>`, is taken out, from left to right, before anything is
 * looked for; strace escapes quotes, `<` and `>` inside of them.
 */

/** An argument: in quotes, a descriptor with the path that it stands for, or anything else. */
export type Argument =
  | Readonly<{ kind: 'text'; bytes: Buffer }>
  | Readonly<{ kind: 'folder'; path: string; isWorkingFolder: boolean }>
  | Readonly<{ kind: 'word'; word: string }>

export type Call = Readonly<{
  pid: string
  name: string
  arguments: readonly Argument[]
  /** `ENOENT`; undefined for a call that did what it was asked for. */
  error: string | undefined
  /** The path of the descriptor that came of it. */
  opened: string | undefined
}>

const taken = /"((?:[^"\\]|\\.)*)"|<((?:[^<>\\]|\\.)*)>/g
const whole = /^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(?:<(\d+)>)?(?: (E[A-Z0-9]+) .*)?$/
const begun = '<unfinished ...>'
const resumed = /^(\d+) +<\.\.\. (\w+) resumed>(.*)$/

/** One call after the other; a call that another thread interrupted is put together again. */
export function* callsIn(lines: Iterable<string>): Generator<Call> {
  const open = new Map<string, string>()
  for (const line of lines) {
    if (line.endsWith(begun)) {
      open.set(line.slice(0, line.indexOf(' ')), line.slice(0, -begun.length).trimEnd())
      continue
    }
    const [, pid = '', , rest = ''] = resumed.exec(line) ?? []
    const call = callOf(pid === '' ? line : (open.get(pid) ?? '') + rest)
    open.delete(pid)
    if (call !== undefined) yield call
  }
}

function callOf(line: string): Call | undefined {
  const held: string[] = []
  const skeleton = line.replace(taken, (_, quoted: string | undefined, described: string | undefined) => {
    held.push(quoted ?? described ?? '')
    return quoted === undefined ? `<${held.length - 1}>` : `"${held.length - 1}"`
  })
  const [, pid, name, inner = '', , opened, error] = whole.exec(skeleton) ?? []
  if (pid === undefined || name === undefined) return undefined
  const heldAt = (index: string): Buffer => unquote(held[Number(index)] ?? '')
  return {
    pid,
    name,
    arguments: inner.split(', ').map((text) => {
      const [, quoted] = /^"(\d+)"/.exec(text) ?? []
      if (quoted !== undefined) return { kind: 'text', bytes: heldAt(quoted) }
      const [, descriptor, described] = /^(AT_FDCWD|\d+)<(\d+)>$/.exec(text) ?? []
      return described === undefined
        ? { kind: 'word', word: text }
        : { kind: 'folder', path: heldAt(described).toString(), isWorkingFolder: descriptor === 'AT_FDCWD' }
    }),
    error,
    opened: opened === undefined ? undefined : heldAt(opened).toString(),
  }
}

/** C escapes as strace writes them: octal, hexadecimal and letters. @param text one character a byte */
export function unquote(text: string): Buffer {
  const letters: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, '\\': 92 }
  const bytes: number[] = []
  for (const [, octal, hex, letter, plain] of text.matchAll(/\\([0-7]{1,3})|\\x([0-9a-f]{2})|\\(.)|([^\\])/gs)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 255)
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else if (letter !== undefined) bytes.push(letters[letter] ?? letter.charCodeAt(0) & 255)
    else bytes.push((plain ?? '').charCodeAt(0) & 255)
  }
  return Buffer.from(bytes)
}
