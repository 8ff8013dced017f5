/**
 * Sees every file that this process looks at, so that a later process can tell that none of them has changed.
 *
 * INVARIANT: complete by construction. Each function of `node:fs` is listed here as a look, a write, or harmless; one that
 * is not listed, a process, a worker or a connection makes the observation worthless, which costs time and nothing else.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { PathLike } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Look, type LookKind, lookAt } from './look.fs.ts'

export type Observation = Readonly<{
  /** What was looked at, by `<kind><absolute path>`; undefined when something happened that no look can show. */
  end(): ReadonlyMap<string, Look> | undefined
}>

type FileFunction = (...given: unknown[]) => unknown

/** On a descriptor: what it stands for was looked at when it was opened. Constructors and tables do nothing. */
const harmless =
  /^(f[a-z]+Sync|close(Sync)?|f(stat|sync|datasync|truncate|chmod|chown|utimes)|readv?(Sync)?|writev?(Sync)?|_toUnixTimestamp|[A-Z].*)$/
const looks: Readonly<Record<string, LookKind>> = {
  lstatSync: 'entry',
  statSync: 'entry',
  existsSync: 'entry',
  accessSync: 'entry',
  readlinkSync: 'entry',
  readFileSync: 'entry',
  readdirSync: 'list',
  opendirSync: 'list',
  realpathSync: 'real',
}
/** How many of the first arguments are paths. */
const writes: Readonly<Record<string, number>> = {
  appendFileSync: 1,
  chmodSync: 1,
  linkSync: 2,
  mkdtempSync: 1,
  renameSync: 2,
  rmSync: 1,
  rmdirSync: 1,
  unlinkSync: 1,
  utimesSync: 1,
  writeFileSync: 1,
}

/** What a run that finds nothing to do writes all the same; nothing there decides what a later one does. */
const bookkeeping =
  /\/\.assay\/(run\.lock|objects\/holds\/|tmp\/|tmp$|runs\/|boxes\/|cache\/)|^\/((var\/)?tmp|dev\/shm)\/assay-[0-9a-f]{32}(\/|$)/
/** Lists of what other processes of assay hold or have left behind: looked through to tidy up. */
const housekeeping = /^list (.*\/\.assay(\/runs|\/objects\/holds)?|\/tmp|\/var\/tmp|\/dev\/shm)$/
/** A project whose own list of files that would be. */
const ownTemporary = /^entry \/((var\/)?tmp|dev\/shm)\/\.assay$/
/** Facts of this process and of the machine's moment, which no file keeps. */
const passing = /^\/proc\/(self|thread-self|\d+)\//

const eventChannels = ['child_process', 'net.client.socket', 'worker_threads']

/** Puts itself between the tool and `node:fs`, until the observation ends. */
export function observeFiles(): Observation {
  const seen = new Map<string, Look>()
  let spoilt = false
  const spoil = (): void => {
    spoilt = true
    seen.clear()
  }
  const look = (kind: LookKind, path: string): void => {
    if (spoilt || passing.test(path) || bookkeeping.test(path)) return
    const key = `${kind} ${path}`
    if (!(seen.has(key) || housekeeping.test(key))) seen.set(key, lookAt(kind, path))
  }
  const write = (path: string): void => {
    if (!bookkeeping.test(path)) spoil()
  }
  const before = beforeOf({ look, write, spoil })
  const undo = [
    ...replaceAll(process.getBuiltinModule('node:fs') as never, before),
    ...replaceAll(process.getBuiltinModule('node:fs/promises') as never, () => spoil),
    ...replaceAll(process.getBuiltinModule('node:child_process') as never, () => spoil),
    ...eventChannels.map((name) => {
      subscribe(name, spoil)
      return () => void unsubscribe(name, spoil)
    }),
  ]
  process.once('worker', spoil)
  return {
    end: () => {
      for (const restore of undo.toReversed()) restore()
      process.off('worker', spoil)
      const isOwn = [...seen].some(([key, found]) => ownTemporary.test(key) && found !== 'none')
      return spoilt || isOwn ? undefined : seen
    },
  }
}

type Told = Readonly<{ look(kind: LookKind, path: string): void; write(path: string): void; spoil(): void }>

/** What is to be done before a function of `node:fs` is called; undefined for one that can be left alone. */
function beforeOf({ look, write, spoil }: Told): (name: string) => FileFunction | undefined {
  return (name) => {
    if (harmless.test(name)) return undefined
    const kind = looks[name]
    if (kind !== undefined) return (path) => withPath(path, (text) => look(kind, text), spoil)
    const count = writes[name]
    if (count !== undefined) return (...given) => each(given.slice(0, count), (path) => withPath(path, write, spoil))
    if (name === 'openSync')
      return (path, flags = 'r') =>
        withPath(path, (text) => (isReading(flags) ? look('entry', text) : write(text)), spoil)
    if (name === 'mkdirSync') return (path) => withPath(path, (text) => lookOrMake(text, { look, write }), spoil)
    return spoil
  }
}

/** A folder that is there already is not made. */
function lookOrMake(path: string, { look, write }: Pick<Told, 'look' | 'write'>): void {
  if (lookAt('entry', path).startsWith('folder')) look('entry', path)
  else write(path)
}

function isReading(flags: unknown): boolean {
  if (typeof flags === 'string') return flags === 'r' || flags === 'rs'
  return typeof flags === 'number' && (flags & 0o3) === 0 && (flags & 0o1100) === 0 // O_ACCMODE, O_CREAT | O_TRUNC
}

function withPath(path: unknown, use: (path: string) => void, spoil: () => void): void {
  if (typeof path === 'number') return // a descriptor
  const text = textOf(path as PathLike)
  if (text === undefined) spoil()
  else use(text)
}

/** Undefined for a name that is not UTF-8: no text stands for it. */
function textOf(path: PathLike): string | undefined {
  if (path instanceof URL) return fileURLToPath(path)
  if (typeof path === 'string') return path.startsWith('/') ? path : `${process.cwd()}/${path}`
  const text = path.toString('utf8')
  return Buffer.from(text).equals(path) && text.startsWith('/') ? text : undefined
}

function each(all: readonly unknown[], use: (one: unknown) => void): void {
  for (const one of all) use(one)
}

function replaceAll(
  module: Record<string, unknown>,
  before: (name: string) => FileFunction | undefined,
): readonly (() => void)[] {
  return Object.keys(module).flatMap((name) => {
    const original = Object.getOwnPropertyDescriptor(module, name)?.value as unknown
    const first = typeof original === 'function' ? before(name) : undefined
    if (first === undefined) return []
    const called = original as FileFunction
    const observed = function (this: unknown, ...given: unknown[]): unknown {
      first(...given)
      return called.apply(this, given)
    }
    // with its hidden parts too: `promisify` reads one of them
    module[name] = Object.defineProperties(observed, Object.getOwnPropertyDescriptors(called))
    return [
      () => {
        module[name] = called
      },
    ]
  })
}
