/** Whether a file of JSON Lines is within what the engine reads: it reads longer lines by chance, and of deep ones it dies. */
import { closeSync, openSync, readSync } from 'node:fs'

/** LIMIT: of one object. */
const maxLineBytes = 16 * 1024 * 1024
const maxLevels = 1000
const chunkBytes = 1024 * 1024

type Line = { number: number; bytes: number; levels: number; isText: boolean; isEscaped: boolean }

/** Why it is refused, with the line. @param path a plain file */
export function overLimits(path: string): string | undefined {
  const fd = openSync(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes)
    const line: Line = { number: 1, bytes: 0, levels: 0, isText: false, isEscaped: false }
    for (;;) {
      const chunk = buffer.subarray(0, readSync(fd, buffer))
      if (chunk.length === 0) return undefined
      const fault = faultIn(chunk, line)
      if (fault !== undefined) return `line ${line.number} ${fault}`
    }
  } finally {
    closeSync(fd)
  }
}

function faultIn(chunk: Buffer, line: Line): string | undefined {
  for (let from = 0; from < chunk.length; ) {
    const found = chunk.indexOf(0x0a, from)
    const to = found < 0 ? chunk.length : found
    const isShort = line.bytes === 0 && found >= 0 && to - from <= maxLevels
    line.bytes += to - from
    if (line.bytes > maxLineBytes) return `has more than ${maxLineBytes} bytes`
    if (!isShort && isTooDeep(chunk.subarray(from, to), line)) return `is nested more than ${maxLevels} levels deep`
    if (found >= 0)
      Object.assign(line, { number: line.number + 1, bytes: 0, levels: 0, isText: false, isEscaped: false })
    from = to + 1
  }
  return undefined
}

const [quote, backslash] = [0x22, 0x5c]
const steps = new Int8Array(256)
for (const open of Buffer.from('{[')) steps[open] = 1
for (const close of Buffer.from('}]')) steps[close] = -1

function isTooDeep(part: Buffer, line: Line): boolean {
  let { levels, isText, isEscaped } = line
  for (const byte of part) {
    if (isEscaped) isEscaped = false
    else if (byte === quote) isText = !isText
    else if (isText) isEscaped = byte === backslash
    else levels += steps[byte] ?? 0
    if (levels > maxLevels) return true
  }
  Object.assign(line, { levels, isText, isEscaped })
  return false
}
