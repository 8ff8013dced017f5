/**
 * stdout and stderr of a stage: one fifo, one log file, one live stream. In a shell stderr is a second such log, and
 * stdin a fifo too.
 *
 * A fifo that the stage's user owns, and not a pipe of Node's: those are sockets, and `echo > /dev/stdout` fails there.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { ioFault } from '../../data/index.ts'
import type { Finder, Leak } from '../secrets/index.ts'
import type { BoxFolder } from './box-folder.fs.ts'
import type { Fifo } from './supplies.exec.ts'

export type OutputLog = Readonly<{
  /** The write end, given to the stage; `handedOver` closes ours. */
  writeEnd: number
  handedOver(): void
  /** When every writer is gone and all is in the log. @throws ERR_DISK_FULL, ERR_IO when it could not be written */
  finished: Promise<void>
  sizeBytes(): number
  isOverLimit(): boolean
  /** Secrets and other credentials that stood in it. */
  secrets(): readonly Leak[]
  /** The log's last bytes. */
  readEnd(maxBytes: number): Buffer
  /** Open for reading from its start. */
  fd: number
  close(): void
}>

/** A promise holds the stage back until its reader is ready for more. */
export type OnOutput = (chunk: Buffer) => void | Promise<void>

/** LIMIT: a log of a stage has at most 256 MiB; a stage that writes more is ended. */
export const maxLogBytes = 256 * 1024 * 1024
/** LIMIT: of a shell's output, enough to say why it could not be set up. */
const shellLogBytes = 64 * 1024

export function openOutputLog(
  box: BoxFolder,
  options: Readonly<{
    /** Of the file in the box's folder. */
    name: 'log' | 'errors'
    /** Its ends are closed here and by `handedOver`. */
    fifo: Fifo
    onOutput: OnOutput
    /** What is kept and told goes through it. */
    finder?: Finder
    /** The stage is to be ended. Left out: only the first bytes are kept, and the stage goes on. */
    onOverLimit?(): void
  }>,
): OutputLog {
  const { readEnd, writeEnd } = options.fifo
  const fd = openSync(join(box.path, options.name), 'wx+', 0o600)
  const { onOverLimit } = options
  let sizeBytes = 0
  let isOver = false
  let fault: unknown
  const { finder } = options
  const take = (chunk: Buffer): void => keep(finder === undefined ? chunk : finder.push(chunk))
  const keep = (chunk: Buffer): void => {
    if (chunk.length === 0) return
    if (isOver || fault !== undefined) return
    const rest = onOverLimit === undefined ? chunk.subarray(0, Math.max(0, shellLogBytes - sizeBytes)) : chunk
    if (sizeBytes + rest.length > maxLogBytes) {
      isOver = true
      onOverLimit?.()
      return
    }
    try {
      for (let done = 0; done < rest.length; ) done += writeSync(fd, rest, done)
    } catch (error) {
      fault = ioFault(error, 'the log of the stage')
      onOverLimit?.()
      return
    }
    sizeBytes += rest.length
    const busy = options.onOutput(chunk)
    if (!(busy instanceof Promise)) return
    socket.pause()
    void busy.finally(() => socket.resume())
  }
  const socket = new Socket({ fd: readEnd, readable: true, writable: false })
  socket.on('data', take)
  const finished = new Promise<void>((resolve, reject) => {
    socket.once('error', reject).once('close', () => {
      if (finder !== undefined) keep(finder.end())
      if (fault === undefined) resolve()
      else reject(fault)
    })
  })
  finished.catch(() => undefined) // whoever waits for it is told
  return {
    writeEnd,
    handedOver: () => closeSync(writeEnd),
    finished,
    sizeBytes: () => sizeBytes,
    isOverLimit: () => isOver,
    secrets: () => finder?.found() ?? [],
    readEnd: (maxBytes) => readAt(fd, Math.max(0, sizeBytes - maxBytes), Math.min(sizeBytes, maxBytes)),
    fd,
    close: () => {
      socket.destroy()
      closeSync(fd)
    },
  }
}

export type StageInput = Readonly<{
  /** Given to the stage as 0; `handedOver` closes ours. */
  readEnd: number
  handedOver(): void
  writer: Socket
}>

/** stdin of a stage that is given one, never a descriptor of the caller's. */
export function openStageInput(ends: Fifo): StageInput {
  // ours does not block, theirs does: each is an open file of its own
  const readEnd = openSync(`/proc/self/fd/${ends.readEnd}`, constants.O_RDONLY)
  closeSync(ends.readEnd)
  const writer = new Socket({ fd: ends.writeEnd, readable: false, writable: true })
  writer.on('error', () => writer.destroy()) // a stage that reads no more; its end tells
  return { readEnd, handedOver: () => closeSync(readEnd), writer }
}

function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length)
  return buffer.subarray(0, readSync(fd, buffer, 0, length, position))
}
