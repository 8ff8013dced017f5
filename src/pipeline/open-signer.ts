/**
 * The signer of a project's evidence, with the key that its user chose; one that is kept elsewhere is asked about first.
 *
 * Such a key costs money or a person's PIN with each signature, so a run that nobody would believe does not begin with it.
 */
import {
  credentialsIn,
  type HeldKeySource,
  type Signer,
  startSigner,
  type TrustedSigner,
  type TrustPolicy,
} from '../attestation/index.ts'
import { DomainError } from '../core/index.ts'
import type { Project } from './project.ts'
import { grantedVariables } from './secrets.fs.ts'
import { stamped } from './stamped-signer.http.ts'

type Signing = Pick<Project, 'root' | 'id' | 'environment' | 'keySource' | 'store' | 'trust' | 'settings' | 'pipeline'>

/** @throws ERR_KEY_HOME, ERR_KEY_LOCKED, ERR_TIMESTAMP_FAILED; of a key that is kept elsewhere ERR_SIGNER_UNKNOWN, ERR_KEY_EXPOSED and what its holder says */
export async function openProjectSigner(project: Signing): Promise<Signer> {
  const key = project.keySource()
  if (key.kind === 'held') refuseShared(project, key)
  const signer = await startSigner({ key, objectStoreRoot: project.store.root })
  if (key.kind !== 'held') return stamped(project, signer)
  if (listedSigner(project.trust, signer) !== undefined)
    return signer.identity === undefined ? stamped(project, signer) : withProof(signer, project.trust)
  await signer.close()
  throw unlisted(signer)
}

/** An instance answers for a signature with a certificate, an entry and a time: what nobody would believe is not kept. */
function withProof(signer: Signer, { judgeCertified }: TrustPolicy): Signer {
  return {
    ...signer,
    sign: async (request) => {
      const signed = await signer.sign(request)
      if (request.kind === 'checkpoint') return signed
      refuseUnproven(judgeCertified, signed.bytes)
      return signed
    },
  }
}

/** @throws ERR_SIGNER_WRONG where no trusted root vouches for the bundle, or there is none */
export function refuseUnproven(judge: TrustPolicy['judgeCertified'], bundle: Uint8Array): void {
  const { findings, certified } = judge?.(bundle) ?? { findings: [] }
  const fault = findings.find(({ passed }) => !passed)
  if (fault === undefined && certified !== undefined) return
  const because = fault === undefined ? 'there is no trusted root' : `${fault.because} (${fault.code})`
  throw new DomainError('ERR_SIGNER_WRONG', `what was signed for the identity does not verify: ${because}`, {
    help: 'look whether the trusted roots that you name are those of this instance',
  })
}

/** What the policy calls this signer. */
export function listedSigner(
  { keys, identities }: TrustPolicy,
  { hint, identity }: Pick<Signer, 'hint' | 'identity'>,
): TrustedSigner | undefined {
  if (identity === undefined) return [...keys.values()].find((key) => key.hint === hint)
  return [...(identities?.values() ?? [])].find(
    (each) => each.identity === identity.identity && each.issuer === identity.issuer,
  )
}

function unlisted({ identity }: Signer): DomainError {
  return identity === undefined
    ? new DomainError('ERR_SIGNER_UNKNOWN', 'the trust policy does not list the key that would sign', {
        help: 'list its public key (assay key export) in trust.yaml, under keys and its roles',
      })
    : new DomainError(
        'ERR_SIGNER_UNKNOWN',
        `the trust policy does not list \`${identity.identity}\` (${identity.issuer}), who would sign`,
        { help: 'list it in trust.yaml, under identities and its roles' },
      )
}

/** THREAT: a stage that is given what opens the signer, as a variable or as a secret, signs whatever it likes. */
function refuseShared(project: Signing, { settings: opening }: HeldKeySource): void {
  const stages = project.pipeline.stages.map(({ name }) => ({ name, ...project.settings.settingsOf(name) }))
  const granted = stages.some(({ secrets }) => secrets.length > 0) ? grantedVariables(project) : new Map()
  for (const variable of credentialsIn(opening)) {
    const stage = stages.find(({ name, env }) => env[variable] === null || granted.get(variable)?.includes(name))
    if (stage === undefined) continue
    throw new DomainError(
      'ERR_KEY_EXPOSED',
      `the stage \`${stage.name}\` is given \`${variable}\`, which opens the signing key`,
      { help: 'give the stage credentials of its own: env in assay.yaml, assay secret grant' },
    )
  }
}
