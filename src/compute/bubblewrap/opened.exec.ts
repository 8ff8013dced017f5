/**
 * Which tracked files and folders a stage opened, seen from outside the sandbox by inotify.
 *
 * The watch sees through bind mounts. A queue that overflows says nothing; fewer unread events than its length prove that
 * it did not. Own opens of two files stand before and after the stage: what assay itself opens there does not count, and
 * the second marks that the queue is drained.
 *
 * The folder around an out is none of the view. It is watched from the folder above it, which tells that it was listed
 * and nothing of the files in it, however many the stage writes. assay looks through it too while the stage runs
 * (`written.fs.ts`), between own opens of two more files. LIMIT: a listing of the stage's in the same hundred
 * microseconds can be taken for that one: the kernel makes one event of two that are alike and follow each other.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenedPaths } from '../sandbox.ts'
import { type BoxFolder, makeFolder } from './box-folder.fs.ts'
import type { Layout } from './layout.ts'

export type OpenWatch = Readonly<{
  ready: Promise<unknown>
  /** What was opened before is not the stage's. */
  begin(): void
  /** Looks through a folder without its counting as a look of the stage's. */
  lookUnseen<T>(folder: string, look: () => T): T
  /** Undefined when the opens could not be observed whole. What is opened after the call is not the stage's. */
  finish(): Promise<OpenedPaths | undefined>
  close(): void
}>

/** LIMIT: how long the last events may take to arrive; then the opens count as not observed. */
const drainMs = 30_000

export function watchOpens(
  options: Readonly<{
    inotifywait: string
    setpriv: string
    box: BoxFolder
    view: string
    /** Above the made scratch folders, and holds nothing else. */
    scratchPlace: string
    layout: Layout
    maxQueuedEvents: number
  }>,
): OpenWatch {
  const { box, view, scratchPlace, layout } = options
  const sentinelFolder = makeFolder(join(box.path, 'watch'))
  const mark = (name: string): string => join(sentinelFolder, name)
  const marks = { begin: mark('begin'), end: mark('end'), looking: mark('looking'), looked: mark('looked') }
  for (const path of Object.values(marks)) writeFileSync(path, '')
  const list = join(box.path, 'watched')
  const folders = [
    sentinelFolder,
    scratchPlace,
    ...layout.watched.map((folder) => (folder === '.' ? view : join(view, folder))),
  ]
  writeFileSync(list, `${folders.join('\n')}\n`)
  const args = ['-m', '-e', 'open', '--format', '%e|%w%f%0', '--no-newline', '--fromfile', list]
  const child = spawn(options.setpriv, ['--pdeathsig', 'KILL', options.inotifywait, ...args], {
    env: {},
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const events = collectEvents(child.stdout, marks, options.maxQueuedEvents)
  let isWatching = false
  let isOver = false
  const ready = new Promise<void>((resolve) => {
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-4096)
      isWatching ||= said.includes('Watches established.')
      if (isWatching) resolve()
    })
    const end = (): void => {
      isOver = true
      resolve()
    }
    child.once('error', end).once('close', end)
  })
  return {
    ready,
    begin: () => openAndClose(marks.begin),
    lookUnseen(folder, look) {
      if (!isWatching) return look()
      events.expectLook(folder)
      openAndClose(marks.looking)
      try {
        return look()
      } finally {
        openAndClose(marks.looked)
      }
    },
    async finish() {
      if (!isWatching || isOver) return undefined
      openAndClose(marks.end)
      const overMs = performance.now() + drainMs
      while (!events.isDrained() && !isOver && performance.now() < overMs) await sleep(2)
      if (!events.isDrained() || isOver || events.mayBeLost()) return undefined
      return openedOf(events.paths(), options)
    },
    close: () => {
      child.kill('SIGKILL')
    },
  }
}

function openAndClose(path: string): void {
  closeSync(openSync(path, 'r'))
}

type Events = Readonly<{
  /** An own look at this folder follows: its open is the first one between the marks. */
  expectLook(folder: string): void
  isDrained(): boolean
  mayBeLost(): boolean
  paths(): ReadonlyMap<string, boolean>
}>

/** What inotifywait prints, `EVENTS|PATH` and a zero byte for each, read to what the stage opened. */
export function collectEvents(
  stream: Readable,
  marks: Readonly<Record<'begin' | 'end' | 'looking' | 'looked', string>>,
  maxQueuedEvents: number,
): Events {
  const seen = new Map<string, boolean>()
  const looks: string[] = []
  let lookedAt: string | undefined
  // Once no mark is on its way, nothing older is unread: so no more is unread at any time than came since the mark before.
  let countBefore = 0
  let count = 0
  let isOverLong = false
  const take = (path: string, isFolder: boolean): void => {
    count += 1
    isOverLong ||= countBefore + count >= maxQueuedEvents
    if (path === marks.begin) seen.clear()
    if (path === marks.looking) lookedAt = looks.shift()
    else if (path === lookedAt) lookedAt = undefined
    else if (path === marks.looked) {
      lookedAt = undefined
      if (looks.length === 0) [countBefore, count] = [count, 0]
    } else if (!seen.has(marks.end)) seen.set(path, isFolder)
  }
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\0')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const bar = part.indexOf('|')
      take(part.slice(bar + 1).replace(/\/$/, ''), part.slice(0, bar).includes('ISDIR'))
    }
  })
  return {
    expectLook: (folder) => looks.push(folder),
    isDrained: () => seen.has(marks.end),
    mayBeLost: () => isOverLong,
    paths: () => seen,
  }
}

function openedOf(
  paths: ReadonlyMap<string, boolean>,
  { view, scratchPlace, layout }: Readonly<{ view: string; scratchPlace: string; layout: Layout }>,
): OpenedPaths {
  const files: string[] = []
  const folders = new Set<string>()
  const scratches = new Map(layout.scratches.map(({ folder }, index) => [join(scratchPlace, `${index}`), folder]))
  for (const [path, isFolder] of paths) {
    const scratch = path === view ? '.' : scratches.get(path)
    if (scratch !== undefined) folders.add(scratch)
    else if (path.startsWith(`${view}/`)) {
      const inside = path.slice(view.length + 1)
      if (isFolder) folders.add(inside)
      else files.push(inside)
    }
  }
  return { files: files.sort(), folders: [...folders].sort() }
}
