/**
 * The git program, with everything a hostile repository could make it run or fetch switched off.
 *
 * THREAT: configuration of a repository names programs (filters, hooks, fsmonitor, ssh, credential helpers, pagers) and
 * other places (alternates, promisors). Used are only commands that read objects, refs and ignore files; no transport
 * is allowed, the index is not read, and the environment is made here.
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { accessSync, constants, realpathSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { DomainError, isInside, printable } from '../core/index.ts'
import { type GitObject, refuseOtherName } from './git-objects.ts'
import type { GitOid } from './repository.ts'
import { watchForStall } from './stalled.fs.ts'

export type GitPlace = Readonly<{ program: string; gitDir: string; root: string }>
export type GitAnswer = Readonly<{ status: number; stdout: string; stderr: string }>
export type GitRequest = Readonly<{
  input?: string
  /** Also reads the configuration of the user and the machine, found with this environment. */
  userConfig?: CallerEnvironment
}>

/** The caller's variables that matter here: PATH, HOME, XDG_CONFIG_HOME, SUDO_UID. */
export type CallerEnvironment = Readonly<Record<string, string | undefined>>

/** LIMIT: an object over 1 GiB is refused; data of that size does not belong into git. */
const maxObjectBytes = 1024 ** 3
const maxOutputBytes = 1024 ** 3
const defaultPath = '/usr/local/bin:/usr/bin:/bin'

const switchedOff = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.untrackedCache=false',
  'core.excludesFile=/dev/null',
  'core.attributesFile=/dev/null',
  'core.commitGraph=false',
  'protocol.allow=never',
  'protocol.file.allow=never',
].flatMap((setting) => ['-c', setting])

function hardened(): Record<string, string> {
  return {
    PATH: defaultPath,
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    // THREAT: the index can hide changes. A name that nobody can have prepared stands for an empty one.
    GIT_INDEX_FILE: `/nonexistent/${randomUUID()}`,
  }
}

function withUserConfig({ HOME, XDG_CONFIG_HOME }: CallerEnvironment): Record<string, string> {
  const { GIT_CONFIG_NOSYSTEM: _1, GIT_CONFIG_SYSTEM: _2, GIT_CONFIG_GLOBAL: _3, ...rest } = hardened()
  return {
    ...rest,
    ...(HOME === undefined ? {} : { HOME }),
    ...(XDG_CONFIG_HOME === undefined ? {} : { XDG_CONFIG_HOME }),
  }
}

/**
 * THREAT: a PATH with a relative folder, or one inside the project, would run the project's own `git`.
 *
 * @throws ERR_GIT_UNAVAILABLE
 */
export function findGit(environment: CallerEnvironment, root: string): string {
  for (const folder of (environment['PATH'] ?? defaultPath).split(':')) {
    if (!isAbsolute(folder)) continue
    try {
      const program = realpathSync(join(folder, 'git'))
      accessSync(program, constants.X_OK)
      if (!isInside(program, root)) return program
    } catch {
      // INVARIANT: no such program in this folder; the next one is asked, and none is a refusal.
    }
  }
  throw new DomainError('ERR_GIT_UNAVAILABLE', 'this is a git repository, but there is no git on PATH')
}

/** Runs git on the repository; a non-zero status is an answer. */
export function runGit(place: GitPlace, args: readonly string[], request: GitRequest = {}): Promise<GitAnswer> {
  const { program, gitDir, root } = place
  const all = ['--no-pager', `--git-dir=${gitDir}`, `--work-tree=${root}`, ...switchedOff, ...args]
  return run(program, all, root, request)
}

/** Runs git beside any repository: to read configuration files. */
export function runGitAlone(program: string, args: readonly string[], request: GitRequest = {}): Promise<GitAnswer> {
  return run(program, ['--no-pager', '--git-dir=/nonexistent', ...args], '/', request)
}

function run(program: string, args: readonly string[], cwd: string, request: GitRequest): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    const env = request.userConfig === undefined ? hardened() : withUserConfig(request.userConfig)
    const options = { cwd, env, maxBuffer: maxOutputBytes, encoding: 'utf8' } as const
    let stalled = false
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      watch[Symbol.dispose]()
      const status = error === null ? 0 : error.code
      if (stalled) reject(stallFault())
      else if (typeof status === 'number') resolve({ status, stdout, stderr })
      else reject(new DomainError('ERR_GIT_FAILED', 'git could not be run to its end', { cause: error }))
    })
    const watch = watchForStall(child.pid, () => {
      stalled = true
      child.kill('SIGKILL')
    })
    child.stdout?.on('data', watch.touch)
    child.stdin?.on('error', () => undefined) // git ended before it read all: its status tells
    child.stdin?.end(request.input ?? '')
  })
}

function stallFault(): DomainError {
  return new DomainError('ERR_GIT_FAILED', 'git waits for something that never comes', {
    help: 'look for pipes in the place of files: find . -type p',
  })
}

export function gitFault(answer: GitAnswer, what: string): DomainError {
  const [line = ''] = printable(answer.stderr).split('\n')
  return new DomainError('ERR_GIT_FAILED', `git could not ${what}: ${line.slice(0, 300)}`)
}

/**
 * Objects by name, re-hashed, in the order asked, through one process.
 *
 * @throws ERR_GIT_CORRUPT, ERR_INPUT_TOO_LARGE; ERR_GIT_FAILED when one is not here
 */
export async function* readObjects(place: GitPlace, oids: readonly GitOid[]): AsyncGenerator<GitObject> {
  if (oids.length === 0) return
  const session = startSession(place, ['--buffer'])
  try {
    session.child.stdin.end(`${oids.join('\n')}\n`)
    for (const oid of oids) yield await readObject(session.source, oid)
  } finally {
    endSession(session)
  }
}

/** As `readObjects`, for several questions one after the other through one process, which the first one starts. */
export type ObjectReader = Disposable & Readonly<{ read(oids: readonly GitOid[]): AsyncGenerator<GitObject> }>

export function openObjectReader(place: GitPlace): ObjectReader {
  let session: Session | undefined
  const close = (): void => {
    if (session !== undefined) endSession(session)
    session = undefined
  }
  return {
    async *read(oids) {
      if (oids.length === 0) return
      session ??= startSession(place, [])
      let isWhole = false
      try {
        session.child.stdin.write(`${oids.join('\n')}\n`)
        for (const oid of oids) yield await readObject(session.source, oid)
        isWhole = true
      } finally {
        if (!isWhole) close() // INVARIANT: what is left of one answer is never read as the next one.
      }
    },
    [Symbol.dispose]: close,
  }
}

type Session = Readonly<{ child: ChildProcessByStdio<Writable, Readable, null>; source: ByteSource }>

function startSession(place: GitPlace, options: readonly string[]): Session {
  const args = ['--no-pager', `--git-dir=${place.gitDir}`, ...switchedOff, 'cat-file', '--batch', ...options]
  const child = spawn(place.program, args, { cwd: place.root, env: hardened(), stdio: ['pipe', 'pipe', 'ignore'] })
  child.on('error', () => undefined) // a git that cannot be started gives no answer, and that is told
  child.stdin.on('error', () => undefined) // git ended early: the missing answer tells
  return { child, source: chunksOf(child) }
}

/** Whoever stops early leaves bytes unread, which would keep the streams open for ever. */
function endSession({ child }: Session): void {
  child.stdout.destroy()
  child.kill('SIGKILL')
}

/** One answer of `cat-file --batch`: `<oid> SP <type> SP <size> LF <bytes> LF`, or `<oid> SP missing LF`. */
async function readObject(source: ByteSource, oid: GitOid): Promise<GitObject> {
  const header = await source.line()
  const [found, type = '', size = ''] = header?.split(' ') ?? []
  if (found !== oid || !/^\d{1,15}$/.test(size)) {
    throw new DomainError('ERR_GIT_FAILED', `the object ${oid} is not in the repository`, {
      help: 'complete the clone: git fetch --unshallow, or clone without --filter and --sparse',
    })
  }
  if (Number(size) > maxObjectBytes) {
    throw new DomainError('ERR_INPUT_TOO_LARGE', `the object ${oid} has ${size} bytes, the limit is ${maxObjectBytes}`)
  }
  const bytes = await source.bytes(Number(size))
  await source.bytes(1)
  const object = { oid, type, bytes }
  refuseOtherName(object)
  return object
}

type ByteSource = Readonly<{ line(): Promise<string | undefined>; bytes(length: number): Promise<Buffer> }>

function chunksOf(child: ChildProcessByStdio<Writable, Readable, null>): ByteSource {
  const chunks: AsyncIterator<Buffer> = child.stdout[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  const more = async (): Promise<Buffer | undefined> => {
    let stalled = false
    // Only while we wait for git: it may well wait for us.
    using _watch = watchForStall(child.pid, () => {
      stalled = true
      child.kill('SIGKILL')
    })
    const { value, done } = await chunks.next()
    if (stalled) throw stallFault()
    return done === true ? undefined : value
  }
  return {
    async line() {
      for (;;) {
        const end = rest.indexOf(0x0a)
        if (end >= 0) {
          const line = rest.toString('latin1', 0, end)
          rest = rest.subarray(end + 1)
          return line
        }
        const chunk = await more()
        if (chunk === undefined || rest.length > 4096) return undefined
        rest = Buffer.concat([rest, chunk])
      }
    },
    async bytes(length) {
      const parts = [rest]
      let have = rest.length
      while (have < length) {
        const chunk = await more()
        if (chunk === undefined) throw new DomainError('ERR_GIT_FAILED', 'git ended in the middle of an object')
        parts.push(chunk)
        have += chunk.length
      }
      const all = parts.length === 1 ? rest : Buffer.concat(parts)
      rest = all.subarray(length)
      return all.subarray(0, length)
    },
  }
}
