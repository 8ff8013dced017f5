/**
 * Where a signing key is kept that never leaves its holder, in the forms of address that cosign uses. Pure.
 *
 * SOURCE: sigstore/sigstore pkg/signature/kms (awskms, gcpkms, hashivault); RFC 7512 (pkcs11). `sigstore:` is our own: no
 * key is kept at all, an identity is certified for each signature.
 */
import { DomainError } from '../../core/index.ts'

export type HeldAddress =
  | Readonly<{ kind: 'awskms'; endpoint: string; key: string; region?: string }>
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V` */
  | Readonly<{ kind: 'gcpkms'; name: string }>
  | Readonly<{ kind: 'hashivault'; key: string }>
  | Pkcs11Address
  | SigstoreAddress

export type Pkcs11Address = Readonly<{
  kind: 'pkcs11'
  token?: string
  serial?: string
  slot?: number
  object?: string
  /** CKA_ID, lower-case hex. */
  id?: string
  /** Absolute path of the token's library. */
  module?: string
  /** Absolute path of a file with the PIN. */
  pinFile?: string
}>

export type SigstoreAddress = Readonly<{
  kind: 'sigstore'
  fulcio: string
  rekor?: string
  /** Major version of Rekor's API. */
  rekorVersion: 1 | 2
  timestamps?: string
}>

export const addressForms =
  'pkcs11:token=T;object=O?module-path=/LIB.so, awskms:///alias/NAME, gcpkms://projects/…/cryptoKeyVersions/N, hashivault://NAME or sigstore:?fulcio-url=URL&rekor-url=URL'

/** True for what is the address of a holder, whatever is wrong with it, and no path of a file. */
export function isHeldAddress(text: string): boolean {
  return /^(pkcs11|sigstore):|^(awskms|gcpkms|hashivault):\/\//.test(text)
}

/** @throws ERR_SIGNER_ADDRESS */
export function parseHeldAddress(text: string): HeldAddress {
  if (text.length > 2000 || /[\0-\x20\x7f-\uffff]/.test(text)) throw fault(text, 'is not one')
  const at = text.indexOf(':')
  const rest = text.slice(at + 1)
  switch (text.slice(0, Math.max(0, at))) {
    case 'awskms':
      return awsAddress(text, rest)
    case 'gcpkms':
      return googleAddress(text, rest)
    case 'hashivault':
      return vaultAddress(text, rest)
    case 'pkcs11':
      return pkcs11Address(text, rest)
    case 'sigstore':
      return sigstoreAddress(text, rest)
    default:
      throw fault(text, 'is of no holder that is known')
  }
}

/** `//[ENDPOINT]/KEY`: a key's id, its ARN, or an alias by name or ARN. */
function awsAddress(text: string, rest: string): HeldAddress {
  const [, endpoint = '', key = ''] = /^\/\/([A-Za-z0-9.:[\]-]*)\/(.+)$/.exec(rest) ?? []
  const [, region] = /^arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:(?:key\/[\w-]+|alias\/[\w/-]+)$/.exec(key) ?? []
  if (region === undefined && !/^(alias\/[\w/-]{1,250}|(mrk-)?[0-9a-f-]{32,36})$/.test(key))
    throw fault(text, 'names no key of AWS KMS: its id, its ARN, or alias/NAME')
  return { kind: 'awskms', endpoint, key, ...(region === undefined ? {} : { region }) }
}

function googleAddress(text: string, rest: string): HeldAddress {
  const part = '[A-Za-z0-9_.:-]+'
  const form = new RegExp(
    `^//(projects/${part}/locations/${part}/keyRings/${part}/cryptoKeys/${part})/(?:cryptoKeyVersions|versions)/(\\d{1,9})$`,
  )
  const [, key, version] = form.exec(rest) ?? []
  if (key === undefined) throw fault(text, 'names no version of a key: …/cryptoKeys/NAME/cryptoKeyVersions/N')
  return { kind: 'gcpkms', name: `${key}/cryptoKeyVersions/${version}` }
}

function vaultAddress(text: string, rest: string): HeldAddress {
  const [, key] = /^\/\/([A-Za-z0-9_][A-Za-z0-9_.-]{0,199})$/.exec(rest) ?? []
  if (key === undefined) throw fault(text, 'names no key of Vault')
  return { kind: 'hashivault', key }
}

const pathAttributes = new Set(['token', 'serial', 'slot-id', 'object', 'id', 'type', 'manufacturer', 'model'])
const queryAttributes = new Set(['module-path', 'pin-source'])

/** THREAT: a PIN in an address stands in histories, in logs and in the list of processes. */
function pkcs11Address(text: string, rest: string): HeldAddress {
  const [path = '', query = '', ...more] = rest.split('?')
  const given = new Map([
    ...attributes(text, path.split(';'), pathAttributes),
    ...attributes(text, query.split('&'), queryAttributes),
  ])
  if (more.length > 0) throw fault(text, 'has two `?`')
  const word = (name: string): string | undefined => given.get(name)?.toString('utf8')
  const slot = word('slot-id')
  const module = word('module-path')
  const pin = word('pin-source')?.replace(/^file:(\/\/(?=\/))?/, '')
  if (slot !== undefined && !/^\d{1,10}$/.test(slot)) throw fault(text, 'has a slot that is no number')
  if (!['private', undefined].includes(word('type'))) throw fault(text, 'names no private key')
  for (const each of [module, pin]) {
    if (each !== undefined && !each.startsWith('/')) throw fault(text, 'names a file by no absolute path')
  }
  const id = given.get('id')?.toString('hex')
  const names = { token: word('token'), serial: word('serial'), object: word('object'), id, module, pinFile: pin }
  const known = Object.fromEntries(Object.entries(names).filter((entry) => entry[1] !== undefined))
  if (names.object === undefined && id === undefined) throw fault(text, 'names no key: object=LABEL or id=%01')
  if (names.token === undefined && names.serial === undefined && slot === undefined)
    throw fault(text, 'names no token: token=LABEL, serial=N or slot-id=N')
  return { kind: 'pkcs11', ...known, ...(slot === undefined ? {} : { slot: Number(slot) }) }
}

function attributes(
  text: string,
  parts: readonly string[],
  allowed: ReadonlySet<string>,
): readonly (readonly [string, Buffer])[] {
  const seen = new Set<string>()
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', ...value] = part.split('=')
      if (name === 'pin-value')
        throw fault(text, 'holds a PIN: give it by ASSAY_KEY_PASSPHRASE, by pin-source=file:/PATH, or when asked')
      if (!allowed.has(name) || seen.has(name)) throw fault(text, `has \`${name.slice(0, 40)}\`, or has it twice`)
      seen.add(name)
      return [name, percentDecoded(text, value.join('='))] as const
    })
}

/** Bytes: an id need not be text. */
function percentDecoded(text: string, value: string): Buffer {
  if (/%(?![0-9A-Fa-f]{2})/.test(value)) throw fault(text, 'has a `%` that stands for nothing')
  return Buffer.from(
    value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

const sigstoreNames = new Set(['fulcio-url', 'rekor-url', 'rekor-version', 'timestamp-url'])

/** THREAT: a public service that is asked by default would publish who signs what: each service is named. */
function sigstoreAddress(text: string, rest: string): HeldAddress {
  if (!rest.startsWith('?')) throw fault(text, 'names no services: sigstore:?fulcio-url=URL&rekor-url=URL')
  const query = new URLSearchParams(rest.slice(1))
  const unknown = [...query.keys()].find((name) => !sigstoreNames.has(name) || query.getAll(name).length > 1)
  if (unknown !== undefined) throw fault(text, `has \`${unknown.slice(0, 40)}\`, or has it twice`)
  const fulcio = query.get('fulcio-url')
  const [rekor, timestamps] = [query.get('rekor-url'), query.get('timestamp-url')]
  const rekorVersion = query.get('rekor-version') ?? '1'
  if (fulcio === null) throw fault(text, 'names no authority: fulcio-url=URL')
  if (rekorVersion !== '1' && rekorVersion !== '2') throw fault(text, 'has a rekor-version that is neither 1 nor 2')
  if (rekor === null && timestamps === null) throw fault(text, 'names no log and no timestamp authority')
  for (const each of [fulcio, rekor, timestamps]) {
    if (each !== null && !isSafeUrl(each)) throw fault(text, 'names a service by no https:// address')
  }
  return {
    kind: 'sigstore',
    fulcio,
    rekorVersion: rekorVersion === '1' ? 1 : 2,
    ...(rekor === null ? {} : { rekor }),
    ...(timestamps === null ? {} : { timestamps }),
  }
}

/** THREAT: a token or a credential that is sent in plain text. On this machine itself nobody listens in between. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return (protocol === 'https:' || (protocol === 'http:' && isLocal)) && username === '' && password === ''
}

function fault(text: string, what: string): DomainError {
  const shown = text
    .replace(/(pin-value=).*/is, '$1…')
    .replace(/(\/\/|%2f%2f)((?!@|%40|\/|%2f).)*(@|%40)/gi, '$1…$3')
    .slice(0, 200)
  return new DomainError('ERR_SIGNER_ADDRESS', `the address \`${shown}\` of a signing key ${what}`, {
    help: `write ${addressForms}`,
  })
}
