/**
 * Outcomes on their way from a worker, as one text.
 *
 * Objects are cloned one by one between threads, which costs more than hashing a small file; a text costs nothing.
 * NUL parts the fields, since no path and no number can hold it.
 */
import { isMd5 } from '../core/index.ts'
import type { HashOutcome } from './hash-file.fs.ts'

const fields = 7

export function encodeOutcomes(outcomes: readonly HashOutcome[]): string {
  return outcomes
    .map((outcome) => {
      if (outcome.kind !== 'hashed') return [outcome.kind, '', '', '', '', '', ''].join('\0')
      const { digest, sizeBytes, executable, stat, temp = '', md5 = '' } = outcome
      return ['hashed', digest, sizeBytes, executable ? 'x' : '', stat, temp, md5].join('\0')
    })
    .join('\0')
}

export function decodeOutcomes(text: string): readonly HashOutcome[] {
  if (text === '') return []
  const parts = text.split('\0')
  if (parts.length % fields !== 0) throw new Error('a hash worker answered in fragments')
  return Array.from({ length: parts.length / fields }, (_, index) =>
    decodeOne(parts.slice(index * fields, (index + 1) * fields)),
  )
}

function decodeOne([
  kind,
  digest = '',
  sizeBytes = '',
  executable,
  stat = '',
  temp = '',
  md5 = '',
]: readonly string[]): HashOutcome {
  if (kind === 'missing' || kind === 'not-plain' || kind === 'changed') return { kind }
  if (kind !== 'hashed') throw new Error(`a hash worker answered \`${kind}\``)
  const found = { kind, digest, sizeBytes: Number(sizeBytes), executable: executable === 'x', stat } as const
  return { ...found, ...(temp === '' ? {} : { temp }), ...(isMd5(md5) ? { md5 } : {}) }
}
