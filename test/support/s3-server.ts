/**
 * A small S3 on loopback, in memory: what assay asks of one, checked as S3 checks it, with hooks for one that lies. The
 * signature itself is checked by versitygw in test/interop.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export type S3Server = Readonly<{
  /** Key -> bytes, without the bucket. */
  objects: Map<string, Buffer>
  /** `PUT key?query`, in order. */
  asked: string[]
  environment: Readonly<Record<string, string>>
}>

/** Answers itself and returns true, or leaves it to the honest server. */
export type Lie = (request: IncomingMessage & { key: string }, response: ServerResponse, body: Buffer) => boolean

export const secret = 'a-secret-that-nobody-may-see'

export async function serveS3(context: TestContext, lie: Lie = () => false): Promise<S3Server> {
  const objects = new Map<string, Buffer>()
  const uploads = new Map<string, Map<number, Buffer>>()
  const asked: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://x')
      const key = decodeURIComponent(url.pathname).replace(/^\/bucket\/?/, '')
      const body = Buffer.concat(chunks)
      asked.push(`${request.method} ${key}${url.search}`)
      if (lie(Object.assign(request, { key }), response, body)) return
      answer({ request, response, url, key, body, objects, uploads })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo // a TCP server's address has this shape
  return {
    objects,
    asked,
    environment: {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    },
  }
}

type Asked = Readonly<{
  request: IncomingMessage
  response: ServerResponse
  url: URL
  key: string
  body: Buffer
  objects: Map<string, Buffer>
  uploads: Map<string, Map<number, Buffer>>
}>

function answer({ request, response, url, key, body, objects, uploads }: Asked): unknown {
  const end = (status: number, text = '', headers = {}): unknown => response.writeHead(status, headers).end(text)
  const { method, headers } = request
  if (!/^AWS4-HMAC-SHA256 Credential=test\//.test(headers.authorization ?? '')) return end(403, error('AccessDenied'))
  const stated = headers['x-amz-content-sha256']
  if (method === 'PUT' || method === 'POST') {
    const digest = createHash('sha256').update(body).digest()
    if (body.length > 0 && stated !== digest.toString('hex')) return end(400, error('XAmzContentSHA256Mismatch'))
    const checksum = headers['x-amz-checksum-sha256']
    if (checksum !== undefined && checksum !== digest.toString('base64')) return end(400, error('BadDigest'))
  }
  const upload = url.searchParams.get('uploadId')
  if (method === 'POST' && url.searchParams.has('uploads')) {
    const id = `upload-${uploads.size + 1}`
    uploads.set(id, new Map())
    return end(200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
  }
  if (upload !== null) {
    const parts = uploads.get(upload)
    if (parts === undefined) return end(404, error('NoSuchUpload'))
    // As AWS: no upload here is begun with an algorithm; and of the list of parts it is not the checksum that is meant.
    if (headers['x-amz-checksum-sha256'] !== undefined)
      return end(400, error(method === 'PUT' ? 'InvalidRequest' : 'BadDigest'))
    if (method === 'PUT') {
      parts.set(Number(url.searchParams.get('partNumber')), body)
      return end(200, '', { etag: `"part-${url.searchParams.get('partNumber')}"` })
    }
    objects.set(key, Buffer.concat([...parts].toSorted(([left], [right]) => left - right).map(([, bytes]) => bytes)))
    uploads.delete(upload)
    return end(200, '<CompleteMultipartUploadResult/>')
  }
  const held = objects.get(key)
  if (method === 'PUT') {
    const isRefused = headers['if-match'] === undefined ? headers['if-none-match'] === '*' && held !== undefined : true
    if (isRefused && (held === undefined || headers['if-match'] !== etagOf(held)))
      return end(held === undefined ? 404 : 412, error(held === undefined ? 'NoSuchKey' : 'PreconditionFailed'))
    objects.set(key, body)
    return end(200, '', { etag: etagOf(body) })
  }
  if (url.searchParams.has('list-type')) return end(200, listing(objects, url.searchParams.get('prefix') ?? ''))
  const found = held
  if (found === undefined) return end(404, method === 'HEAD' ? '' : error('NoSuchKey'))
  if (method === 'HEAD') return end(200, '', { 'content-length': found.length })
  const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
  if (start >= found.length && start > 0) return end(416)
  const range = start > 0 ? { 'content-range': `bytes ${start}-${found.length - 1}/${found.length}` } : {}
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': found.length - start, etag: etagOf(found), ...range })
  return response.end(found.subarray(start))
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

function error(code: string): string {
  return `<Error><Code>${code}</Code></Error>`
}

export function listing(objects: ReadonlyMap<string, Buffer>, prefix: string): string {
  const contents = [...objects]
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, bytes]) => `<Contents><Key>${key}</Key><Size>${bytes.length}</Size><ETag>"x"</ETag></Contents>`)
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`
}
