/**
 * The run's side of the signer: starts the process, hands it the key's place over a pipe, and asks it to sign.
 *
 * The key is never in this process. Protocol: `signer/protocol.ts`.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { DomainError, type Json, type Sha256, sha256Of } from '../core/index.ts'
import type { KeySource } from './key.ts'
import { refuseExposedFolder } from './key-file.fs.ts'
import {
  encodeFrame,
  openedShape,
  type Response,
  readFrames,
  responseShape,
  type SignRequest,
} from './signer/protocol.ts'

export type { SignRequest } from './signer/protocol.ts'

export type SignerOptions = Readonly<{
  key: KeySource
  /** Absolute folder of the object store. */
  objectStoreRoot: string
  /** The signer's own program; the one beside this code when left out. */
  entry?: string
  /** The Node that runs it; this one when left out. */
  node?: string
}>

export type Signed = Readonly<{ bytes: Uint8Array; digest: Sha256 }>

export type Signer = AsyncDisposable &
  Readonly<{
    publicPem: string
    hint: string
    /** Public key of the log that this key keeps: Ed25519, 32 bytes in base64. */
    logKey: string
    /**
     * Signs one statement of a fixed shape, after hashing every stored object that it is about.
     *
     * @throws ERR_SIGN_REFUSED when an object is not what it is said to be, or this key may not say this
     * @throws ERR_STATEMENT_MALFORMED when the facts contradict themselves
     * @throws ERR_SIGNER_FAILED when the process ended
     */
    sign(request: SignRequest): Promise<Signed>
    /** Ends the process; waits until it is gone. */
    close(): Promise<void>
  }>

type Child = ChildProcessByStdio<Writable, Readable, Readable>
type Waiting = Readonly<{ resolve(signed: Signed): void; reject(error: Error): void }>

/**
 * Starts the signer of one run and opens the key.
 *
 * @throws ERR_KEY_HOME, ERR_KEY_LOCKED, ERR_KEY_EXPOSED, ERR_KEY_MALFORMED as the signer met them
 * @throws ERR_SIGNER_FAILED when the process cannot be started
 */
export async function startSigner(options: SignerOptions): Promise<Signer> {
  const child = spawnSigner(options)
  const ended = endOf(child)
  const frames = readFrames(child.stdout)
  try {
    child.stdin.write(encodeFrame({ version: 1, key: options.key, objectStoreRoot: options.objectStoreRoot }))
    const first = await frames.next()
    if (first.done === true) throw failure(`ended at once: ${await ended}`)
    const { publicPem, hint, logKey } = openedFrom(first.value)
    return connect(child, ended, frames, { publicPem, hint, logKey })
  } catch (error) {
    child.kill('SIGKILL')
    throw error instanceof DomainError ? error : failure('answered with nonsense', error)
  }
}

/**
 * An empty environment, three pipes, and read access to its own code, the key's folder and the store; Node refuses it
 * everything else: writing, other files, processes, workers, addons.
 *
 * THREAT: NODE_OPTIONS and the like of the caller must not load code beside the key.
 */
function spawnSigner({ entry = ownEntry(), node = process.execPath, key, objectStoreRoot }: SignerOptions): Child {
  const keyFolder = key.kind === 'file' ? [dirname(key.path)] : []
  for (const folder of keyFolder) refuseExposedFolder(folder)
  const readable = [codeFolder(entry), objectStoreRoot, ...keyFolder]
  const flags = ['--no-warnings', '--permission', ...readable.map((path) => `--allow-fs-read=${path}`)]
  return spawn(node, [...flags, entry], { cwd: '/', env: {}, stdio: ['pipe', 'pipe', 'pipe'] })
}

function ownEntry(): string {
  return fileURLToPath(new URL('./signer/main.ts', import.meta.url))
}

/** The built signer needs its own folder; run from source it needs the packages too. */
function codeFolder(entry: string): string {
  const folder = realpathSync(dirname(entry))
  return entry.endsWith('.ts') ? join(folder, '../../..') : folder
}

/** Resolves with what it said last, when the process is gone. */
function endOf(child: Child): Promise<string> {
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-2000)
  })
  child.stdin.on('error', () => undefined) // the end of the process says it; a broken pipe says nothing more
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(said.trim() || `code ${code ?? signal}`))
  })
}

function connect(
  child: Child,
  ended: Promise<string>,
  frames: AsyncGenerator<Json>,
  identity: Pick<Signer, 'publicPem' | 'hint' | 'logKey'>,
): Signer {
  const waiting = new Map<number, Waiting>()
  let next = 0
  const refuseAll = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const reading = (async () => {
    try {
      for await (const message of frames) settle(waiting, responseShape.parse(message))
    } catch (error) {
      refuseAll(failure('answered with nonsense', error))
      child.kill('SIGKILL')
    }
    refuseAll(failure(`ended: ${await ended}`))
  })()
  const close = async (): Promise<void> => {
    child.stdin.end()
    await reading
  }
  return {
    ...identity,
    sign: (request) =>
      new Promise((resolve, reject) => {
        if (child.exitCode !== null || child.signalCode !== null || child.stdin.writableEnded) {
          reject(failure('has ended already'))
          return
        }
        const id = next
        next += 1
        waiting.set(id, { resolve, reject })
        child.stdin.write(encodeFrame({ id, request }))
      }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function settle(waiting: Map<number, Waiting>, { id, answer }: Response): void {
  const request = waiting.get(id)
  if (request === undefined) throw new Error(`an answer to ${id}, which nobody asked`)
  waiting.delete(id)
  if (answer.kind === 'fault') {
    request.reject(new DomainError(answer.code, answer.message, { help: answer.help }))
    return
  }
  const bytes = Buffer.from(answer.bundle, 'base64')
  request.resolve({ bytes, digest: sha256Of(bytes) })
}

function openedFrom(message: Json): Pick<Signer, 'publicPem' | 'hint' | 'logKey'> {
  const opened = openedShape.parse(message)
  if (opened.kind === 'ready') return opened
  throw new DomainError(opened.code, opened.message, { help: opened.help })
}

function failure(what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_SIGNER_FAILED', `the signer ${what}`, { cause })
}
