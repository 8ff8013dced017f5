/**
 * What strace saw of a stage: where it wanted to connect, which names it looked up, which files it did not find. Pure.
 *
 * Trust: hostile; a stage chooses what strace prints. Only short, plain words leave this file.
 */
import { join } from 'node:path/posix'
import { projectFolder } from './recipe.ts'

export type Trace = Readonly<{
  /** `example.org` for a look-up, `198.51.100.7:443` and `[2001:db8::1]:443` for an attempt; in order, each once. */
  destinations: readonly string[]
  /** Project paths that were asked for and not there. */
  missing: readonly string[]
}>

/** LIMIT: destinations and missing paths that are kept. */
const maxDestinations = 200
const maxMissing = 10_000

const inet = /sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("([0-9.]+)"\)/
const inet6 = /sa_family=AF_INET6, sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([0-9a-fA-F:.]+)"/
const payload = /(?:sendto\(\d+, |iov_base=)"((?:[^"\\]|\\.)*)"/g
const asked = /^\d+ +\w+\((?:AT_FDCWD, |\d+, )?"((?:[^"\\]|\\.)*)".* = -1 ENOENT/

export function parseTrace(text: string, workingDirectory: string): Trace {
  const destinations = new Set<string>()
  const missing = new Set<string>()
  for (const line of text.split('\n')) {
    for (const found of destinationsOf(line)) if (destinations.size < maxDestinations) destinations.add(found)
    const path = missingIn(line, workingDirectory)
    if (path !== undefined && missing.size < maxMissing) missing.add(path)
  }
  return { destinations: [...destinations], missing: [...missing] }
}

function destinationsOf(line: string): readonly string[] {
  if (!/^\d+ +(?:connect|sendto|sendmmsg)\(/.test(line)) return []
  const names = [...line.matchAll(payload)].flatMap(([, quoted]) => {
    const name = questionOf(unquote(quoted ?? ''))
    return name === undefined ? [] : [name]
  })
  const four = inet.exec(line)
  const six = inet6.exec(line)
  if (four !== null && isOutside(four[2] ?? '')) names.push(`${four[2]}:${four[1]}`)
  if (six !== null && six[2] !== '::1') names.push(`[${six[2]}]:${six[1]}`)
  return names
}

/** Loopback stays inside; port 0 is how a library asks for its own address. */
function isOutside(address: string): boolean {
  return !address.startsWith('127.') && address !== '0.0.0.0'
}

function missingIn(line: string, workingDirectory: string): string | undefined {
  const quoted = asked.exec(line)?.[1]
  if (quoted === undefined) return undefined
  const path = join(projectFolder, workingDirectory, '.')
  const full = quoted.startsWith('/') ? join('/', quoted) : join(path, quoted)
  return full.startsWith(`${projectFolder}/`) ? full.slice(projectFolder.length + 1) : undefined
}

/** C escapes as strace writes them: octal, hexadecimal and letters. */
function unquote(text: string): Buffer {
  const letters: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, '\\': 92 }
  const bytes: number[] = []
  for (const [, octal, hex, letter, plain] of text.matchAll(/\\([0-7]{1,3})|\\x([0-9a-f]{2})|\\(.)|([^\\])/gs)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 255)
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else if (letter !== undefined) bytes.push(letters[letter] ?? 0)
    else bytes.push((plain ?? '').charCodeAt(0) & 255)
  }
  return Buffer.from(bytes)
}

/** The name in the first question of a DNS query. SOURCE: RFC 1035, 4.1.1 and 4.1.2. */
function questionOf(message: Buffer): string | undefined {
  const header = 12
  if (message.length < header + 5 || message.readUInt16BE(4) !== 1 || (message[2] ?? 0) & 0x80) return undefined
  const labels: string[] = []
  let at = header
  for (let length = message[at] ?? 0; length > 0 && labels.length < 32; length = message[at] ?? 0) {
    const label = message.toString('latin1', at + 1, at + 1 + length)
    if (length > 63 || !/^[\w-]+$/.test(label)) return undefined
    labels.push(label)
    at += 1 + length
  }
  return labels.length === 0 ? undefined : labels.join('.').slice(0, 253)
}
