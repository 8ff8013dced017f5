/**
 * A signing key that is kept elsewhere, as the user's word and environment name it; and the project's log key, which lies
 * in the user's own folder beside it: what holds a key gives no second one out of it (DECISION 0050).
 */
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { DomainError } from '../core/index.ts'
import { parseHeldAddress } from './held-signer/address.ts'
import { addressOfSigningConfig } from './held-signer/signing-config.ts'
import { settingsFor } from './held-signer/variables.ts'
import type { HeldKeySource } from './key.ts'
import type { KeyEnvironment } from './key-home.ts'

/** How the signer reaches the network: proxies as Node reads them, and PEM texts of authorities. */
export type SignerRoute = Pick<HeldKeySource, 'proxies' | 'authorities'>

export type HeldKeyOptions = Readonly<{
  environment: KeyEnvironment
  route: SignerRoute
  now: Date
  logKeyPath?: string
}>

/** LIMIT: a signing config is at most 1 MiB. */
const maxConfigBytes = 1024 * 1024

/** @throws ERR_SIGNER_ADDRESS */
export function heldKeySource(address: string, { environment, route, now, logKeyPath }: HeldKeyOptions): HeldKeySource {
  const resolved = resolvedAddress(address, now)
  parseHeldAddress(resolved)
  return {
    kind: 'held',
    address: resolved,
    settings: settingsFor(resolved, environment),
    ...route,
    ...(logKeyPath === undefined ? {} : { logKeyPath }),
  }
}

/** Files by which an address says what signs, or what opens it. @throws ERR_SIGNER_ADDRESS */
export function filesOfAddress(address: string): readonly string[] {
  const config = configFile(address)
  if (config !== undefined) return [config]
  const parsed = parseHeldAddress(address)
  return parsed.kind === 'pkcs11' ? [parsed.module, parsed.pinFile].filter((file) => file !== undefined) : []
}

function configFile(address: string): string | undefined {
  return /^sigstore:(?:\/\/(?=\/))?(\/.+)$/.exec(address)?.[1]
}

/** `sigstore:/PATH` stands for the services that the signing config at that place names now. */
function resolvedAddress(address: string, now: Date): string {
  const file = configFile(address)
  if (file === undefined) return address
  const status = statSync(file, { throwIfNoEntry: false })
  if (status?.isFile() !== true || status.size > maxConfigBytes)
    throw new DomainError('ERR_SIGNER_ADDRESS', `\`${file}\` is no file with a signing config`)
  return addressOfSigningConfig(readFileSync(file), now)
}

/**
 * The project's log key, made when it is first asked for.
 *
 * THREAT: of two runs that make one at once, the first would sign a checkpoint with a key that the second replaces.
 *
 * @param make the file, which only its owner may read, unless it is there
 */
export function ensureLogKey(file: string, make: (file: string, bytes: Uint8Array) => void): string {
  if (existsSync(file)) return file
  const { privateKey } = generateKeyPairSync('ed25519')
  make(file, Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })))
  return file
}
