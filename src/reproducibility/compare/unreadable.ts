/** Why a file is not what its format asks for: becomes the verdict `incomparable`, and never leaves this folder. */

/** @param message a predicate, after the file as subject: `ends before its header does` */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}

/** Runs `read` on both sides, so that the sentence says which of them it was. */
export function readBoth<T>(read: (side: 'left' | 'right') => T): Readonly<{ left: T; right: T }> {
  return { left: readOne('first', () => read('left')), right: readOne('second', () => read('right')) }
}

function readOne<T>(which: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw new Unreadable(`the ${which} file ${error.message}`)
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
    if (!(error instanceof Unreadable)) throw error
    throw new Unreadable(`the ${which} file ${error.message}`)
  }
}
