/** What the proxy tells of each connection: the shapes that go into evidence. */
import type { Destination } from './destination.ts'

export type Connection = Destination &
  Readonly<{
    /** The address that the name stood for. */
    address: string
    /** RFC 3339, UTC. */
    at: string
    sentBytes: number
    receivedBytes: number
    /** Why nothing came of it, such as ECONNREFUSED. */
    failed?: string
  }>

/** `because` is one sentence. */
export type RefusedConnection = Readonly<{ destination: string; because: string; at: string }>

export type EgressRecord = Readonly<{
  connections: readonly Connection[]
  refused: readonly RefusedConnection[]
  /** Connections and refusals beyond those that are listed. */
  more: number
  /** The limit that was reached, in words. */
  limit?: string
}>

/** Bytes over all connections so far. */
export type Traffic = Readonly<{ sentBytes: number; receivedBytes: number }>

export type EgressEvent =
  | (Traffic & Readonly<{ kind: 'traffic' }>)
  | (Connection & Readonly<{ kind: 'connection' }>)
  | (RefusedConnection & Readonly<{ kind: 'refused' }>)
  | Readonly<{ kind: 'limit'; because: string }>

/** LIMIT: connections, and refusals, of one stage that are listed one by one. */
const maxListed = 1000

export function gatherRecord(): Readonly<{
  add(event: EgressEvent): void
  record(): EgressRecord
  traffic(): Traffic
}> {
  let traffic: Traffic = { sentBytes: 0, receivedBytes: 0 }
  const connections: Connection[] = []
  const refused: RefusedConnection[] = []
  let more = 0
  let limit: string | undefined
  return {
    add: (event) => {
      const { kind: _, ...rest } = event
      if (event.kind === 'traffic') {
        traffic = { sentBytes: event.sentBytes, receivedBytes: event.receivedBytes }
        return
      }
      if (event.kind === 'limit') {
        limit ??= event.because
        return
      }
      const list: unknown[] = event.kind === 'connection' ? connections : refused
      if (list.length < maxListed) list.push(rest)
      else more += 1
    },
    record: () => ({ connections, refused, more, ...(limit === undefined ? {} : { limit }) }),
    traffic: () => traffic,
  }
}

/** What one line of the proxy says; undefined for the beginning of a line that it did not live to end. */
export function eventIn(line: string): EgressEvent | Readonly<{ kind: 'ready' }> | undefined {
  try {
    return JSON.parse(line) as EgressEvent | Readonly<{ kind: 'ready' }> // our own program wrote it
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
}
