/**
 * The proxy that a stage with a list of hosts is let out through: `CONNECT` for TLS, absolute URLs for plain HTTP.
 *
 * THREAT: the stage is hostile and may own names on the list. A name is resolved here, once a stage, and never to an
 * address of this machine or of a private network (rebinding, redirects to a cloud's metadata); no address may be asked
 * for; a tunnel must be TLS for the very name (fronting); what goes out has a limit. Source: trust.md section 4.
 */
import type { LookupAddress } from 'node:dns'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type BlockList, connect, type Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { mayConnectTo } from './addresses.http.ts'
import { type AllowedHost, type Destination, isAllowed, parseDestination } from './destination.ts'
import { type EgressLimits, passedLimit } from './limits.ts'
import type { EgressEvent, Traffic } from './record.ts'
import { readServerName } from './server-name.http.ts'

export type ProxyOptions = Readonly<{
  allowed: readonly AllowedHost[]
  permitted: BlockList
  resolve(host: string): Promise<readonly LookupAddress[]>
  onEvent(event: EgressEvent): void
  now(): Date
  limits: EgressLimits
}>

/** LIMIT: how long a client may take to say which name it wants, and how much it may say until then. */
const helloMs = 10_000
const maxHelloBytes = 64 * 1024
const connectMs = 20_000
const maxToldCharacters = 300
const httpPort = 80

class Refusal extends Error {}
/** A limit of the stage is reached: nothing goes over the proxy any more. */
class Over extends Error {}
class Closed extends Error {
  readonly code = 'ECANCELED'
}

type Pinned = Destination & Readonly<{ address: string; family: number }>

export type Proxy = Readonly<{
  server: Server
  /** Over all connections so far. */
  traffic(): Traffic
  /** Ends every connection. When it resolves, `onEvent` was told of each, and will be told nothing more. */
  close(): Promise<void>
}>

export function openProxy(options: ProxyOptions): Proxy {
  const pins = new Map<string, Promise<LookupAddress>>()
  const open = openStreams()
  const total = { sent: 0, received: 0 }
  let connections = 0
  let over: Over | undefined
  /** Once over a limit it stays over: nothing more is let through. */
  const lookAtLimits = (): Over | undefined => {
    if (over !== undefined) return over
    const because = passedLimit({ sentBytes: total.sent, receivedBytes: total.received, connections }, options.limits)
    if (because === undefined) return undefined
    over = new Over(because)
    options.onEvent({ kind: 'limit', because })
    return over
  }

  const admit = async (text: string, port?: number): Promise<Pinned> => {
    const destination = parseDestination(text, port)
    if (destination === undefined) throw new Refusal('it is no host name with a port')
    if (!isAllowed(destination, options.allowed)) throw new Refusal('it is not on the list of the stage')
    connections += 1
    const passed = lookAtLimits()
    if (passed !== undefined) throw passed
    const { host } = destination
    const pin = pins.get(host) ?? addressOf(host, options)
    pins.set(host, pin)
    try {
      return { ...destination, ...(await pin) }
    } catch (error) {
      // nobody answered: another try may be; one that was made meanwhile stands
      if (!(error instanceof Refusal) && pins.get(host) === pin) pins.delete(host)
      throw error
    }
  }
  const now = (): string => options.now().toISOString()
  /** A refusal is an attempt to go elsewhere; a listed host that does not answer is none. */
  const tellFailure = (destination: string, error: unknown): string => {
    const told = destination.slice(0, maxToldCharacters)
    if (error instanceof Over) return error.message // told as a limit
    if (error instanceof Refusal) {
      options.onEvent({ kind: 'refused', destination: told, because: error.message, at: now() })
      return error.message
    }
    const failed = codeOf(error)
    const { host, port } = parseDestination(told, httpPort) ?? { host: told, port: 0 }
    options.onEvent({ kind: 'connection', host, port, address: '', at: now(), sentBytes: 0, receivedBytes: 0, failed })
    return `it could not be reached (${failed})`
  }
  /** Counts all that goes over `far`, headers too, and ends both when a limit is reached. */
  const watch = (near: Readable, far: Socket, { host, port, address }: Pinned): void => {
    const at = now()
    const seen = { sent: 0, received: 0 }
    const count = (): void => {
      total.sent += far.bytesWritten - seen.sent
      total.received += far.bytesRead - seen.received
      seen.sent = far.bytesWritten
      seen.received = far.bytesRead
      if (lookAtLimits() === undefined || far.destroyed) return
      near.destroy()
      far.destroy()
    }
    near.on('data', count)
    far.on('data', count)
    far.once('close', () => {
      count()
      options.onEvent({
        ...{ kind: 'connection', host, port, address, at },
        ...{ sentBytes: seen.sent, receivedBytes: seen.received },
      })
    })
  }

  const server = createServer((asked, answer) => {
    void forward(asked, answer).catch((error: unknown) => {
      const because = tellFailure(hostIn(asked.url), error)
      if (answer.headersSent) return void answer.destroy() // an end would make a whole answer of what was cut
      answer.writeHead(isRefusal(error) ? 403 : 502, { 'content-type': 'text/plain' })
      answer.end(`assay: ${because}\n`)
    })
  })

  const forward = async (asked: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const url = absolute(asked.url)
    const pinned = await admit(url.host, httpPort)
    const headers: Record<string, string | string[] | undefined> = { ...asked.headers, host: url.host }
    for (const name of ['proxy-connection', 'proxy-authorization', 'connection', 'upgrade']) delete headers[name]
    const { address, family, port } = pinned
    const path = `${url.pathname}${url.search}`
    const sent = request({
      host: address,
      family,
      port,
      method: asked.method,
      path,
      headers,
      agent: false,
      timeout: connectMs,
    })
    sent.once('socket', (socket) => {
      open.hold(socket)
      socket.once('connect', () => watch(asked, socket, pinned))
    })
    answer.once('close', () => sent.destroy()) // nobody is there any more to tell it to
    await new Promise<void>((resolve, reject) => {
      sent.on('error', reject)
      sent.once('timeout', () => sent.destroy(new Error('it did not answer')))
      sent.once('response', (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers)
        got.pipe(answer)
        got.once('end', resolve).on('error', reject)
      })
      asked.pipe(sent)
    })
  }

  const tunnel = async (near: Duplex, pinned: Pinned, head: Buffer): Promise<void> => {
    near.write('HTTP/1.1 200 Connection established\r\n\r\n')
    const said = await helloOf(near, head, pinned.host)
    const far = connect({ host: pinned.address, port: pinned.port, family: pinned.family, timeout: connectMs })
    open.hold(far)
    await new Promise<void>((resolve, reject) => {
      far.once('connect', resolve).once('error', reject)
      far.once('timeout', () => far.destroy(new Error('it did not answer')))
    })
    far.setTimeout(0)
    watch(near, far, pinned)
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
    near.unshift(said)
    near.pipe(far)
    far.pipe(near)
  }

  server.on('connect', (asked: IncomingMessage, near: Duplex, head: Buffer) => {
    near.on('error', () => near.destroy())
    open.hold(near)
    const destination = asked.url ?? ''
    admit(destination).then(
      (pinned) =>
        tunnel(near, pinned, head).catch((error: unknown) => {
          tellFailure(destination, error)
          near.destroy() // inside the tunnel there is nobody to tell
        }),
      (error: unknown) => {
        const because = tellFailure(destination, error)
        const status = isRefusal(error) ? '403 Forbidden' : '502 Bad Gateway'
        near.end(`HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nassay: ${because}\n`)
      },
    )
  })
  server.on('upgrade', (_asked, near: Duplex) => near.destroy())
  server.on('clientError', (_error, near: Duplex) => near.destroy())
  return {
    server,
    traffic: () => ({ sentBytes: total.sent, receivedBytes: total.received }),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await Promise.all([closed, open.destroyAll()])
      await new Promise(setImmediate) // what follows from the last end is told
    },
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Refusal || error instanceof Over
}

/** The streams that are open, to be ended together. */
function openStreams(): Readonly<{ hold(stream: Duplex): void; destroyAll(): Promise<void> }> {
  const open = new Set<Duplex>()
  let isClosed = false
  return {
    hold: (stream) => {
      open.add(stream)
      stream.once('close', () => open.delete(stream))
      if (isClosed) stream.destroy(new Closed())
    },
    destroyAll: async () => {
      isClosed = true
      const ended = [...open].map((stream) => new Promise((resolve) => stream.once('close', resolve)))
      for (const stream of open) stream.destroy(new Closed())
      await Promise.all(ended)
    },
  }
}

/** The first bytes of a tunnel, which are TLS for `host`. */
async function helloOf(near: Duplex, head: Buffer, host: string): Promise<Buffer> {
  const reader = readServerName()
  const said: Buffer[] = []
  let bytes = 0
  const take = (chunk: Buffer): void => {
    said.push(chunk)
    bytes += chunk.length
    if (bytes > maxHelloBytes) near.destroy()
    else reader.push(chunk)
  }
  const { promise: over, resolve: end } = Promise.withResolvers<undefined>()
  const timer = setTimeout(end, helloMs, undefined)
  const close = (): void => end(undefined)
  near.on('data', take).once('close', close).once('end', close)
  if (head.length > 0) take(head)
  try {
    const name = await Promise.race([reader.name, over])
    if (name === undefined) throw new Refusal('it did not speak TLS with a server name')
    if (name !== host) throw new Refusal('TLS asked for another server name')
    return Buffer.concat(said)
  } finally {
    clearTimeout(timer)
    near.off('data', take).off('close', close).off('end', close)
    near.pause()
  }
}

async function addressOf(host: string, { resolve, permitted }: ProxyOptions): Promise<LookupAddress> {
  const found = await resolve(host)
  const open = found.find(({ address }) => mayConnectTo(address, permitted))
  if (open !== undefined) return open
  throw new Refusal(
    found.length === 0 ? 'its name stands for nothing' : 'its name stands for an address of a private network',
  )
}

/** THREAT: a path alone would make the proxy ask itself. */
function absolute(text = ''): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:') throw new Refusal('it is no http:// address')
  return url
}

function hostIn(text = ''): string {
  return URL.canParse(text) ? new URL(text).host : text
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
