/** Two open files, read side by side in chunks, so that files of any size take the same memory. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { Unreadable } from './unreadable.ts'

export type OpenFile = Readonly<{ path: string; fd: number; sizeBytes: number }>
export type FilePair = Readonly<{ left: OpenFile; right: OpenFile; [Symbol.dispose](): void }>

export const chunkBytes = 4 * 1024 * 1024

export function openPair(left: string, right: string): FilePair {
  const first = openFile(left)
  try {
    const second = openFile(right)
    return {
      left: first,
      right: second,
      [Symbol.dispose]: () => {
        closeSync(first.fd)
        closeSync(second.fd)
      },
    }
  } catch (error) {
    closeSync(first.fd)
    throw error
  }
}

/** The caller closes `fd`. */
export function openFile(path: string): OpenFile {
  const fd = openSync(path, 'r')
  return { path, fd, sizeBytes: fstatSync(fd).size }
}

/** Lets the event loop turn, so that whoever wants to stop can say so. @throws the signal's reason */
export async function pause(signal: AbortSignal): Promise<void> {
  await setImmediate()
  signal.throwIfAborted()
}

/** Up to `buffer.length` bytes from `position`; fewer at the end of the file. */
export function readUpTo(fd: number, buffer: Uint8Array, position: number): number {
  let length = 0
  while (length < buffer.length) {
    const read = readSync(fd, buffer, length, buffer.length - length, position + length)
    if (read === 0) break
    length += read
  }
  return length
}

/** Exactly `length` bytes. @throws Unreadable when the file ends before */
export function readExactly(file: OpenFile, position: number, length: number): Buffer {
  if (position + length > file.sizeBytes)
    throw new Unreadable(`ends early: it has ${file.sizeBytes} bytes of at least ${position + length}`)
  const buffer = Buffer.allocUnsafe(length)
  if (readUpTo(file.fd, buffer, position) !== length) throw new Unreadable('became shorter while it was read')
  return buffer
}

/** How many bytes at the beginning are the same; the length of both when the files are. */
export async function commonBytes({ left, right }: FilePair, signal: AbortSignal): Promise<number> {
  const [one, other] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)]
  for (let position = 0; ; position += chunkBytes) {
    const length = readUpTo(left.fd, one, position)
    const otherLength = readUpTo(right.fd, other, position)
    const [a, b] = [one.subarray(0, length), other.subarray(0, otherLength)]
    if (!a.equals(b)) return position + commonLength(a, b)
    if (length < chunkBytes) return position + length
    await pause(signal)
  }
}

function commonLength(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length)
  let at = 0
  while (at < shorter && a[at] === b[at]) at += 1
  return at
}
