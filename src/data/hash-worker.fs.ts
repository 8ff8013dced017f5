/** The worker: digests the files that it is told, one batch after the other. `hash-files.fs.ts` starts it. */
import { parentPort } from 'node:worker_threads'
import { DomainError, type ErrorCode } from '../core/index.ts'
import { type HashJob, type HashOutcome, hashFile } from './hash-file.fs.ts'
import { decodeFiles, encodeOutcomes } from './hash-messages.ts'
import { ioFault } from './io-fault.ts'

export type HashRequest = Readonly<{ job: HashJob; files: string }>
export type HashReply =
  | Readonly<{ kind: 'done'; outcomes: string }>
  // What a thread can hand over of an error: a DomainError loses its class on the way.
  | Readonly<{ kind: 'fault'; code: ErrorCode | undefined; message: string; outcomes: string }>

parentPort?.on('message', (request: HashRequest) => parentPort?.postMessage(replyTo(request)))

function replyTo({ job, files }: HashRequest): HashReply {
  const outcomes: HashOutcome[] = []
  for (const file of decodeFiles(files)) {
    try {
      outcomes.push(hashFile(file, job))
    } catch (error) {
      const fault = ioFault(error, String(file))
      const message = fault instanceof Error ? fault.message : String(fault)
      return {
        kind: 'fault',
        code: fault instanceof DomainError ? fault.code : undefined,
        message,
        outcomes: encodeOutcomes(outcomes),
      }
    }
  }
  return { kind: 'done', outcomes: encodeOutcomes(outcomes) }
}
