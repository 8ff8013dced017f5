/**
 * A remote below a prefix of an S3-compatible store. Nothing but objects: a name has all its bytes, or is not there.
 *
 * Every upload carries the SHA-256 of its bytes in the signature, a whole object as a checksum too, so that the store refuses
 * bytes that changed on their way. Parts carry none: AWS refuses one of an upload that was begun without an algorithm, and
 * many stores know no algorithm. Where the endpoint is, and the credentials for it, comes from the caller's own variables alone.
 * THREAT: a committed endpoint would be sent requests signed for the caller, and the session token with them.
 * Source: Amazon S3 API reference, PutObject, CreateMultipartUpload, UploadPart; Signature Version 4, "payload hash".
 */
import { closeSync, constants, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseXml, type XmlElement } from '@rgrove/parse-xml'
import { DomainError, hexOf, isDomainError, sha256Of } from '../../core/index.ts'
import {
  type HttpAnswer,
  type HttpClient,
  type HttpRequest,
  type NetworkRoute,
  openHttpClient,
  PassingFault,
} from '../http-client.http.ts'
import { readAll } from '../object-files.fs.ts'
import { listS3, type S3Method, type S3Settings, s3Signer, s3Url } from '../s3.http.ts'
import { corruptObject, eachBounded, largeBytes, type Outgoing, type Remote, remoteFault } from './remote.ts'
import { type Upload, uploadInParts } from './s3-parts.http.ts'

export type S3RemoteOptions = Readonly<{
  bucket: string
  /** Without a slash at its ends; empty for the whole bucket. */
  prefix: string
  settings: S3Settings
  route: NetworkRoute
  /** Absolute folder for notes about uploads that broke off. */
  notes: string
  /** Requests at a time. */
  jobs: number
  signal: AbortSignal
}>

/** From so many names on, listing what is there costs less than asking for each. */
const manyNames = 256
/** LIMIT: what is read of an answer that is not a file. */
const maxAnswerBytes = 1024 * 1024

type Store = Readonly<{
  address: string
  client: HttpClient
  urlOf(name: string): string
  /** Pauses before each further try to read what breaks off, milliseconds. */
  delaysMs: readonly number[]
  signal: AbortSignal
  /** Signed, tried again while that may help; any status but 429 and 5xx is an answer. */
  ask(method: S3Method, url: string, given?: Readonly<{ headers?: Headers; body?: Uint8Array }>): Promise<Answer>
}>
/** What it says is read as part of the try, except for a file: `text` of a `GET` is empty. */
type Answer = HttpAnswer & Readonly<{ text: string }>
type Headers = Readonly<Record<string, string>>

export function openS3Remote(options: S3RemoteOptions): Remote {
  const { bucket, prefix, settings, route, notes, jobs, signal } = options
  const address = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`
  const client = openHttpClient({ code: 'ERR_REMOTE_FAILED', route, signal })
  const sign = s3Signer(settings)
  const keyOf = (name: string): string => (prefix === '' ? name : `${prefix}/${name}`)
  const ask: Store['ask'] = (method, url, { headers = {}, body } = {}) =>
    client.retried(address, async () => {
      const signed = await sign(
        url,
        body === undefined ? headers : { ...headers, 'x-amz-content-sha256': hexOf(sha256Of(body)) },
        method,
      )
      const request: HttpRequest = { method, url, headers: signed, ...(body === undefined ? {} : { body }) }
      const answer = await client.send(request)
      if (answer.status !== 429 && answer.status < 500)
        return { ...answer, text: method === 'GET' ? '' : await textOf(answer) }
      await answer.discard()
      throw new PassingFault(`status ${answer.status}`)
    })
  const urlOf: Store['urlOf'] = (name) => s3Url(settings, bucket, keyOf(name))
  const store: Store = { address, client, urlOf, delaysMs: route.retryDelaysMs, signal, ask }
  const listed = (folder: string): ReturnType<typeof listS3> =>
    inOurWords(() => listS3(client, settings, `s3://${bucket}/${keyOf(folder)}/`))
  return {
    address,
    sizes: (names) => (names.length < manyNames ? askEach(store, names, jobs) : askByList(names, { listed, jobs })),
    list: async (folder) => (await listed(folder)).flatMap(({ path }) => (path.includes('/') ? [] : [path])),
    read: (name, start) => chunksOf(store, name, start),
    put: async (files, onSent) => {
      const isLarge = (file: Outgoing): file is Outgoing & Readonly<{ path: string }> =>
        'path' in file && file.sizeBytes > largeBytes
      await eachBounded(
        files.filter((file) => !isLarge(file)),
        jobs,
        async (file) => {
          await putWhole(store, file)
          onSent(file)
        },
      )
      for (const file of files.filter(isLarge)) {
        await uploadInParts(uploadTo(store, notes, jobs), file)
        onSent(file)
      }
    },
    prepare: async () => undefined,
    close: () => client.close(),
  }
}

/** What the lists of `data add` say is said of a remote here. */
async function inOurWords<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    if (isDomainError(error, 'ERR_DATA_FETCH')) {
      throw new DomainError('ERR_REMOTE_FAILED', error.message, { cause: error, help: credentialsHelp })
    }
    if (isDomainError(error, 'ERR_PATH_UNSAFE')) throw remoteFault('ERR_REMOTE_UNSAFE', error.message, error)
    throw error
  }
}

const credentialsHelp =
  'look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, and AWS_ENDPOINT_URL for a store that is not AWS'

async function askEach({ address, urlOf, ask }: Store, names: readonly string[], jobs: number): Promise<Sizes> {
  const found = new Map<string, number>()
  await eachBounded(names, jobs, async (name) => {
    const answer = await ask('HEAD', urlOf(name))
    if (answer.status === 404) return
    if (answer.status !== 200) throw refusal(address, 'be read', answer.status)
    const size = Number(answer.headers['content-length'])
    if (!Number.isSafeInteger(size))
      throw remoteFault('ERR_REMOTE_UNSAFE', `\`${address}\` tells no size of \`${name}\``)
    found.set(name, size)
  })
  return found
}

type Sizes = ReadonlyMap<string, number>

async function askByList(
  names: readonly string[],
  { listed, jobs }: Readonly<{ listed(folder: string): ReturnType<typeof listS3>; jobs: number }>,
): Promise<Sizes> {
  const found = new Map<string, number>()
  const folders = Map.groupBy(names, (name) => name.slice(0, name.lastIndexOf('/')))
  await eachBounded([...folders], jobs, async ([folder, wanted]) => {
    const there = new Map((await listed(folder)).map(({ path, sizeBytes }) => [`${folder}/${path}`, sizeBytes]))
    for (const name of wanted) {
      const size = there.get(name)
      if (size !== undefined) found.set(name, size)
    }
  })
  return found
}

/**
 * A connection that breaks off in the middle is taken up as long as something more arrives, and else as often as a request
 * is tried.
 *
 * @throws ERR_REMOTE_FAILED
 */
async function* chunksOf(store: Store, name: string, start: number): AsyncGenerator<Uint8Array> {
  let at = start
  let idle = 0
  for (;;) {
    const before = at
    let cause: unknown
    try {
      const url = store.urlOf(name)
      const answer = await store.ask('GET', url, at === 0 ? {} : { headers: { range: `bytes=${at}-` } })
      if (answer.status === 416) return void (await answer.discard())
      let skip = await skipOf(store, name, answer, at)
      for await (const chunk of answer.body) {
        const rest = chunk.subarray(Math.min(skip, chunk.length))
        skip -= chunk.length - rest.length
        at += rest.length
        if (rest.length > 0) yield rest
      }
      if (!isCutOff(answer, at)) return
    } catch (error) {
      if (isDomainError(error) || store.signal.aborted) throw error
      cause = error
    }
    if (at > before) idle = 0
    else {
      const delay = store.delaysMs[idle]
      if (delay === undefined)
        throw remoteFault('ERR_REMOTE_FAILED', `\`${store.address}\` breaks off in \`${name}\``, cause)
      idle += 1
      await sleep(delay, undefined, { signal: store.signal })
    }
  }
}

/** Bytes of the answer that are here already: all of them where the store knows no ranges. */
async function skipOf({ address }: Store, name: string, answer: HttpAnswer, at: number): Promise<number> {
  if (answer.status === 200) return at
  if (answer.status === 206 && at > 0) {
    const first = Number(/^bytes (\d{1,16})-/.exec(answer.headers['content-range'] ?? '')?.[1])
    if (first === at) return 0
  }
  await answer.discard()
  if (answer.status === 404) throw remoteFault('ERR_REMOTE_MISSING', `\`${name}\` is not at \`${address}\``)
  throw refusal(address, 'be read', answer.status)
}

function isCutOff({ status, headers }: HttpAnswer, at: number): boolean {
  const total = Number(status === 206 ? headers['content-range']?.split('/')[1] : headers['content-length'])
  return Number.isSafeInteger(total) && at < total
}

async function putWhole(store: Store, file: Outgoing): Promise<void> {
  const bytes = 'bytes' in file ? Buffer.from(file.bytes) : bytesOf(file.path, file.sizeBytes)
  if (sha256Of(bytes) !== file.digest) throw corruptObject(file.digest)
  const headers = { 'x-amz-checksum-sha256': Buffer.from(hexOf(file.digest), 'hex').toString('base64') }
  accepted(store, await store.ask('PUT', store.urlOf(file.name), { headers, body: bytes }), file.name)
}

function bytesOf(path: string, sizeBytes: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const bytes = Buffer.allocUnsafe(sizeBytes + 1)
    return bytes.subarray(0, readAll(fd, bytes))
  } finally {
    closeSync(fd)
  }
}

/** @throws ERR_REMOTE_CORRUPT when the store says that other bytes came; ERR_REMOTE_FAILED */
function accepted({ address }: Store, { status, text }: Answer, name: string): string {
  if (status === 200) return text
  const code = codeIn(text)
  if (/Digest|Checksum|SHA256Mismatch/i.test(code)) {
    throw remoteFault(
      'ERR_REMOTE_CORRUPT',
      `other bytes than were sent of \`${name}\` came to \`${address}\` (${code})`,
    )
  }
  throw refusal(address, 'be written to', status, code)
}

function refusal(address: string, what: string, status: number, code = ''): DomainError {
  const said = code === '' ? `status ${status}` : `${code}, status ${status}`
  return new DomainError('ERR_REMOTE_FAILED', `\`${address}\` cannot ${what}: ${said}`, { help: credentialsHelp })
}

async function textOf({ body }: HttpAnswer): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxAnswerBytes) throw remoteFault('ERR_REMOTE_UNSAFE', 'an answer of the remote is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** `<Error><Code>AccessDenied</Code>`: a word, or nothing. */
function codeIn(text: string): string {
  const code = elementIn(text, 'Code') ?? ''
  return /^[A-Za-z0-9.]{1,64}$/.test(code) ? code : ''
}

function elementIn(text: string, name: string): string | undefined {
  try {
    const children = parseXml(text).root?.children ?? []
    const found = children.find(
      (child): child is XmlElement => child.type === 'element' && 'name' in child && child.name === name,
    )
    return found?.text
  } catch {
    return undefined // INVARIANT: an answer that is no XML says nothing; its status was looked at.
  }
}

function uploadTo(store: Store, notes: string, jobs: number): Upload {
  const withQuery = (name: string, query: string): string => `${store.urlOf(name)}?${query}`
  const idOf = (id: string): string => `uploadId=${encodeURIComponent(id)}`
  return {
    address: store.address,
    notes,
    jobs,
    begin: async (name) => {
      const text = accepted(store, await store.ask('POST', withQuery(name, 'uploads=')), name)
      const id = elementIn(text, 'UploadId')
      if (id === undefined || !/^[\x21-\x7e]{1,1024}$/.test(id)) throw refusal(store.address, 'be written to', 200)
      return id
    },
    part: async (name, { id, number, bytes }) => {
      const query = `partNumber=${number}&${idOf(id)}`
      const answer = await store.ask('PUT', withQuery(name, query), { body: bytes })
      if (answer.status === 404) return undefined
      accepted(store, answer, name)
      return answer.headers['etag'] ?? ''
    },
    complete: async (name, id, etags) => {
      const parts = etags.map(
        (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`,
      )
      const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
      const answer = await store.ask('POST', withQuery(name, idOf(id)), { body })
      const code = codeIn(answer.text)
      if (answer.status === 404 || code === 'NoSuchUpload' || code === 'InvalidPart') return false
      accepted(store, answer, name)
      // A store may say 200 first and what went wrong then.
      if (code !== '') throw refusal(store.address, 'be written to', 200, code)
      return true
    },
    sizeOf: async (name) => (await askEach(store, [name], 1)).get(name),
  }
}

function escaped(text: string): string {
  return text.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
