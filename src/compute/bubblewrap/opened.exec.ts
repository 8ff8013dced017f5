/**
 * Which tracked files and folders a stage opened, seen from outside the sandbox by inotify.
 *
 * The watch sees through bind mounts. A queue that overflows says nothing; fewer unread events than its length prove that
 * it did not (`opened-events.ts`). Own opens of two files stand before and after the stage: what assay itself opens there
 * does not count, and the second marks that the queue is drained.
 *
 * The folder around an out is none of the view. It is watched from the folder above it, which tells that it was listed
 * and nothing of the files in it, however many the stage writes. assay looks through it too while the stage runs
 * (`written.fs.ts`), between own opens of two more files. LIMIT: a listing of the stage's in the
 * same moment can be taken for that one: the kernel makes one event of two that are alike and follow each other.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenedPaths } from '../sandbox.ts'
import { type BoxFolder, makeFolder } from './box-folder.fs.ts'
import type { Layout } from './layout.ts'
import { type Marks, readOpenedEvents } from './opened-events.ts'

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
/** How often it is asked whether a mark is due. */
const pulseMs = 250
/** A look at nothing. */
const nowhere = ''

type WatchOptions = Readonly<{
  inotifywait: string
  setpriv: string
  box: BoxFolder
  view: string
  /** Above the made scratch folders, and holds nothing else. */
  scratchPlace: string
  layout: Layout
  maxQueuedEvents: number
}>

export function watchOpens(options: WatchOptions): OpenWatch {
  const marks = makeMarks(makeFolder(join(options.box.path, 'watch')))
  const events = readOpenedEvents(marks, options.maxQueuedEvents)
  const watcher = startWatcher(options, dirname(marks.begin), events.read)
  const lookUnseen: OpenWatch['lookUnseen'] = (folder, look) => {
    if (watcher.state() !== 'watching') return look()
    openAndClose(marks.looking)
    events.expectLook(folder)
    try {
      return look()
    } finally {
      openAndClose(marks.looked)
    }
  }
  // A mark now and then tells that no event is lost, where a stage opens many files and makes none.
  const pulse = setInterval(() => {
    if (events.sinceMark() > options.maxQueuedEvents / 4) lookUnseen(nowhere, () => undefined)
  }, pulseMs).unref()
  return {
    ready: watcher.ready,
    begin: () => openAndClose(marks.begin),
    lookUnseen,
    async finish() {
      clearInterval(pulse)
      if (watcher.state() !== 'watching') return undefined
      openAndClose(marks.end)
      const overMs = performance.now() + drainMs
      while (!events.isOver() && watcher.state() === 'watching' && performance.now() < overMs) await sleep(2)
      return events.isOver() && !events.mayBeLost() ? openedOf(events.opened(), options) : undefined
    },
    close: () => {
      clearInterval(pulse)
      watcher.close()
    },
  }
}

function makeMarks(folder: string): Marks {
  const mark = (name: string): string => join(folder, name)
  const marks = { begin: mark('begin'), end: mark('end'), looking: mark('looking'), looked: mark('looked') }
  for (const path of Object.values(marks)) writeFileSync(path, '')
  return marks
}

type Watcher = Readonly<{
  /** It watches, or has ended. */
  ready: Promise<unknown>
  state(): 'starting' | 'watching' | 'over'
  close(): void
}>

function startWatcher(
  { inotifywait, setpriv, box, view, scratchPlace, layout }: WatchOptions,
  markFolder: string,
  onText: (text: string) => void,
): Watcher {
  const list = join(box.path, 'watched')
  const watched = layout.watched.map((folder) => (folder === '.' ? view : join(view, folder)))
  writeFileSync(list, `${[markFolder, scratchPlace, ...watched].join('\n')}\n`)
  const args = ['-m', '-e', 'open', '--format', '%e|%w%f%0', '--no-newline', '--fromfile', list]
  const child = spawn(setpriv, ['--pdeathsig', 'KILL', inotifywait, ...args], {
    env: {},
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.setEncoding('utf8').on('data', onText)
  let state: ReturnType<Watcher['state']> = 'starting'
  const ready = new Promise<void>((resolve) => {
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-4096)
      if (state !== 'starting' || !said.includes('Watches established.')) return
      state = 'watching'
      resolve()
    })
    const end = (): void => {
      state = 'over'
      resolve()
    }
    child.once('error', end).once('close', end)
  })
  return { ready, state: () => state, close: () => child.kill('SIGKILL') }
}

function openAndClose(path: string): void {
  closeSync(openSync(path, 'r'))
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
