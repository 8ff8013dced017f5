/**
 * A bundle by OpenSSF Model Signing v1.0 over a model that was hashed: what `model_signing verify` and `assay verify`
 * read. Pure but for the key. SOURCE: OpenSSF Model Signing v1.0, sections 5 and 6; reference implementation 1.1.
 */
import { createPublicKey, type KeyObject, sign, type X509Certificate } from 'node:crypto'
import { DomainError } from '../../core/index.ts'
import { bundleMediaType } from '../bundle.ts'
import { preAuthenticationEncoding, statementPayloadType } from '../dsse.ts'
import { modelHintOf } from '../foreign/foreign-trust.ts'
import { hashOf, isVerifiable } from '../foreign/signature.ts'
import { isEd25519 } from '../public-key.ts'
import { statementType } from '../statement.ts'
import { type ModelManifest, modelPredicateType, rootOf, sortedResources } from './model-manifest.ts'

/** `certificates`: the leaf first, then who issued it; left out when a key signs by itself. */
export type ModelSigner = Readonly<{ key: KeyObject; certificates?: readonly X509Certificate[] }>

/**
 * @param model.name the folder's or file's own name; nothing depends on it
 * @returns one line of JSON
 * @throws ERR_MODEL_EMPTY, ERR_KEY_MALFORMED when the key is on no curve that model_signing takes, nor Ed25519,
 *   ERR_SIGN_CERTIFICATE when the leaf is of another key
 */
export function signModel(model: Readonly<{ name: string; manifest: ModelManifest }>, signer: ModelSigner): Uint8Array {
  const { key, certificates } = signer
  if (!isVerifiable(key))
    throw new DomainError('ERR_KEY_MALFORMED', 'the key is neither ECDSA on P-256, P-384 or P-521 nor Ed25519')
  const publicKey = createPublicKey(key)
  const payload = printModelStatement(model.name, model.manifest)
  const signature = sign(
    isEd25519(key) ? null : hashOf(publicKey),
    preAuthenticationEncoding(statementPayloadType, payload),
    {
      key,
      dsaEncoding: 'der',
    },
  )
  return printModelBundle(
    { payload, signature },
    { publicKey, ...(certificates === undefined ? {} : { certificates }) },
  )
}

/** @throws ERR_SIGN_CERTIFICATE when the leaf is of another key */
export function printModelBundle(
  { payload, signature }: Readonly<{ payload: Uint8Array; signature: Uint8Array }>,
  { publicKey, certificates }: Readonly<{ publicKey: KeyObject; certificates?: readonly X509Certificate[] }>,
): Uint8Array {
  if (certificates !== undefined && certificates[0]?.publicKey.equals(publicKey) !== true)
    throw new DomainError('ERR_SIGN_CERTIFICATE', 'the certificate is not of this key')
  return Buffer.from(
    JSON.stringify({
      mediaType: bundleMediaType,
      verificationMaterial: {
        ...(certificates === undefined
          ? { publicKey: { hint: modelHintOf(publicKey) } }
          : { x509CertificateChain: { certificates: certificates.map(rawOf) } }),
        tlogEntries: [],
      },
      dsseEnvelope: {
        payload: Buffer.from(payload).toString('base64'),
        payloadType: statementPayloadType,
        signatures: [{ sig: Buffer.from(signature).toString('base64'), keyid: '' }],
      },
    }),
  )
}

function rawOf({ raw }: X509Certificate): Readonly<{ rawBytes: string }> {
  return { rawBytes: raw.toString('base64') }
}

/** @throws ERR_MODEL_EMPTY */
export function printModelStatement(name: string, { terms, resources }: ModelManifest): Uint8Array {
  if (resources.length === 0) throw new DomainError('ERR_MODEL_EMPTY', 'the model has no files')
  const sorted = sortedResources(resources)
  return Buffer.from(
    JSON.stringify({
      _type: statementType,
      subject: [{ name, digest: { sha256: rootOf(sorted) } }],
      predicateType: modelPredicateType,
      predicate: {
        serialization: {
          method: terms.shardBytes === undefined ? 'files' : 'shards',
          hash_type: terms.hash,
          ...(terms.shardBytes === undefined ? {} : { shard_size: terms.shardBytes }),
          allow_symlinks: terms.followLinks,
          ignore_paths: terms.ignored,
        },
        resources: sorted.map(({ name: path, digest }) => ({ name: path, algorithm: terms.hash, digest })),
      },
    }),
  )
}
