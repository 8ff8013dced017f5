/** Asks an interpreter, in the sandbox, what it is, and digests its binary. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { release, version } from 'node:os'
import { dirname, join } from 'node:path'
import { DomainError, digestOfJson, hexOf, type Sha256 } from '../../core/index.ts'
import type { RunInBox } from '../bubblewrap/index.ts'
import { type Interpreter, parseProbe, probeProgram } from './interpreter.ts'
import { type Located, prefixesToMount } from './locate.exec.ts'
import { readPlainFile } from './tree.fs.ts'

export type Asking = Readonly<{
  runInBox: RunInBox
  workFolder: string
  /** Folder for the answer; a new one is made in it and removed again. */
  cacheFolder: string
  signal: AbortSignal
}>

const answerTarget = '/answer'
const maxAnswerBytes = 8 * 1024 * 1024
const limits = { cpus: 1, memoryBytes: 1024 ** 3, timeMs: 60_000, processes: 16, outputBytes: 64 * 1024 ** 2 }

/**
 * Asks once: the answer is kept by the digests of the binary and its library and by what else can change it (C library,
 * kernel, place), so that a warm start needs no sandbox.
 *
 * @throws ERR_ENV_INTERPRETER
 */
export async function askInterpreter(located: Located, asking: Asking): Promise<Interpreter> {
  const binary = digestOfFile(located.real)
  const standing = {
    probeProgram,
    binary,
    path: located.real,
    libc: libcOfHost(),
    release: release(),
    version: version(),
  }
  const memory = join(asking.cacheFolder, 'interpreters', `${hexOf(digestOfJson(standing))}.json`)
  const kept = recall(memory)
  const answer = kept ?? (await askProgram(located.real, ['-I', '-S', '-B'], probeProgram, located, asking))
  const probe = parseProbe(answer)
  if (probe.implementation !== 'cpython' || probe.version[0] !== 3 || probe.version[1] < 8) {
    throw new DomainError(
      'ERR_ENV_INTERPRETER',
      `\`${located.real}\` is ${probe.implementation} ${probe.version.join('.')}`,
    )
  }
  if (kept === undefined) remember(memory, answer)
  return {
    path: located.real,
    prefix: located.basePrefix,
    binary,
    ...(probe.sharedLibrary === '' ? {} : { library: digestOfFile(probe.sharedLibrary) }),
    probe,
  }
}

/** The C library of this machine as Node sees it; empty where it does not say (musl). */
function libcOfHost(): string {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } } // untyped in @types/node
  return report.header?.glibcVersionRuntime ?? ''
}

/** A kept answer that is whole, else undefined: then the interpreter is asked again. */
function recall(path: string): Buffer | undefined {
  const answer = readPlainFile(path, maxAnswerBytes)
  try {
    if (answer !== undefined) parseProbe(answer)
    return answer
  } catch {
    return undefined // INVARIANT: an answer that is broken is none: the interpreter is asked again.
  }
}

/** Written aside and renamed: a reader sees all of it or nothing. */
export function remember(path: string, answer: Buffer): void {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.${randomUUID()}`
  writeFileSync(temporary, answer)
  renameSync(temporary, path)
}

/** Runs a program that prints one document, and returns the document. @throws ERR_ENV_INTERPRETER */
export async function askProgram(
  python: string,
  options: readonly string[],
  program: string,
  located: Located,
  { runInBox, workFolder, cacheFolder, signal }: Asking,
): Promise<Buffer> {
  const folder = mkdtempSync(join(cacheFolder, `tmp-${process.pid}-ask-`))
  try {
    writeFileSync(join(folder, 'ask.py'), `${redirect}${program}`)
    const { end, tail } = await runInBox({
      workFolder,
      argv: [python, ...options, `${answerTarget}/ask.py`],
      mounts: prefixesToMount(located).map((prefix) => ({ source: prefix, target: prefix })),
      writable: { source: folder, target: answerTarget },
      variables: { LC_ALL: 'C.UTF-8', PATH: '/usr/bin:/bin' },
      limits,
      signal,
    })
    signal.throwIfAborted()
    const answer = readPlainFile(join(folder, 'answer.json'), maxAnswerBytes)
    if (end.kind === 'exited' && end.code === 0 && answer !== undefined) return answer
    throw new DomainError(
      'ERR_ENV_INTERPRETER',
      `\`${python}\` does not run in the sandbox: ${tail.at(-1) ?? end.kind}`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The program's `print` goes to a file: a box gives back no stream. */
const redirect = `
import os, sys
sys.stdout = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'answer.json'), 'w', encoding='utf-8')
`

function digestOfFile(path: string): Sha256 {
  return `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`
}
