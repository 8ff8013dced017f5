/**
 * The signer: a process of its own, one a run, that holds the key and reads nothing but requests and stored objects.
 *
 * Bundled alone as `dist/signer.js`; no parser of tables, images, YAML, pickles or archives is in it. It has an empty
 * environment and, where Node allows, may read only its own code, the key and the store. It ends with its stdin. Keys that
 * are kept elsewhere: `../held-signer/main.ts`, since asking for them takes a network client, which has no place here.
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { DomainError } from '../../core/index.ts'
import { readPrivateKey } from '../key-file.fs.ts'
import { hintOf } from '../public-key.ts'
import { deriveLogKey } from './log-key.ts'
import type { OpenRequest } from './protocol.ts'
import { serve } from './serve.ts'
import { type OpenKey, openOwnKey } from './sign.ts'

function openKey({ key: source }: OpenRequest): OpenKey {
  if (source.kind === 'held') throw new DomainError('ERR_SIGN_REFUSED', 'this signer reads keys from files alone')
  const key =
    source.kind === 'ephemeral'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
      : readPrivateKey(source.path, source.passphrase)
  const kind = source.kind === 'ephemeral' ? 'ephemeral' : 'real'
  return openOwnKey(key, { kind, logKey: deriveLogKey(key), hint: hintOf(createPublicKey(key)) })
}

await serve({ openKey: (request) => Promise.resolve(request).then(openKey) })
