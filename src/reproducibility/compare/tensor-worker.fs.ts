/** The worker that measures parts of tensors: it reads two files and answers with counts. */
import { closeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { openPair } from './file-pair.fs.ts'
import type { Tally } from './tally.ts'
import { measureSlice, type Slice } from './tensor-slice.fs.ts'
import { Unreadable } from './unreadable.ts'

export type TensorWork = Readonly<{ left: string; right: string }>
export type TensorReply = Readonly<{ kind: 'measured'; tally: Tally } | { kind: 'unreadable'; because: string }>

const { left, right } = workerData as TensorWork // posted by measure-tensors.fs.ts
const files = openPair(left, right)
process.once('exit', () => {
  closeSync(files.left.fd)
  closeSync(files.right.fd)
})

parentPort?.on('message', (slice: Slice) => parentPort?.postMessage(answer(slice)))

function answer(slice: Slice): TensorReply {
  try {
    return { kind: 'measured', tally: measureSlice(files.left, files.right, slice) }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { kind: 'unreadable', because: error.message }
  }
}
