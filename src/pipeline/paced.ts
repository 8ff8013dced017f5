/**
 * Writes that grow with what is written, paced: at most a tenth of the time is spent on them.
 *
 * A small run is written at once, each time; of a large one what is on disk lags behind by ten times as long as one
 * write takes. Whoever is killed meanwhile loses no more than that.
 */

export type Paced = Disposable &
  Readonly<{
    /** Now, or when it is due. @throws what an earlier write threw */
    soon(): void
    /** What is not written yet. @throws what it throws */
    now(): void
    /** Leaves what is not written yet unwritten: something later stands in its place. */
    [Symbol.dispose](): void
  }>

const share = 10

export function paced(write: () => void): Paced {
  let isPending = false
  let dueMs = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let fault: unknown
  const now = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (fault !== undefined) throw fault
    if (!isPending) return
    isPending = false
    const startedMs = performance.now()
    write()
    const endedMs = performance.now()
    dueMs = endedMs + (share - 1) * (endedMs - startedMs)
  }
  const later = (): void => {
    try {
      now()
    } catch (error) {
      fault = error // nobody waits for a timer: told at the next call
    }
  }
  return {
    now,
    soon: () => {
      isPending = true
      const waitMs = dueMs - performance.now()
      if (waitMs <= 0 || fault !== undefined) now()
      else timer ??= setTimeout(later, waitMs)
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      isPending = false
    },
  }
}
