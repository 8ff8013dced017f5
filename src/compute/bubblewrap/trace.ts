/**
 * What strace saw of a stage: where it wanted to connect, which names it looked up, what it did with files. Pure.
 *
 * Trust: hostile; a stage chooses what strace prints. Destinations are short, plain words. Read next: `trace-files.ts`.
 */
import { join } from 'node:path/posix'
import type { FileTrace } from '../sandbox.ts'
import { projectFolder } from './recipe.ts'
import { callsIn, unquote } from './trace-calls.ts'
import { gatherFiles } from './trace-files.ts'

export type Trace = Readonly<{
  /** `example.org` for a look-up, `198.51.100.7:443` and `[2001:db8::1]:443` for an attempt; in order, each once. */
  destinations: readonly string[]
  files: FileTrace
}>

/** LIMIT: destinations that are kept. */
const maxDestinations = 200

const inet = /sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("([0-9.]+)"\)/
const inet6 = /sa_family=AF_INET6, sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([0-9a-fA-F:.]+)"/
const payload = /(?:sendto\(\d+(?:<[^>]*>)?, |iov_base=)"((?:[^"\\]|\\.)*)"/g

/**
 * @param text what strace wrote, one character a byte
 * @param isCut whether it wrote more than that
 */
export function parseTrace(text: string, workingDirectory: string, isCut = false): Trace {
  const destinations = new Set<string>()
  const gathered = gatherFiles(join(projectFolder, workingDirectory, '.'))
  const lines = text.split('\n')
  for (const line of lines)
    for (const found of destinationsOf(line)) if (destinations.size < maxDestinations) destinations.add(found)
  for (const call of callsIn(lines)) gathered.add(call)
  return { destinations: [...destinations], files: gathered.files(!isCut) }
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
