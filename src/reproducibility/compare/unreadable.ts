/** Why a file is not what its format asks for: becomes the verdict `incomparable`, and never leaves this folder. */
import { isUtf8 } from 'node:buffer'

/** @param message a predicate, after the file as subject: `ends before its header does` */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}

/** THREAT: replacement characters would make one text of two. @throws Unreadable */
export function utf8Of(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new Unreadable('has a name that is not UTF-8')
  return Buffer.from(bytes).toString('utf8')
}

/** Runs `read` on both sides, so that the sentence says which of them it was. */
export function readBoth<T>(read: (side: 'left' | 'right') => T): Readonly<{ left: T; right: T }> {
  return { left: readOne('first', () => read('left')), right: readOne('second', () => read('right')) }
}

function readOne<T>(which: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw saidOf(which, error)
  }
}

/** The same for what takes a while. */
export async function readBothLater<T>(
  read: (side: 'left' | 'right') => Promise<T>,
): Promise<Readonly<{ left: T; right: T }>> {
  return { left: await readLater('first', () => read('left')), right: await readLater('second', () => read('right')) }
}

/** @param which `first` or `second` */
export async function readLater<T>(which: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw saidOf(which, error)
  }
}

function saidOf(which: string, error: unknown): unknown {
  return error instanceof Unreadable ? new Unreadable(`the ${which} file ${error.message}`) : error
}
