/**
 * Bytecode, made once when an environment is built: a read-only tree without it pays seconds at every import.
 *
 * The compiler reads hostile source, so it runs in the sandbox; it sees the tree read-only and writes into a folder of
 * its own, from which only files with the expected names are taken. `unchecked-hash` holds no time stamp: the same
 * source and interpreter give the same bytes. A module that does not compile (templates, Python 2) stays without.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DomainError, type FileEntry } from '../../core/index.ts'
import type { RunInBox } from '../bubblewrap/index.ts'
import type { Mount } from '../sandbox.ts'
import type { Interpreter } from './interpreter.ts'
import { readPlainFile } from './tree.fs.ts'
import { environmentTarget, layoutOf } from './wheel-layout.ts'

export type CompileRequest = Readonly<{
  tree: string
  interpreter: Readonly<{ path: string; probe: Pick<Interpreter['probe'], 'version' | 'cacheTag'> }>
  interpreterMounts: readonly Mount[]
  /** Folder of the tree below which sources are compiled; its site-packages when left out. */
  root?: string
  /** Absolute, empty folder for the lists and the results. */
  scratch: string
  runInBox: RunInBox
  workFolder: string
  signal: AbortSignal
}>

/** Always as many sources, so that what one process compiles does not depend on the machine. */
const listSources = 1000
const parallelLists = 2
const outTarget = '/compiled'
const maxBytecodeBytes = 64 * 1024 * 1024
/** LIMIT: it is read into our own memory, and no file over 2 GiB can be read at once. */
const maxListBytes = 512 * 1024 * 1024
const lengthBytes = 4

/** LIMIT: 20 minutes and 2 GiB a list; a source file of a megabyte takes 200 MiB to compile. */
const limits = { cpus: 1, memoryBytes: 2 * 1024 ** 3, timeMs: 20 * 60_000, processes: 16, outputBytes: 4 * 1024 ** 3 }

/** Compiles what is there already while other wheels are still unpacked. */
export type Compiler = Readonly<{
  /** Files of the tree that are written; sources among them are compiled, in their order. */
  add(files: readonly FileEntry[]): void
  /** @returns the bytecode that was written into the tree @throws ERR_ENV_BUILD */
  end(): Promise<readonly FileEntry[]>
  /** Returns when nothing is compiled any more. */
  [Symbol.asyncDispose](): Promise<void>
}>

export function openCompiler(request: CompileRequest): Compiler {
  const root = request.root ?? layoutOf(request.interpreter.probe.version).sitePackages
  const lists: string[][] = []
  const work: Promise<readonly FileEntry[]>[] = []
  let open: string[] = []
  let running = 0
  const startNext = (): void => {
    while (running < parallelLists) {
      const list = lists.shift()
      if (list === undefined) return
      running += 1
      const compiled = compileList(list, join(request.scratch, String(work.length)), request).finally(() => {
        running -= 1
        startNext()
      })
      compiled.catch(() => lists.splice(0)) // `end` throws it
      work.push(compiled)
    }
  }
  return {
    add(files) {
      const sources = files.map(({ path }) => path)
      open.push(...sources.filter((path) => path.startsWith(`${root}/`) && path.endsWith('.py')))
      while (open.length >= listSources) lists.push(open.splice(0, listSources))
      startNext()
    },
    async end() {
      if (open.length > 0) lists.push(open)
      open = []
      startNext()
      const added: FileEntry[] = []
      // One that ends starts the next: the array grows meanwhile.
      for (const compiled of work) added.push(...(await compiled))
      return added
    },
    async [Symbol.asyncDispose]() {
      lists.splice(0)
      await Promise.allSettled(work)
    },
  }
}

async function compileList(
  list: readonly string[],
  folder: string,
  request: CompileRequest,
): Promise<readonly FileEntry[]> {
  mkdirSync(folder)
  writeFileSync(join(folder, 'compile.py'), program)
  writeFileSync(join(folder, 'list.json'), JSON.stringify(list))
  const { runInBox, interpreter, interpreterMounts, workFolder, tree, signal } = request
  const { end, tail } = await runInBox({
    workFolder,
    argv: [interpreter.path, '-S', '-s', '-B', '-W', 'ignore', `${outTarget}/compile.py`, environmentTarget, outTarget],
    mounts: [...interpreterMounts, { source: tree, target: environmentTarget }],
    writable: { source: folder, target: outTarget },
    // Sets in constants are written in the order of their hashes before Python 3.11.
    variables: { PYTHONHASHSEED: '0', LC_ALL: 'C.UTF-8' },
    limits,
    signal,
  })
  signal.throwIfAborted()
  if (end.kind !== 'exited' || end.code !== 0) {
    throw new DomainError('ERR_ENV_BUILD', `compiling the environment ended badly: ${tail.at(-1) ?? end.kind}`)
  }
  const results = resultsIn(join(folder, 'results'), list.length)
  return list.flatMap((source, index) => adopt(source, results[index], request))
}

/** @throws ERR_ENV_BUILD for anything but a plain file of as many parts, not over 512 MiB */
export function resultsIn(path: string, count: number): readonly Buffer[] {
  const size = lstatSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > maxListBytes)
    throw new DomainError('ERR_ENV_BUILD', `bytecode of ${count} sources of the environment is over 512 MiB`)
  const results = partsOf(readPlainFile(path, maxListBytes), count)
  if (results === undefined) throw new DomainError('ERR_ENV_BUILD', 'compiling the environment left no results')
  return results
}

/**
 * What is written one after the other into one file, each with its length in four bytes before it: a file for each costs
 * more than compiling it, to make, to read and to remove.
 *
 * @returns undefined when it is something else, since hostile source was read where it was written
 */
export function partsOf(bytes: Buffer | undefined, count: number): readonly Buffer[] | undefined {
  const parts: Buffer[] = []
  if (bytes === undefined) return undefined
  let at = 0
  while (parts.length < count && at + lengthBytes <= bytes.length) {
    const begin = at + lengthBytes
    at = begin + bytes.readUInt32BE(at)
    if (at <= bytes.length) parts.push(bytes.subarray(begin, at))
  }
  return parts.length === count && at === bytes.length ? parts : undefined
}

function adopt(source: string, bytes: Buffer | undefined, { tree, interpreter }: CompileRequest): readonly FileEntry[] {
  if (bytes === undefined || bytes.length === 0 || bytes.length > maxBytecodeBytes) return []
  const folder = `${dirname(source)}/__pycache__`
  if (!existsSync(join(tree, folder))) {
    mkdirSync(join(tree, folder))
    chmodSync(join(tree, folder), 0o755)
  }
  const stem = source.slice(source.lastIndexOf('/') + 1, -'.py'.length)
  const path = `${folder}/${stem}.${interpreter.probe.cacheTag}.pyc`
  const fd = openSync(join(tree, path), 'wx', 0o600)
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
    fchmodSync(fd, 0o444)
  } finally {
    closeSync(fd)
  }
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const
  return [{ path, digest, sizeBytes: bytes.length, executable: false }]
}

/**
 * Errors in a source are of no matter: Python will say so at the import, as it would without us; nothing is written for it.
 *
 * SOURCE: PEP 552, "hash-based pycs": the magic number, 1 (unchecked), the source's hash, the code. It is compiled as
 * py_compile does, since how many names hold a text shows in the bytes.
 */
const program = `
import importlib.util, json, marshal, os, sys
from importlib.machinery import SourceFileLoader
tree, out = sys.argv[1:3]
with open(os.path.join(out, 'list.json'), encoding='utf-8') as listing:
    sources = json.load(listing)
def compiled(source, data):
    name = '${environmentTarget}/' + source
    code = SourceFileLoader('<py_compile>', name).source_to_code(data, name)
    head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, 'little') + importlib.util.source_hash(data)
    return head + marshal.dumps(code)
with open(os.path.join(out, 'results'), 'xb') as results:
    for source in sources:
        with open(os.path.join(tree, source), 'rb') as opened:
            data = opened.read()
        try:
            bytecode = compiled(source, data)
        except Exception:
            bytecode = b''
        if len(bytecode) > ${maxBytecodeBytes}:
            bytecode = b'' # nobody would take it
        results.write(len(bytecode).to_bytes(4, 'big') + bytecode)
`
