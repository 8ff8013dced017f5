/**
 * Signs links and layouts of old in-toto: only out of statements that this very key signed before.
 *
 * Order: the signature of each bundle is checked before it is looked into, so that nothing new is said.
 */
import type { KeyObject } from 'node:crypto'
import { canonicalJson, DomainError, sha256Of } from '../../core/index.ts'
import { parseBundle } from '../bundle.ts'
import { isSignedBy, preAuthenticationEncoding } from '../dsse.ts'
import { type ChainStage, type LinkKey, layoutOf, linkOf, linkPayloadType } from '../predicates/in-toto-legacy.ts'
import { stageFactsOf } from '../predicates/stage-provenance.ts'
import { isEd25519, pemOf } from '../public-key.ts'
import { parseStatement } from '../statement.ts'
import { rawPublic } from '../tlog/note.ts'
import type { OpenKey } from './sign.ts'

export type LegacyRequest = Readonly<{
  /** Bundles of stages, base64; a link has one. */
  bundles: readonly string[]
  /** Of a layout: the artifact's path, and when it ends. */
  layout?: Readonly<{ artifact: string; expires: string }>
}>

type LegacyKey = Pick<OpenKey, 'publicKey' | 'sign'>

/** @throws ERR_SIGN_REFUSED when a bundle is not this key's own, or no stage's */
export async function signLegacy({ bundles, layout }: LegacyRequest, key: LegacyKey): Promise<Uint8Array> {
  const stages = bundles.map((bundle) => ownStage(Buffer.from(bundle, 'base64'), key.publicKey))
  const linkKey = linkKeyOf(key.publicKey)
  const [only] = stages
  if (only === undefined || (layout === undefined && stages.length > 1)) throw refusal('a link is of one stage')
  const said =
    layout === undefined ? linkOf(only.facts) : layoutOf(stages, layout.artifact, { key: linkKey, ...layout })
  const payload = Buffer.from(canonicalJson(said))
  const signature = await key.sign(preAuthenticationEncoding(linkPayloadType, payload))
  const signatures = [{ keyid: linkKey.id, sig: Buffer.from(signature).toString('base64') }]
  return Buffer.from(JSON.stringify({ payload: payload.toString('base64'), payloadType: linkPayloadType, signatures }))
}

function ownStage(bytes: Uint8Array, key: KeyObject): ChainStage {
  const { envelope } = parseBundle(bytes)
  if (!isSignedBy(envelope, key)) throw refusal('a statement is not signed by this key')
  return { attestation: sha256Of(bytes), facts: stageFactsOf(parseStatement(envelope.payload)) }
}

/** The key as in-toto names it: by the hash of its canonical object. */
export function linkKeyOf(key: KeyObject): LinkKey {
  const object = isEd25519(key)
    ? { keytype: 'ed25519', keyval: { public: rawPublic(key).toString('hex') }, scheme: 'ed25519' }
    : { keytype: 'ecdsa', keyval: { public: pemOf(key) }, scheme: 'ecdsa-sha2-nistp256' }
  // SOURCE: OLPC canonical JSON escapes nothing but quote and backslash: line ends stand in it as they are.
  const canonical = canonicalJson(object).replaceAll('\\n', '\n')
  const id = sha256Of(canonical).slice('sha256:'.length)
  return { id, object: { keyid: id, ...object } }
}

function refusal(what: string): DomainError {
  return new DomainError('ERR_SIGN_REFUSED', what)
}
