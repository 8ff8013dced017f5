/** Asks an interpreter, in the sandbox, what it is, and digests its binary. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { release, version } from 'node:os'
import { join } from 'node:path'
import { DomainError, digestOfJson, isSha256, type Sha256 } from '../../core/index.ts'
import { digestPath, jsonFact, type StatCache } from '../../data/index.ts'
import type { RunInBox } from '../bubblewrap/index.ts'
import { removeTree } from '../remove-tree.fs.ts'
import { libcOfHost } from '../system/observe.fs.ts'
import { type Interpreter, type InterpreterProbe, parseProbe, probeProgram } from './interpreter.ts'
import { type Located, prefixesToMount } from './locate.fs.ts'
import { readPlainFile } from './tree.fs.ts'

export type Asking = Readonly<{
  runInBox: RunInBox
  workFolder: string
  /** Folder for the answer; a new one is made in it and removed again. */
  cacheFolder: string
  memory?: StatCache
  /** The interpreter's bytes are read again, whatever is remembered of them. */
  rehash?: boolean
  signal: AbortSignal
}>

const answerTarget = '/answer'
const maxAnswerBytes = 8 * 1024 * 1024
const limits = { cpus: 1, memoryBytes: 1024 ** 3, timeMs: 60_000, processes: 16, outputBytes: 64 * 1024 ** 2 }

/**
 * Asks once: the answer is remembered by the digest of the binary and by what else can change it (C library, kernel,
 * place), so that a warm start needs no sandbox.
 *
 * @throws ERR_ENV_INTERPRETER
 */
export async function askInterpreter(located: Located, asking: Asking): Promise<Interpreter> {
  const binary = await digestOfFile(located.real, asking)
  const standing = {
    probeProgram,
    binary,
    path: located.real,
    libc: libcOfHost(),
    release: release(),
    version: version(),
  }
  const key = `interpreter:${digestOfJson(standing)}`
  const kept = jsonFact(asking.memory, key) as InterpreterProbe | undefined // our own text
  const probe = kept ?? parseProbe(await askProgram(located.real, ['-I', '-S', '-B'], probeProgram, located, asking))
  if (probe.implementation !== 'cpython' || probe.version[0] !== 3 || probe.version[1] < 8) {
    throw new DomainError(
      'ERR_ENV_INTERPRETER',
      `\`${located.real}\` is ${probe.implementation} ${probe.version.join('.')}`,
    )
  }
  if (kept === undefined) asking.memory?.recordFact(key, JSON.stringify(probe))
  return {
    path: located.real,
    prefix: located.basePrefix,
    binary,
    ...(probe.sharedLibrary === '' ? {} : { library: await digestOfFile(probe.sharedLibrary, asking) }),
    probe,
  }
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
    removeTree(folder)
  }
}

/** The program's `print` goes to a file: a box gives back no stream. */
const redirect = `
import os, sys
sys.stdout = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'answer.json'), 'w', encoding='utf-8')
`

async function digestOfFile(path: string, { memory, rehash = false }: Asking): Promise<Sha256> {
  const remembered = memory === undefined ? {} : { cache: memory, rehash }
  const { digest } = await digestPath(path, { name: path, ...remembered })
  if (!isSha256(digest)) throw new DomainError('ERR_ENV_INTERPRETER', `\`${path}\` is a folder, not a program`)
  return digest
}
