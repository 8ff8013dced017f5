/**
 * The run's side of the signer: starts the process, hands it the key's place over a pipe, and asks it to sign.
 *
 * The key is never in this process. Protocol: `signer/protocol.ts`. A key that is kept elsewhere has a signer of its own
 * kind, which may ask for signatures over the network (`held-signer/main.ts`).
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { DomainError, type Json, type Sha256, sha256Of } from '../core/index.ts'
import type { CertifiedIdentity } from './ci-identity.ts'
import { parseHeldAddress } from './held-signer/address.ts'
import { isTokenVariable } from './held-signer/variables.ts'
import type { KeySource } from './key.ts'
import { refuseExposedFolder } from './key-file.fs.ts'
import {
  encodeFrame,
  type OpenRequest,
  openedShape,
  type Response,
  readFrames,
  responseShape,
  type SignRequest,
  subjectsOf,
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
  /** After so long without an answer it is given up, milliseconds; of a token two minutes, of all else never. */
  silenceMs?: number
}>

export type Signed = Readonly<{ bytes: Uint8Array; digest: Sha256 }>

export type Signer = AsyncDisposable &
  Readonly<{
    publicPem: string
    hint: string
    /** Whom the key is certified for, when it does not last; the bundles then hold certificates. */
    identity?: CertifiedIdentity
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
type Waiting = Readonly<{
  resolve(signed: Signed): void
  reject(error: Error): void
  /** What is hashed before it is signed. */
  sizeBytes: number
}>

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
    const silenceMs = silenceOf(options)
    child.stdin.write(encodeFrame({ version: 1, key: requestOf(options), objectStoreRoot: options.objectStoreRoot }))
    const first = await orSilence(frames.next(), silenceMs)
    if (first.done === true) throw failure(`ended at once: ${await ended}`)
    const { publicPem, hint, logKey, identity } = openedFrom(first.value)
    refuseOtherKey(options.key, hint)
    const opened = { publicPem, hint, logKey, ...(identity === undefined ? {} : { identity }) }
    return connect({ child, ended, frames, silenceMs }, opened)
  } catch (error) {
    child.kill('SIGKILL')
    throw error instanceof DomainError ? error : failure('answered with nonsense', error)
  }
}

/** The library of a token is native code: one that hangs stops all of its process, and only another one can end it. */
function silenceOf({ silenceMs, key }: SignerOptions): number | undefined {
  const isToken = key.kind === 'held' && parseHeldAddress(key.address).kind === 'pkcs11'
  return silenceMs ?? (isToken ? tokenSilenceMs : undefined)
}

/** LIMIT: two minutes, in which somebody may have to touch it. What is signed is hashed first, at 10 MB/s at least. */
const tokenSilenceMs = 120_000
const hashedBytesPerMs = 10_000

async function orSilence<T>(answer: Promise<T>, silenceMs: number | undefined): Promise<T> {
  if (silenceMs === undefined) return answer
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silent(silenceMs)), silenceMs)
  })
  try {
    return await Promise.race([answer, silence])
  } finally {
    clearTimeout(timer)
  }
}

function silent(ms: number): DomainError {
  const because = `what holds the key does not answer within ${Math.ceil(ms / 1000)} s`
  return new DomainError('ERR_SIGNER_UNREACHABLE', because, { help: 'look whether it waits for somebody to touch it' })
}

/** THREAT: what holds the key was changed behind its address, and answers with a key of somebody else's. */
function refuseOtherKey(key: KeySource, hint: string): void {
  if (key.kind !== 'held' || key.expectedHint === undefined || key.expectedHint === hint) return
  throw new DomainError('ERR_SIGNER_WRONG', 'what holds the key has another one now than when you chose it', {
    help: 'if that is meant, choose it again: assay key use ADDRESS',
  })
}

/**
 * An empty environment, three pipes, and read access to its own code, the key's file and the store; Node refuses it
 * everything else: writing, other files, processes, workers, addons. A key that is kept elsewhere adds what it takes:
 * proxies, and for a token the addon that speaks to it.
 *
 * THREAT: NODE_OPTIONS and the like of the caller must not load code beside the key.
 */
function spawnSigner(options: SignerOptions): Child {
  const { node = process.execPath, key, objectStoreRoot } = options
  const entry = entryOf(options)
  const files = filesOf(key)
  for (const file of files.secret) refuseExposedFolder(dirname(file))
  // A token that is renewed is a link to another file beside it; of a secret nothing that lies beside it is read.
  const named = [...files.secret, ...files.plain.map((file) => dirname(file))]
  const addon = packageFolder(key, entry)
  const readable = [codeFolder(entry), objectStoreRoot, ...named, ...(addon === undefined ? [] : [addon])]
  const flags = ['--no-warnings', '--permission', ...readable.map((path) => `--allow-fs-read=${path}`)]
  if (addon !== undefined) flags.push('--allow-addons')
  return spawn(node, [...flags, entry], { cwd: '/', env: environmentOf(key), stdio: ['pipe', 'pipe', 'pipe'] })
}

function entryOf({ entry, key }: SignerOptions): string {
  const own =
    key.kind === 'held'
      ? new URL('./held-signer/main.ts', import.meta.url)
      : new URL('./signer/main.ts', import.meta.url)
  return entry ?? fileURLToPath(own)
}

/** Files that the signer reads beside its code and the store: secret ones lie where nobody else can put another. */
function filesOf(key: KeySource): Readonly<{ secret: readonly string[]; plain: readonly string[] }> {
  if (key.kind === 'ephemeral') return { secret: [], plain: [] }
  if (key.kind === 'file') return { secret: [key.path], plain: [] }
  const address = parseHeldAddress(key.address)
  const pin = address.kind === 'pkcs11' ? address.pinFile : undefined
  const token = key.settings['ASSAY_IDENTITY_TOKEN_FILE']
  return {
    secret: [key.logKeyPath, pin].filter((path) => path !== undefined),
    plain: token === undefined ? [] : [token],
  }
}

function requestOf(options: SignerOptions): OpenRequest['key'] {
  const { key } = options
  if (key.kind !== 'held') return key
  const { proxies: _, expectedHint: __, ...request } = key
  const folder = packageFolder(key, entryOf(options))
  return { ...request, ...(folder === undefined ? {} : { packageFolder: folder }) }
}

/** Where pkcs11js lies, as the signer's own program finds it. @throws ERR_KEY_HOME when a token needs it and it is not there */
function packageFolder(key: KeySource, entry: string): string | undefined {
  if (key.kind !== 'held' || parseHeldAddress(key.address).kind !== 'pkcs11') return undefined
  try {
    return realpathSync(dirname(createRequire(entry).resolve('pkcs11js/package.json')))
  } catch (cause) {
    throw new DomainError('ERR_KEY_HOME', 'the package pkcs11js, which speaks to tokens, is not installed', {
      help: 'install it beside assay: npm install pkcs11js (it is compiled for this machine)',
      cause,
    })
  }
}

/** What the library of a token reads of its environment, and Node of proxies. */
function environmentOf(key: KeySource): Record<string, string> {
  if (key.kind !== 'held') return {}
  const ofTokens = Object.entries(key.settings).filter(([name]) => isTokenVariable(name))
  // THREAT: plain HTTP goes to this machine alone, and by a proxy it would be read in between.
  const { HTTP_PROXY: _, ...secure } = key.proxies
  const proxies = (secure['HTTPS_PROXY'] ?? '') === '' ? {} : { ...secure, NODE_USE_ENV_PROXY: '1' }
  return { ...proxies, ...Object.fromEntries(ofTokens) }
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

type Link = Readonly<{
  child: Child
  ended: Promise<string>
  frames: AsyncGenerator<Json>
  silenceMs: number | undefined
}>

function connect({ child, ended, frames, silenceMs }: Link, identity: Opened): Signer {
  const waiting = new Map<number, Waiting>()
  let next = 0
  let silence: NodeJS.Timeout | undefined
  const refuseAll = (error: Error): void => {
    clearTimeout(silence)
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  /** From the last thing that was heard or asked on. */
  const watch = (): void => {
    clearTimeout(silence)
    if (silenceMs === undefined || waiting.size === 0) return
    const bytes = [...waiting.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const limitMs = silenceMs + Math.ceil(bytes / hashedBytesPerMs)
    silence = setTimeout(() => {
      refuseAll(silent(limitMs))
      child.kill('SIGKILL')
    }, limitMs)
  }
  const reading = (async () => {
    try {
      for await (const message of frames) {
        settle(waiting, responseShape.parse(message))
        watch()
      }
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
        waiting.set(id, { resolve, reject, sizeBytes: hashedBytes(request) })
        watch()
        child.stdin.write(encodeFrame({ id, request }))
      }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function hashedBytes(request: SignRequest): number {
  const { outputs = [], log } = subjectsOf(request) ?? {}
  return outputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, log?.sizeBytes ?? 0)
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

type Opened = Pick<Signer, 'publicPem' | 'hint' | 'logKey' | 'identity'>

function openedFrom(message: Json): Opened {
  const opened = openedShape.parse(message)
  if (opened.kind === 'ready') return opened
  throw new DomainError(opened.code, opened.message, { help: opened.help })
}

function failure(what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_SIGNER_FAILED', `the signer ${what}`, { cause })
}
