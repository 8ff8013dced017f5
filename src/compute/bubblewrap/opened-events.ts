/**
 * What inotifywait tells while a stage runs, read to what the stage opened: pure.
 *
 * Own opens of files that nobody else can reach stand in the stream as marks: where the stage begins and ends, and around
 * each look of assay's own at a folder that the stage may write.
 */

/** Paths of the files that are opened as marks. */
export type Marks = Readonly<Record<'begin' | 'end' | 'looking' | 'looked', string>>

export type OpenedEvents = Readonly<{
  /** Takes text as it was printed: `EVENTS|PATH` and a zero byte for each. */
  read(text: string): void
  /** A look at this folder follows: its open is the first one between the marks. */
  expectLook(folder: string): void
  isOver(): boolean
  /** More may have been on their way at once than the kernel keeps. */
  mayBeLost(): boolean
  /** Events since the last mark that tells that none is lost. */
  sinceMark(): number
  /** What the stage opened, and whether it is a folder. */
  opened(): ReadonlyMap<string, boolean>
}>

/** @param maxQueued events that the kernel keeps for a reader; one more and it drops them */
export function readOpenedEvents(marks: Marks, maxQueued: number): OpenedEvents {
  const opened = new Map<string, boolean>()
  const looks: string[] = []
  let phase: 'before' | 'running' | 'over' = 'before'
  let lookedAt: string | undefined
  // INVARIANT: the last mark of a look, once read with no other on its way, leaves nothing older unread. So all that is unread
  // at any time came since the mark before the last: fewer than the kernel keeps, and it has dropped none.
  let sinceMarkBefore = 0
  let sinceMark = 0
  let mayBeLost = false
  const take = (path: string, isFolder: boolean): void => {
    sinceMark += 1
    mayBeLost ||= sinceMarkBefore + sinceMark >= maxQueued
    if (path === marks.begin) phase = 'running'
    else if (path === marks.end) phase = 'over'
    else if (path === marks.looking) lookedAt = looks.shift()
    else if (path === lookedAt) lookedAt = undefined
    else if (path === marks.looked) {
      lookedAt = undefined
      if (looks.length === 0) [sinceMarkBefore, sinceMark] = [sinceMark, 0]
    } else if (phase === 'running') opened.set(path, isFolder)
  }
  let rest = ''
  return {
    read: (text) => {
      const parts = (rest + text).split('\0')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const bar = part.indexOf('|')
        take(part.slice(bar + 1).replace(/\/$/, ''), part.slice(0, bar).includes('ISDIR'))
      }
    },
    expectLook: (folder) => looks.push(folder),
    isOver: () => phase === 'over',
    mayBeLost: () => mayBeLost,
    sinceMark: () => sinceMark,
    opened: () => opened,
  }
}
