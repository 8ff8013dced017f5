/**
 * Which tracked files and folders a stage opened, seen from outside the sandbox by inotify.
 *
 * The watch sees through bind mounts. A queue that overflows says nothing; fewer events than its length prove that it
 * did not. An own open of a sentinel at the end marks that the queue is drained.
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
  /** Undefined when the opens could not be observed whole. */
  finish(): Promise<OpenedPaths | undefined>
  close(): void
}>

const sentinelName = 'sentinel'
/** LIMIT: how long the last events may take to arrive; then the opens count as not observed. */
const drainMs = 5000

export function watchOpens(
  options: Readonly<{
    inotifywait: string
    setpriv: string
    box: BoxFolder
    view: string
    layout: Layout
    maxQueuedEvents: number
  }>,
): OpenWatch {
  const { box, view, layout } = options
  const sentinelFolder = makeFolder(join(box.path, 'watch'))
  const sentinel = join(sentinelFolder, sentinelName)
  writeFileSync(sentinel, '')
  const list = join(box.path, 'watched')
  const folders = [sentinelFolder, ...layout.watched.map((folder) => (folder === '.' ? view : join(view, folder)))]
  writeFileSync(list, `${folders.join('\n')}\n`)
  const args = ['-m', '-e', 'open', '--format', '%e|%w%f%0', '--no-newline', '--fromfile', list]
  const child = spawn(options.setpriv, ['--pdeathsig', 'KILL', options.inotifywait, ...args], {
    env: {},
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const events = collectEvents(child.stdout)
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
    async finish() {
      if (!isWatching || isOver) return undefined
      closeSync(openSync(sentinel, 'r'))
      for (let waitedMs = 0; !events.has(sentinel) && waitedMs < drainMs; waitedMs += 2) await sleep(2)
      if (!events.has(sentinel) || isOver || events.count() >= options.maxQueuedEvents) return undefined
      return openedOf(events.paths(), view)
    },
    close: () => {
      child.kill('SIGKILL')
    },
  }
}

type Events = Readonly<{ has(path: string): boolean; count(): number; paths(): ReadonlyMap<string, boolean> }>

function collectEvents(stream: Readable): Events {
  const seen = new Map<string, boolean>()
  let rest = ''
  let count = 0
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\0')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const bar = part.indexOf('|')
      count += 1
      seen.set(part.slice(bar + 1).replace(/\/$/, ''), part.slice(0, bar).includes('ISDIR'))
    }
  })
  return { has: (path) => seen.has(path), count: () => count, paths: () => seen }
}

function openedOf(paths: ReadonlyMap<string, boolean>, view: string): OpenedPaths {
  const files: string[] = []
  const folders: string[] = []
  for (const [path, isFolder] of paths) {
    if (path === view) folders.push('.')
    else if (path.startsWith(`${view}/`)) (isFolder ? folders : files).push(path.slice(view.length + 1))
  }
  return { files: files.sort(), folders: folders.sort() }
}
