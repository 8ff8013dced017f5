/**
 * The signer for keys that are kept elsewhere: in a token, in a KMS, or nowhere (an identity that is certified).
 *
 * A process of its own beside `../signer/main.ts`, and so another bundle (`dist/held-signer.js`): what asks for signatures
 * over the network does not stand beside keys that are read from files. Credentials come over the pipe and are in no other
 * process. THREAT: a stage never reaches it: no socket is opened, and what it is asked comes by its stdin alone.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { rootCertificates, setDefaultCACertificates } from 'node:tls'
import { DomainError } from '../../core/index.ts'
import { preAuthenticationEncoding, statementPayloadType } from '../dsse.ts'
import { readSecretFile } from '../key-file.fs.ts'
import { printModelBundle, printModelStatement } from '../model/sign-model.ts'
import { hintOf } from '../public-key.ts'
import type { HeldKeyRequest, ModelRequest, OpenRequest } from '../signer/protocol.ts'
import { type SignerKind, serve } from '../signer/serve.ts'
import type { OpenKey } from '../signer/sign.ts'
import { type HeldAddress, parseHeldAddress } from './address.ts'
import { createAwsKey, openAwsKey } from './aws-kms.http.ts'
import { createGoogleKey, openGoogleKey } from './google-kms.http.ts'
import { type HeldKey, provenSigner } from './held-key.ts'
import { openKeyless } from './keyless.http.ts'
import { createPkcs11Key, openPkcs11Key, type Pkcs11Options } from './pkcs11.exec.ts'
import { createVaultKey, openVaultKey } from './vault-transit.http.ts'

const openKey: SignerKind['openKey'] = async ({ key: source }: OpenRequest) => {
  if (source.kind !== 'held') throw new DomainError('ERR_SIGN_REFUSED', 'this signer reads no keys from files')
  if (source.authorities.length > 0) setDefaultCACertificates([...rootCertificates, ...source.authorities])
  const address = parseHeldAddress(source.address)
  const logKey = logKeyOf(source.logKeyPath)
  if (address.kind === 'sigstore') {
    const { identity, publicKey, seal } = await openKeyless(address, source.settings)
    const sign = (): Promise<Uint8Array> =>
      Promise.reject(new DomainError('ERR_SIGN_REFUSED', 'an identity signs bundles alone'))
    return { publicKey, hint: hintOf(publicKey), kind: 'real', logKey, sign, seal, identity }
  }
  const kept = keptAt(address, source)
  if (source.create === true) await kept.create()
  const held = await kept.open()
  const sign = provenSigner(held)
  return { publicKey: held.publicKey, hint: hintOf(held.publicKey), kind: 'real', logKey, sign }
}

type KeptAddress = Exclude<HeldAddress, { kind: 'sigstore' }>

type Kept = Readonly<{ open(): Promise<HeldKey>; create(): Promise<void> }>

function keptAt(address: KeptAddress, source: HeldKeyRequest): Kept {
  const { settings } = source
  switch (address.kind) {
    case 'awskms':
      return { open: () => openAwsKey(address, settings), create: () => createAwsKey(address, settings) }
    case 'gcpkms':
      return {
        open: () => openGoogleKey(address.name, settings),
        create: () => createGoogleKey(address.name, settings),
      }
    case 'hashivault':
      return { open: () => openVaultKey(address.key, settings), create: () => createVaultKey(address.key, settings) }
    case 'pkcs11': {
      const options = tokenOptions(source)
      return {
        open: async () => openPkcs11Key(address, options),
        create: async () => createPkcs11Key(address, options),
      }
    }
  }
}

function tokenOptions({ settings, packageFolder = '' }: HeldKeyRequest): Pkcs11Options {
  const { ASSAY_KEY_PASSPHRASE: pin, ASSAY_PKCS11_MODULE: module } = settings
  return { packageFolder, ...(pin === undefined ? {} : { pin }), ...(module === undefined ? {} : { module }) }
}

/** Ed25519; one that is thrown away where no log is kept. @throws ERR_KEY_HOME, ERR_KEY_EXPOSED, ERR_KEY_MALFORMED */
function logKeyOf(path: string | undefined): KeyObject {
  if (path === undefined) return generateKeyPairSync('ed25519').privateKey
  try {
    const key = createPrivateKey({ key: readSecretFile(path), format: 'pem' })
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (error) {
    if (error instanceof DomainError) throw error
    // INVARIANT: no cause, which may carry something of the key
  }
  throw new DomainError('ERR_KEY_MALFORMED', `the key of the log \`${path}\` is not an Ed25519 key`)
}

async function signModel(model: ModelRequest, key: OpenKey): Promise<Uint8Array> {
  const terms = { hash: 'sha256', followLinks: false, ignored: model.ignored } as const
  const payload = printModelStatement(model.name, { terms, resources: model.resources })
  if (key.seal !== undefined) return key.seal(payload, statementPayloadType)
  const certificates = model.certificates?.map((der) => new X509Certificate(Buffer.from(der, 'base64')))
  const signature = await key.sign(preAuthenticationEncoding(statementPayloadType, payload))
  return printModelBundle(
    { payload, signature },
    { publicKey: key.publicKey, ...(certificates === undefined ? {} : { certificates }) },
  )
}

await serve({ openKey, signModel })
