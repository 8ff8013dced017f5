/**
 * The signer: a process of its own, one a run, that holds the key and reads nothing but requests and stored objects.
 *
 * Bundled alone as `dist/signer.js`; no parser of tables, images, YAML, pickles or archives is in it. It has an empty
 * environment and, where Node allows, may read only its own code, the key and the store. It ends with its stdin.
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { DomainError } from '../../core/index.ts'
import { readPrivateKey } from '../key-file.fs.ts'
import { hintOf, pemOf } from '../public-key.ts'
import { deriveLogKey, publicLogKey } from './log-key.ts'
import {
  encodeFrame,
  type OpenRequest,
  openShape,
  type Response,
  readFrames,
  requestShape,
  type SignRequest,
} from './protocol.ts'
import { type OpenKey, refuseRequest, signRequest, subjectsOf } from './sign.ts'
import { refuseFalseObject, refuseFalseOutput } from './stored-object.fs.ts'

async function main(): Promise<void> {
  let opened: Readonly<{ key: OpenKey; root: string }> | undefined
  for await (const message of readFrames(process.stdin)) {
    if (opened === undefined) {
      const request = openShape.parse(message)
      opened = { key: openKey(request), root: request.objectStoreRoot }
      const publicKey = createPublicKey(opened.key.key)
      const logKey = publicLogKey(opened.key.logKey).toString('base64')
      send({ kind: 'ready', publicPem: pemOf(publicKey), hint: opened.key.hint, logKey })
    } else {
      const { id, request } = requestShape.parse(message)
      send({ id, answer: await answer(request, opened.key, opened.root) })
    }
  }
}

function openKey({ key: source }: OpenRequest): OpenKey {
  const key =
    source.kind === 'ephemeral'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
      : readPrivateKey(source.path, source.passphrase)
  const kind = source.kind === 'ephemeral' ? 'ephemeral' : 'real'
  return { key, logKey: deriveLogKey(key), hint: hintOf(createPublicKey(key)), kind }
}

/** Order: what may not be signed is refused before anything is read, and everything is hashed before it is signed. */
async function answer(request: SignRequest, key: OpenKey, root: string): Promise<Response['answer']> {
  try {
    refuseRequest(request, key.kind)
    const subjects = subjectsOf(request)
    if (subjects !== undefined) {
      for (const output of subjects.outputs) await refuseFalseOutput(root, output)
      const { log } = subjects
      if (log !== undefined) await refuseFalseObject(root, log.digest, log.sizeBytes, 'log')
    }
    return { kind: 'signed', bundle: Buffer.from(signRequest(request, key)).toString('base64') }
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

// Ctrl-C reaches the whole group: the run decides what is still signed, and closes the pipe when it is done.
process.on('SIGINT', () => undefined)

try {
  await main()
} catch (error) {
  // INVARIANT: a signer that met a bug or nonsense signs nothing more; the run sees why it ended.
  if (error instanceof DomainError) send(faultOf(error))
  else process.stderr.write(`${error instanceof Error ? `${error.name}: ${error.message}` : 'unknown'}\n`)
  process.exitCode = 1
  process.stdin.destroy()
}
