/**
 * What every signer does: opens its key once, then answers one request after the other, until its stdin ends.
 *
 * Where the key comes from is the matter of whoever calls: `main.ts` here, and `../held-signer/main.ts`.
 */
import { DomainError } from '../../core/index.ts'
import { certifiedBuilder } from '../ci-identity.ts'
import { pemOf } from '../public-key.ts'
import { publicLogKey } from './log-key.ts'
import {
  encodeFrame,
  type ModelRequest,
  type OpenRequest,
  openShape,
  type Response,
  readFrames,
  requestShape,
  type SignRequest,
  subjectsOf,
} from './protocol.ts'
import { type OpenKey, refuseRequest, signRequest } from './sign.ts'
import { refuseFalseObject, refuseFalseOutput } from './stored-object.fs.ts'

export type SignerKind = Readonly<{
  openKey(request: OpenRequest): Promise<OpenKey>
  /** Of signers that sign models. */
  signModel?(model: ModelRequest, key: OpenKey): Promise<Uint8Array>
}>

export async function serve(kind: SignerKind): Promise<void> {
  // Ctrl-C reaches the whole group: the run decides what is still signed, and closes the pipe when it is done.
  process.on('SIGINT', () => undefined)
  try {
    await answerAll(kind)
  } catch (error) {
    // INVARIANT: a signer that met a bug or nonsense signs nothing more; the run sees why it ended.
    if (error instanceof DomainError) send(faultOf(error))
    else process.stderr.write(`${error instanceof Error ? `${error.name}: ${error.message}` : 'unknown'}\n`)
    process.exitCode = 1
    process.stdin.destroy()
  }
}

async function answerAll(kind: SignerKind): Promise<void> {
  let opened: Readonly<{ key: OpenKey; root: string }> | undefined
  for await (const message of readFrames(process.stdin)) {
    if (opened === undefined) {
      const request = openShape.parse(message)
      const key = await kind.openKey(request)
      opened = { key, root: request.objectStoreRoot }
      const logKey = publicLogKey(key.logKey).toString('base64')
      const named = key.identity === undefined ? {} : { identity: key.identity }
      send({ kind: 'ready', publicPem: pemOf(key.publicKey), hint: key.hint, logKey, ...named })
    } else {
      const { id, request } = requestShape.parse(message)
      send({ id, answer: await answer(kind, request, opened) })
    }
  }
}

/** Order: what may not be signed is refused before anything is read, and everything is hashed before it is signed. */
async function answer(
  { signModel }: SignerKind,
  request: SignRequest,
  { key, root }: Readonly<{ key: OpenKey; root: string }>,
): Promise<Response['answer']> {
  try {
    refuseRequest(request, key.kind, certifiedBuilder(key.identity))
    const subjects = subjectsOf(request)
    if (subjects !== undefined) {
      for (const output of subjects.outputs) await refuseFalseOutput(root, output)
      const { log } = subjects
      if (log !== undefined) await refuseFalseObject(root, log.digest, log.sizeBytes, 'log')
    }
    const bundle =
      request.kind === 'model' && signModel !== undefined
        ? await signModel(request.model, key)
        : await signRequest(request, key)
    return { kind: 'signed', bundle: Buffer.from(bundle).toString('base64') }
  } catch (error) {
    return faultOf(error)
  }
}

function faultOf(error: unknown): Extract<Response['answer'], { kind: 'fault' }> {
  if (!(error instanceof DomainError)) throw error
  return { kind: 'fault', code: error.code, message: error.message, help: error.help }
}

function send(message: unknown): void {
  process.stdout.write(encodeFrame(message))
}
