/**
 * What a stage did with files, from the calls that strace saw: pure.
 *
 * Trust: hostile; a stage chooses what it asks for. Paths leave this file as they were asked for, to be made printable by
 * whoever shows them. What bubblewrap does to set the sandbox up is not the stage's, and is left out.
 */
import { join } from 'node:path/posix'
import type { FileTrace } from '../sandbox.ts'
import { processOneScripts } from './chain.ts'
import type { Argument, Call } from './trace-calls.ts'

/** LIMIT: paths that are kept of each kind. */
const mostPaths = 20_000

/** Which of a call's paths count. */
type Use = 'look' | 'open' | 'write' | 'writeLast' | 'writeAll' | 'enter'

const uses: Readonly<Record<string, Use>> = {
  ...named('look', 'stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat execve execveat'),
  ...named('open', 'open openat openat2 creat'),
  ...named('write', 'mkdir mkdirat mknod mknodat unlink unlinkat rmdir truncate chmod fchmodat chown lchown fchownat'),
  ...named('write', 'utimensat utime utimes futimesat'),
  ...named('writeLast', 'symlink symlinkat'),
  ...named('writeAll', 'rename renameat renameat2 link linkat'),
  ...named('enter', 'chdir'),
}

/** Not there, or closed. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'])
const refused: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM', 'EBUSY'])
const toWrite = /\bO_(WRONLY|RDWR|CREAT|TRUNC)\b/

/** @param root absolute path inside that relative ones start from until the process says where it is */
export function gatherFiles(root: string): Readonly<{ add(call: Call): void; files(whole: boolean): FileTrace }> {
  const kept = { read: new Set<string>(), missing: new Set<string>(), refusedWrites: new Set<string>() }
  const ours = new Set<string>()
  const folders = new Map<string, string>()
  let hasBegun = false
  let isFull = false
  const keep = (kind: keyof typeof kept, path: string): void => {
    if (kept[kind].size < mostPaths) kept[kind].add(path)
    else isFull ||= !kept[kind].has(path)
  }
  return {
    add: (call) => {
      if (!hasBegun) {
        hasBegun = startsStage(call)
        if (!hasBegun) ours.add(call.pid)
        else ours.delete(call.pid)
        return
      }
      const use = uses[call.name]
      if (use === undefined || ours.has(call.pid)) return
      const paths = pathsIn(call, folders, root)
      if (use === 'enter') {
        if (call.error === undefined && paths[0] !== undefined) folders.set(call.pid, paths[0])
      } else sort(call, use, paths, keep)
    },
    files: (whole) => ({
      read: [...kept.read].sort(),
      missing: [...kept.missing].sort(),
      refusedWrites: [...kept.refusedWrites].sort(),
      whole: whole && hasBegun && !isFull,
    }),
  }
}

function named(use: Use, names: string): Readonly<Record<string, Use>> {
  return Object.fromEntries(names.split(' ').map((name) => [name, use]))
}

/** The shell that becomes process 1. */
function startsStage({ name, arguments: given, error }: Call): boolean {
  return (
    name === 'execve' && error === undefined && given.some((each) => processOneScripts.includes(textOf(each) ?? ''))
  )
}

function textOf(argument: Argument): string | undefined {
  return argument.kind === 'text' ? argument.bytes.toString() : undefined
}

/** Absolute paths, in order; each from the folder in front of it, else from where the process is. */
function pathsIn(call: Call, folders: Map<string, string>, root: string): readonly string[] {
  return call.arguments.flatMap((argument, index) => {
    const text = textOf(argument)
    if (text === undefined) return []
    const before = call.arguments[index - 1]
    if (before?.kind !== 'folder') return [from(folders.get(call.pid) ?? root, text)]
    if (before.isWorkingFolder) folders.set(call.pid, before.path)
    return [from(before.path, text)]
  })
}

function from(folder: string, path: string): string {
  return path.startsWith('/') ? join('/', path) : join('/', folder, path)
}

function sort(
  call: Call,
  use: Exclude<Use, 'enter'>,
  paths: readonly string[],
  keep: (kind: 'read' | 'missing' | 'refusedWrites', path: string) => void,
): void {
  const { name, error, opened } = call
  const [first] = paths
  if (first === undefined) return
  if (use === 'look' || use === 'open') {
    const flags = call.arguments.flatMap((each) => (each.kind === 'word' ? [each.word] : [])).join(' ')
    const writes = use === 'open' && (name === 'creat' || toWrite.test(flags))
    if (error === undefined) {
      const reads = name.startsWith('execve') || (use === 'open' && !/O_WRONLY|O_PATH/.test(flags) && name !== 'creat')
      if (reads) keep('read', opened ?? first)
    } else if (writes && (refused.has(error) || (error === 'ENOENT' && flags.includes('O_CREAT'))))
      keep('refusedWrites', first)
    else if (absent.has(error)) keep('missing', first)
    return
  }
  if (error === undefined || !refused.has(error)) return
  const written = use === 'writeAll' ? paths : use === 'writeLast' ? paths.slice(-1) : [first]
  for (const path of written) keep('refusedWrites', path)
}
