/** Where a signing key comes from, and how one is made. Reading one: `key-file.fs.ts`, in the signer's process alone. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { pemOf } from './public-key.ts'

/** What the signer is told. The passphrase crosses a pipe, never the command line or the environment. */
export type KeySource =
  | Readonly<{ kind: 'file'; path: string; passphrase?: string }>
  /** Made by the signer and gone with it: for runs that can earn nothing. */
  | Readonly<{ kind: 'ephemeral' }>
  | HeldKeySource

/** A key that never leaves what holds it, or an identity that is certified anew. `held-signer/address.ts` reads it. */
export type HeldKeySource = Readonly<{
  kind: 'held'
  address: string
  /** The caller's variables that open it, and no others: credentials, addresses, the PIN. */
  settings: Readonly<Record<string, string>>
  /** HTTP_PROXY and so on, as Node reads them. */
  proxies: Readonly<Record<string, string>>
  /** PEM texts that are trusted beside Node's own authorities. */
  authorities: readonly string[]
  /** Absolute path of the Ed25519 key that keeps the project's log; of none it is a throw-away one. */
  logKeyPath?: string
  /** The holder is to make the key first. */
  create?: true
  /** Of the key that the user chose: another one is refused. */
  expectedHint?: string
}>

export type NewKey = Readonly<{
  /** PKCS8 PEM; PBES2 with AES-256-CBC when a passphrase was given. */
  privatePem: string
  publicPem: string
  publicKey: KeyObject
}>

export type KeyType = 'p256' | 'ed25519'

/** A new key, ECDSA on P-256 or Ed25519. An empty passphrase is none. */
export function generateKey(passphrase: string | undefined, type: KeyType = 'p256'): NewKey {
  const { privateKey, publicKey } =
    type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const encryption = passphrase === undefined || passphrase === '' ? {} : { cipher: 'aes-256-cbc', passphrase }
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString(),
    publicPem: pemOf(publicKey),
    publicKey,
  }
}
