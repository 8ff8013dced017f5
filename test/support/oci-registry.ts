/**
 * A small OCI registry on loopback, in memory: distribution 1.1 with or without its referrers API, with logins, pages, and
 * hooks for one that lies. What a real one says is tried in test/interop.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export type OciRegistryServer = Readonly<{
  /** `127.0.0.1:port` */
  host: string
  /** `repository/sha256:...` -> bytes. */
  blobs: Map<string, Buffer>
  /** `repository/tag` and `repository/sha256:...` -> bytes. */
  manifests: Map<string, Buffer>
  /** `PUT /v2/...`, in order. */
  asked: string[]
}>

export type OciOptions = Readonly<{
  hasReferrers?: boolean
  /** Referrers a page. */
  pageSize?: number
  /** `user:password`: then a token is asked for, and given for these alone. */
  login?: string
  /** Answers itself and returns true, or leaves it to the honest server. */
  lie?: (request: IncomingMessage, response: ServerResponse, server: OciRegistryServer) => boolean
}>

export async function serveRegistry(context: TestContext, options: OciOptions = {}): Promise<OciRegistryServer> {
  const state = { blobs: new Map<string, Buffer>(), manifests: new Map<string, Buffer>(), asked: [] as string[] }
  const uploads = new Map<string, Buffer[]>()
  let found: OciRegistryServer | undefined
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (found === undefined) throw new Error('asked before it listens')
      found.asked.push(`${request.method} ${request.url}`)
      if (options.lie?.(request, response, found) === true) return
      answer({ request, response, body: Buffer.concat(chunks), server: found, uploads, options })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  found = { ...state, host: `127.0.0.1:${(server.address() as AddressInfo).port}` } // a TCP server's address has this shape
  return found
}

type Asked = Readonly<{
  request: IncomingMessage
  response: ServerResponse
  body: Buffer
  server: OciRegistryServer
  uploads: Map<string, Buffer[]>
  options: OciOptions
}>

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

function answer({ request, response, body, server, uploads, options }: Asked): unknown {
  const { method = 'GET', headers } = request
  const url = new URL(request.url ?? '/', 'http://x')
  const end = (status: number, bytes: Buffer | string = '', given = {}): unknown =>
    response.writeHead(status, given).end(method === 'HEAD' ? '' : bytes)
  if (url.pathname === '/token') {
    const basic = `Basic ${Buffer.from(options.login ?? '').toString('base64')}`
    return headers.authorization === basic ? end(200, '{"token":"a-token"}') : end(401)
  }
  if (options.login !== undefined && headers.authorization !== 'Bearer a-token') {
    const realm = `Bearer realm="http://${server.host}/token",service="test"`
    return end(401, '', { 'www-authenticate': realm })
  }
  const [, repository = '', kind, name = ''] =
    /^\/v2\/(.+?)\/(manifests|blobs\/uploads|blobs|referrers)\/(.*)$/.exec(url.pathname) ?? []
  const key = `${repository}/${name}`
  if (kind === 'blobs/uploads') return upload({ end, method, key, repository, url, body, server, uploads })
  if (kind === 'blobs') {
    const bytes = server.blobs.get(key)
    return bytes === undefined ? end(404) : end(200, bytes, { 'content-length': bytes.length })
  }
  if (kind === 'referrers' && options.hasReferrers !== false) {
    const all = referrersOf(server, repository, name)
    const size = options.pageSize ?? all.length + 1
    const page = Number(url.searchParams.get('page') ?? 0)
    const next = { link: `<${url.pathname}?page=${page + 1}>; rel="next"` }
    const manifests = all.slice(page * size, (page + 1) * size)
    return end(200, indexOf(manifests), (page + 1) * size < all.length ? next : {})
  }
  if (kind !== 'manifests') return end(404)
  if (method !== 'PUT') {
    const bytes = server.manifests.get(key)
    return bytes === undefined ? end(404) : end(200, bytes)
  }
  if (name.startsWith('sha256:') && name !== digestOf(body)) return end(400)
  server.manifests.set(key, body)
  server.manifests.set(`${repository}/${digestOf(body)}`, body)
  const { subject } = JSON.parse(body.toString()) as { subject?: { digest: string } }
  const isListed = subject !== undefined && options.hasReferrers !== false
  return end(201, '', {
    'docker-content-digest': digestOf(body),
    ...(isListed ? { 'oci-subject': subject.digest } : {}),
  })
}

function upload({
  end,
  method,
  key,
  repository,
  url,
  body,
  server,
  uploads,
}: Pick<Asked, 'body' | 'server' | 'uploads'> &
  Readonly<{
    end(status: number, bytes?: string, headers?: object): unknown
    method: string
    key: string
    repository: string
    url: URL
  }>): unknown {
  if (method === 'POST') {
    const id = `upload-${uploads.size + 1}`
    uploads.set(`${repository}/${id}`, [])
    return end(202, '', { location: `/v2/${repository}/blobs/uploads/${id}?state=a%3D` })
  }
  const parts = uploads.get(key)
  if (parts === undefined) return end(404)
  parts.push(body)
  if (method === 'PATCH') return end(202, '', { location: `${url.pathname}?state=b%3D` })
  const bytes = Buffer.concat(parts)
  const digest = url.searchParams.get('digest')
  if (digest !== digestOf(bytes)) return end(400)
  server.blobs.set(`${repository}/${digest}`, bytes)
  return end(201)
}

function referrersOf({ manifests }: OciRegistryServer, repository: string, subject: string): readonly object[] {
  return [...manifests].flatMap(([key, bytes]) => {
    if (!key.startsWith(`${repository}/sha256:`)) return []
    const manifest = JSON.parse(bytes.toString()) as { subject?: { digest: string }; artifactType?: string }
    if (manifest.subject?.digest !== subject) return []
    const { artifactType } = manifest
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    return [{ mediaType, digest: digestOf(bytes), size: bytes.length, artifactType }]
  })
}

export function indexOf(manifests: readonly object[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests })
}
