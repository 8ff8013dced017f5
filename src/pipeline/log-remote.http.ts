/**
 * Others' side of a transparency log: one that a web server shows, and witnesses that countersign a checkpoint.
 *
 * SOURCE: C2SP tlog-tiles.md, tlog-witness.md (add-checkpoint). Every answer is hostile and bounded.
 */
import { type LogReader, tilePath } from '../attestation/index.ts'
import { DomainError } from '../core/index.ts'
import { type HttpClient, type NetworkRoute, openHttpClient, PassingFault } from '../data/index.ts'

/** LIMIT: a bundle of 256 entries, 16 MiB; an answer of a witness, 64 KiB. */
const maxTileBytes = 256 * (65_535 + 2)
const maxAnswerBytes = 64 * 1024

export type Remote = Readonly<{ route: NetworkRoute; signal: AbortSignal }>

/** @param address of the folder that `checkpoint` lies in */
export function openRemoteLog(address: string, remote: Remote): LogReader & Readonly<{ close(): Promise<void> }> {
  const client = clientOf(address, remote)
  const read = (path: string): Promise<Uint8Array | undefined> => {
    const url = `${address.replace(/\/+$/, '')}/${path}`
    return client.retried(url, async () => {
      const answer = await client.get(url, {})
      if (answer.status === 404) {
        await answer.discard()
        return undefined
      }
      if (answer.status !== 200) throw await unexpected(answer, url)
      return readBody(answer.body, maxTileBytes, url)
    })
  }
  return { checkpoint: () => read('checkpoint'), read: (at) => read(tilePath(at)), close: () => client.close() }
}

export type WitnessAnswer =
  | Readonly<{ kind: 'signed'; lines: string }>
  /** The witness has seen this many entries: a proof from there on is what it asks for. */
  | Readonly<{ kind: 'conflict'; size: number }>

/** One add-checkpoint. @throws ERR_TLOG_UNREACHABLE for all else than a signature and a conflict */
export async function askWitness(address: string, body: Uint8Array, remote: Remote): Promise<WitnessAnswer> {
  const client = clientOf(address, remote)
  const url = `${address.replace(/\/+$/, '')}/add-checkpoint`
  try {
    return await client.retried(url, async () => {
      const answer = await client.post(url, { 'content-type': 'text/plain; charset=utf-8' }, body)
      const text = Buffer.from(await readBody(answer.body, maxAnswerBytes, url)).toString('utf8')
      if (answer.status === 200) return { kind: 'signed', lines: text }
      const size = Number(text.trim())
      if (answer.status === 409 && /^\d{1,15}\n?$/.test(text)) return { kind: 'conflict', size }
      if (answer.status >= 500) throw new PassingFault(`status ${answer.status}`)
      throw fault(`\`${url}\` refuses the checkpoint with status ${answer.status}`)
    })
  } finally {
    await client.close()
  }
}

function clientOf(address: string, { route, signal }: Remote): HttpClient {
  if (!/^https?:$/.test(URL.canParse(address) ? new URL(address).protocol : ''))
    throw new DomainError('ERR_USAGE', `\`${address}\` is not an address`, { help: 'write https://...' })
  return openHttpClient({ code: 'ERR_TLOG_UNREACHABLE', route, signal })
}

async function unexpected(answer: Awaited<ReturnType<HttpClient['get']>>, url: string): Promise<Error> {
  await answer.discard()
  return answer.status >= 500 || answer.status === 429
    ? new PassingFault(`status ${answer.status}`)
    : fault(`\`${url}\` answers with status ${answer.status}`)
}

async function readBody(body: AsyncIterable<Buffer>, limit: number, url: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > limit) throw fault(`\`${url}\` answers with more than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function fault(what: string): DomainError {
  return new DomainError('ERR_TLOG_UNREACHABLE', what)
}
