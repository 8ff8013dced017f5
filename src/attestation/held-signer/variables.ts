/** Which of the caller's variables a holder of keys is opened with; those and no others reach the signer. Pure. */
import { parseHeldAddress } from './address.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** What libraries of tokens read by themselves. */
const ofTokens: readonly string[] = ['HOME', 'SOFTHSM2_CONF', 'YUBIHSM_PKCS11_CONF', 'OPENSC_CONF', 'KRYOPTIC_CONF']

const names = {
  awskms: [
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_REGION',
    'AWS_DEFAULT_REGION',
    'AWS_ENDPOINT_URL',
    'AWS_ENDPOINT_URL_KMS',
  ],
  gcpkms: ['GOOGLE_OAUTH_ACCESS_TOKEN', 'CLOUDSDK_AUTH_ACCESS_TOKEN', 'CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS'],
  hashivault: ['VAULT_ADDR', 'VAULT_TOKEN', 'VAULT_NAMESPACE', 'TRANSIT_SECRET_ENGINE_PATH'],
  pkcs11: ['ASSAY_KEY_PASSPHRASE', 'ASSAY_PKCS11_MODULE', ...ofTokens],
  sigstore: [
    'ASSAY_IDENTITY_TOKEN_FILE',
    'ASSAY_IDENTITY_TOKEN',
    'ACTIONS_ID_TOKEN_REQUEST_URL',
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    'SIGSTORE_ID_TOKEN',
  ],
} as const

/** Those that are credentials: who has one of them signs as the key's owner. */
const credentials: ReadonlySet<string> = new Set([
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'GOOGLE_OAUTH_ACCESS_TOKEN',
  'CLOUDSDK_AUTH_ACCESS_TOKEN',
  'VAULT_TOKEN',
  'ASSAY_KEY_PASSPHRASE',
  'ASSAY_IDENTITY_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'SIGSTORE_ID_TOKEN',
])

/** Empty variables count as none. @throws ERR_SIGNER_ADDRESS */
export function settingsFor(address: string, environment: Variables): Readonly<Record<string, string>> {
  const given = names[parseHeldAddress(address).kind].map((name) => [name, environment[name] ?? ''] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== ''))
}

/** The variables of these settings that no stage may be given. */
export function credentialsIn(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(settings).filter((name) => credentials.has(name))
}

export function isTokenVariable(name: string): boolean {
  return ofTokens.includes(name)
}
