/** Files that nothing better is known of: which bytes differ. */
import type { Compared } from './compared.ts'
import { chunkBytes, type FilePair, pause, readUpTo } from './file-pair.fs.ts'
import { share } from './words.ts'

export type Answer = Pick<Compared, 'verdict' | 'detail' | 'unmeasured' | 'measures'>

/** @param common bytes at the beginning that are the same */
export async function compareBytes(pair: FilePair, common: number, signal: AbortSignal): Promise<Answer> {
  const { left, right } = pair
  const shorter = Math.min(left.sizeBytes, right.sizeBytes)
  const first = `the first that differs is byte ${common}`
  const differing = await countDiffering(pair, common, signal)
  if (left.sizeBytes === right.sizeBytes) return diverged(`${share(differing, shorter, 'byte')}; ${first}`)
  const sizes = `the first file has ${left.sizeBytes} bytes, the second ${right.sizeBytes}`
  if (differing === 0) return diverged(`${sizes}; the shorter one is the beginning of the longer one`)
  return diverged(`${sizes}; ${first}`)
}

function diverged(detail: string): Answer {
  return { verdict: 'diverged', detail, unmeasured: 1, measures: [] }
}

async function countDiffering({ left, right }: FilePair, from: number, signal: AbortSignal): Promise<number> {
  const [one, other] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)]
  let count = 0
  for (let position = from; ; position += chunkBytes) {
    const length = Math.min(readUpTo(left.fd, one, position), readUpTo(right.fd, other, position))
    if (one.compare(other, 0, length, 0, length) !== 0)
      for (let at = 0; at < length; at += 1) if (one[at] !== other[at]) count += 1
    if (length < chunkBytes) return count
    await pause(signal)
  }
}
