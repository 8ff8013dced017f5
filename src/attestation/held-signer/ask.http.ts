/**
 * One question in JSON to what holds a key: over TLS, never by way of a redirect, with an end.
 *
 * Node's own `fetch`: proxies and authorities are those that the process was started with (`signer.exec.ts`). Trust: every
 * answer is hostile and bounded; what it may mean is decided by whoever asked. No message holds what was sent.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isSafeUrl } from './address.ts'
import { unreachable } from './held-key.ts'

export type Question = Readonly<{
  method: 'GET' | 'POST'
  url: string
  headers: Readonly<Record<string, string>>
  /** JSON text. */
  body?: string
}>

export type Asked = () => Promise<Question>
export type AnsweredBytes = Readonly<{ status: number; bytes: Buffer; location?: string }>

export type Answer = Readonly<{
  status: number
  /** Where what was asked for is already, as the header says. */
  location?: string
  /** The body, when it is a map in JSON; else an empty one. */
  body: Readonly<Record<string, unknown>>
}>

/** How long an answer may take, and the pauses before each further try; milliseconds. */
export type Patience = Readonly<{ timeoutMs: number; retryDelaysMs: readonly number[] }>
export const usualPatience: Patience = { timeoutMs: 10_000, retryDelaysMs: [500, 2_000] }

/** LIMIT: an answer is at most 1 MiB. */
const maxAnswerBytes = 1024 * 1024

/**
 * Any status below 500 but 429 is an answer. Signing twice does no harm: what may pass is tried again.
 *
 * @param question made anew for each try, since a signed request is dated
 * @throws ERR_SIGNER_UNREACHABLE
 */
export async function ask(question: Asked, patience: Patience): Promise<Answer> {
  const { bytes, ...rest } = await askForBytes(question, patience)
  return { ...rest, body: mapIn(jsonIn(bytes)) }
}

/** As `ask`, of what does not answer in JSON. @throws ERR_SIGNER_UNREACHABLE */
export async function askForBytes(question: Asked, patience: Patience): Promise<AnsweredBytes> {
  for (let tries = 0; ; tries += 1) {
    const answered = await askOnce(await question(), patience.timeoutMs)
    if (typeof answered !== 'string') return answered
    const delay = patience.retryDelaysMs[tries]
    if (delay === undefined) throw unreachable(answered)
    await sleep(delay)
  }
}

/** @returns what went wrong, in words, when it may go better another time */
async function askOnce({ method, url, headers, body }: Question, timeoutMs: number): Promise<AnsweredBytes | string> {
  if (!isSafeUrl(url)) throw unreachable('has an address that is not https://')
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, accept: 'application/json' },
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (response.status >= 500 || response.status === 429) {
      await response.body?.cancel()
      return `answered with status ${response.status}`
    }
    const location = response.headers.get('location')
    const bytes = await bounded(response)
    return { status: response.status, bytes, ...(location === null ? {} : { location }) }
  } catch (error) {
    return `could not be asked: ${reasonOf(error)}` // INVARIANT: no cause, which may carry the request
  }
}

async function bounded({ body }: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new Error('an answer that is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The reason as the system names it (`ECONNREFUSED`), never an address inside. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if (error.name === 'TimeoutError') return 'it did not answer in time'
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : error.message === 'an answer that is too long' ? error.message : error.name
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined // INVARIANT: what is no JSON says nothing
  }
}

/** The members of a map; none of what is none. */
export function mapIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

/** Standard base64 of at most `maxChars`, else undefined. */
export function bytesIn(value: unknown, maxChars = 16 * 1024): Buffer | undefined {
  if (typeof value !== 'string' || value.length > maxChars) return undefined
  const bytes = Buffer.from(value, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === value ? bytes : undefined
}

/** A short word of an answer, for a message: letters, digits and what stands between them. */
export function wordIn(value: unknown): string {
  return typeof value === 'string' && /^[\w .#:/()-]{1,100}$/.test(value) ? value : ''
}
