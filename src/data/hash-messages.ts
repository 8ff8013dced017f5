/**
 * Files on their way to a worker and outcomes on their way back, each batch as one text.
 *
 * Objects are cloned one by one between threads, which costs more than hashing a small file; a text costs nothing.
 * NUL parts the fields, since no path and no number can hold it.
 */
import { isMd5 } from '../core/index.ts'
import type { HashOutcome } from './hash-file.fs.ts'

const fields = 7

/** Paths and open descriptors. */
export function encodeFiles(files: readonly (string | number)[]): string {
  return files.map((file) => (typeof file === 'number' ? `d${file}` : `p${file}`)).join('\0')
}

export function decodeFiles(text: string): readonly (string | number)[] {
  if (text === '') return []
  return text.split('\0').map((file) => (file.startsWith('d') ? Number(file.slice(1)) : file.slice(1)))
}

export function encodeOutcomes(outcomes: readonly HashOutcome[]): string {
  return outcomes
    .map((outcome) => {
      if (outcome.kind !== 'hashed') return `${outcome.kind}\0\0\0\0\0\0`
      const { digest, sizeBytes, executable, stat, temp = '', md5 = '' } = outcome
      return `hashed\0${digest}\0${sizeBytes}\0${executable ? 'x' : ''}\0${stat}\0${temp}\0${md5}`
    })
    .join('\0')
}

export function decodeOutcomes(text: string): readonly HashOutcome[] {
  if (text === '') return []
  const parts = text.split('\0')
  if (parts.length % fields !== 0) throw new Error('a hash worker answered in fragments')
  const outcomes: HashOutcome[] = []
  for (let at = 0; at < parts.length; at += fields) outcomes.push(decodeOne(parts, at))
  return outcomes
}

function decodeOne(parts: readonly string[], at: number): HashOutcome {
  const kind = parts[at]
  if (kind === 'missing' || kind === 'not-plain' || kind === 'changed') return { kind }
  if (kind !== 'hashed') throw new Error(`a hash worker answered \`${kind}\``)
  const [digest = '', sizeBytes, x, stat = ''] = [parts[at + 1], parts[at + 2], parts[at + 3], parts[at + 4]]
  const [temp = '', md5 = ''] = [parts[at + 5], parts[at + 6]]
  const found = { kind, digest, sizeBytes: Number(sizeBytes), executable: x === 'x', stat } as const
  if (temp === '' && md5 === '') return found
  return { ...found, ...(temp === '' ? {} : { temp }), ...(isMd5(md5) ? { md5 } : {}) }
}
