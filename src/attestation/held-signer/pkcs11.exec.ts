/**
 * PKCS#11: a key in a hardware token, or in what behaves as one (SoftHSM in the tests).
 *
 * The library of the token is native code that the user names; it is loaded by `pkcs11js`, an optional package, into the
 * signer's process and no other. SOURCE: PKCS#11 v2.40, 5; RFC 7512 (which object an address means).
 */
import { createRequire } from 'node:module'
import { DomainError } from '../../core/index.ts'
import { readSecretFile } from '../key-file.fs.ts'
import type { Pkcs11Address } from './address.ts'
import { derOf, keyOfPoint } from './ec-encoding.ts'
import { denied, type HeldKey, unreachable, wrong } from './held-key.ts'

export type Pkcs11Options = Readonly<{
  /** Folder of the package pkcs11js. */
  packageFolder: string
  /** ASSAY_KEY_PASSPHRASE: what the user typed. */
  pin?: string
  /** Where the address names no library. */
  module?: string
}>

/** The session stays open as long as the process runs. @throws ERR_KEY_HOME, ERR_KEY_LOCKED, ERR_KEY_PIN, ERR_SIGNER_DENIED, ERR_SIGNER_UNREACHABLE, ERR_SIGNER_WRONG */
export function openPkcs11Key(address: Pkcs11Address, options: Pkcs11Options): HeldKey {
  const token = openToken(address, options, false)
  const { library, session, codes } = token
  const privateKey = onlyObject(token, codes.CKO_PRIVATE_KEY, address)
  const shown = onlyObject(token, codes.CKO_PUBLIC_KEY, address)
  const [parameters, point] = attributesOf(token, shown, [codes.CKA_EC_PARAMS, codes.CKA_EC_POINT])
  const publicKey = keyOfPoint(parameters, point)
  return {
    publicKey,
    signDigest: (digest) =>
      Promise.resolve().then(() =>
        tokenCall('C_Sign', () => {
          library.C_SignInit(session, { mechanism: codes.CKM_ECDSA }, privateKey)
          return derOf(library.C_Sign(session, Buffer.from(digest), Buffer.alloc(64)))
        }),
      ),
  }
}

/** Makes a pair in the token, under the object and the id that the address names; it cannot be taken out. @throws ERR_KEY_EXISTS, and as `openPkcs11Key` */
export function createPkcs11Key(address: Pkcs11Address, options: Pkcs11Options): void {
  const token = openToken(address, options, true)
  const { library, session, codes } = token
  if (objectsOf(token, codes.CKO_PRIVATE_KEY, address).length > 0)
    throw new DomainError('ERR_KEY_EXISTS', 'the token has a key of that name already')
  const named = [
    ...(address.object === undefined ? [] : [{ type: codes.CKA_LABEL, value: address.object }]),
    ...(address.id === undefined ? [] : [{ type: codes.CKA_ID, value: Buffer.from(address.id, 'hex') }]),
    { type: codes.CKA_TOKEN, value: true },
  ]
  tokenCall('C_GenerateKeyPair', () =>
    library.C_GenerateKeyPair(
      session,
      { mechanism: codes.CKM_EC_KEY_PAIR_GEN },
      [...named, { type: codes.CKA_EC_PARAMS, value: p256Name }, { type: codes.CKA_VERIFY, value: true }],
      [
        ...named,
        { type: codes.CKA_SIGN, value: true },
        { type: codes.CKA_PRIVATE, value: true },
        { type: codes.CKA_SENSITIVE, value: true },
        { type: codes.CKA_EXTRACTABLE, value: false },
      ],
    ),
  )
  tokenCall('C_Finalize', () => library.C_Finalize())
}

const p256Name = Buffer.from('06082a8648ce3d030107', 'hex')

/** What is used of pkcs11js, by its own types: an optional package has none to compile with where it is not there. */
type Handle = Buffer
type Mechanism = Readonly<{ mechanism: number }>
type Attribute = Readonly<{ type: number; value?: string | number | boolean | Buffer }>
type Library = Readonly<{
  load(path: string): void
  C_Initialize(): void
  C_Finalize(): void
  C_GetSlotList(present: boolean): readonly Handle[]
  C_GetTokenInfo(slot: Handle): Readonly<{ label: string; serialNumber: string; flags: number }>
  C_OpenSession(slot: Handle, flags: number): Handle
  C_Login(session: Handle, user: number, pin: string): void
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void
  C_FindObjects(session: Handle, most: number): readonly Handle[]
  C_FindObjectsFinal(session: Handle): void
  C_GetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): readonly Attribute[]
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Sign(session: Handle, data: Buffer, into: Buffer): Buffer
  C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): unknown
}>
type Codes = Readonly<
  Record<
    | 'CKA_CLASS'
    | 'CKA_EC_PARAMS'
    | 'CKA_EC_POINT'
    | 'CKA_EXTRACTABLE'
    | 'CKA_ID'
    | 'CKA_LABEL'
    | 'CKA_PRIVATE'
    | 'CKA_SENSITIVE'
    | 'CKA_SIGN'
    | 'CKA_TOKEN'
    | 'CKA_VERIFY'
    | 'CKF_RW_SESSION'
    | 'CKF_SERIAL_SESSION'
    | 'CKF_USER_PIN_FINAL_TRY'
    | 'CKF_USER_PIN_LOCKED'
    | 'CKM_ECDSA'
    | 'CKM_EC_KEY_PAIR_GEN'
    | 'CKO_PRIVATE_KEY'
    | 'CKO_PUBLIC_KEY'
    | 'CKU_USER',
    number
  >
>
type Package = Codes & Readonly<{ PKCS11: new () => Library }>

type Token = Readonly<{ library: Library; session: Handle; codes: Codes }>

function openToken(address: Pkcs11Address, options: Pkcs11Options, writes: boolean): Token {
  const module = address.module ?? options.module
  if (module === undefined)
    throw new DomainError('ERR_KEY_HOME', 'no library of the token is named', {
      help: 'add ?module-path=/path/lib.so to the address, or set ASSAY_PKCS11_MODULE',
    })
  const pin = address.pinFile === undefined ? options.pin : readSecretFile(address.pinFile).toString('utf8').trimEnd()
  if (pin === undefined || pin === '')
    throw new DomainError('ERR_KEY_LOCKED', 'the token wants its PIN and there is none', {
      help: 'set ASSAY_KEY_PASSPHRASE to the PIN, or add pin-source=file:/PATH to the address',
    })
  const codes = loadPackage(options.packageFolder)
  const library = new codes.PKCS11()
  tokenCall('C_Initialize', () => {
    library.load(module)
    library.C_Initialize()
  })
  const slot = onlySlot(library, address)
  const { flags } = tokenCall('C_GetTokenInfo', () => library.C_GetTokenInfo(slot))
  // THREAT: a wrong PIN more, and the token is locked for good: that is for its owner to risk, not for a retry.
  if ((flags & codes.CKF_USER_PIN_FINAL_TRY) !== 0 || (flags & codes.CKF_USER_PIN_LOCKED) !== 0)
    throw new DomainError('ERR_KEY_PIN', 'the token is locked, or has one try left before it locks itself')
  const mode = codes.CKF_SERIAL_SESSION | (writes ? codes.CKF_RW_SESSION : 0)
  const session = tokenCall('C_OpenSession', () => library.C_OpenSession(slot, mode))
  tokenCall('C_Login', () => library.C_Login(session, codes.CKU_USER, pin))
  return { library, session, codes }
}

function loadPackage(folder: string): Package {
  try {
    // as: what the package's own types say of it
    return createRequire(`${folder}/`)(folder) as Package
  } catch {
    throw new DomainError('ERR_KEY_HOME', 'the package pkcs11js, which speaks to tokens, cannot be loaded', {
      help: 'install it beside assay (npm install pkcs11js): it is compiled for this machine',
    })
  }
}

function onlySlot(library: Library, { token, serial, slot }: Pkcs11Address): Handle {
  const slots = tokenCall('C_GetSlotList', () => library.C_GetSlotList(true))
  const fitting = slots.filter((handle) => {
    const info = tokenCall('C_GetTokenInfo', () => library.C_GetTokenInfo(handle))
    return (
      (token === undefined || info.label.trimEnd() === token) &&
      (serial === undefined || info.serialNumber.trimEnd() === serial) &&
      (slot === undefined || slotNumber(handle) === slot)
    )
  })
  const [only] = fitting
  if (only !== undefined && fitting.length === 1) return only
  throw new DomainError('ERR_KEY_HOME', `${fitting.length} tokens are as the address says, of ${slots.length}`)
}

/** CK_ULONG, in the byte order of the machine; Linux on x86 and ARM is little-endian. */
function slotNumber(handle: Handle): number {
  return handle.readUInt32LE(0)
}

function onlyObject(token: Token, kind: number, address: Pkcs11Address): Handle {
  const objects = objectsOf(token, kind, address)
  const [only] = objects
  if (only !== undefined && objects.length === 1) return only
  const what = kind === token.codes.CKO_PRIVATE_KEY ? 'private' : 'public'
  throw new DomainError('ERR_KEY_HOME', `the token has ${objects.length} ${what} keys that the address names`)
}

function objectsOf({ library, session, codes }: Token, kind: number, address: Pkcs11Address): readonly Handle[] {
  return tokenCall('C_FindObjects', () => {
    library.C_FindObjectsInit(session, [
      { type: codes.CKA_CLASS, value: kind },
      ...(address.object === undefined ? [] : [{ type: codes.CKA_LABEL, value: address.object }]),
      ...(address.id === undefined ? [] : [{ type: codes.CKA_ID, value: Buffer.from(address.id, 'hex') }]),
    ])
    try {
      return library.C_FindObjects(session, 10)
    } finally {
      library.C_FindObjectsFinal(session)
    }
  })
}

function attributesOf(
  { library, session }: Token,
  object: Handle,
  types: readonly [number, number],
): readonly [Buffer, Buffer] {
  const read = tokenCall('C_GetAttributeValue', () =>
    library.C_GetAttributeValue(
      session,
      object,
      types.map((type) => ({ type })),
    ),
  )
  const [first, second] = read.map(({ value }) => (Buffer.isBuffer(value) ? value : undefined))
  if (first === undefined || second === undefined) throw wrong('does not show the public key')
  return [first, second]
}

/** What a token says, by the name of its code; its own words and the library's path stay out. */
function tokenCall<Value>(name: string, call: () => Value): Value {
  try {
    return call()
  } catch (error) {
    if (error instanceof DomainError) throw error
    const code = error instanceof Error ? (/\bCKR_[A-Z_]+\b/.exec(error.message)?.[0] ?? '') : ''
    if (code === 'CKR_PIN_INCORRECT' || code === 'CKR_PIN_LEN_RANGE')
      throw new DomainError('ERR_KEY_PIN', 'the token refuses the PIN')
    if (code === 'CKR_PIN_LOCKED') throw new DomainError('ERR_KEY_PIN', 'the token is locked')
    if (/^CKR_(KEY_FUNCTION_NOT_PERMITTED|KEY_TYPE_INCONSISTENT|MECHANISM_INVALID|USER_NOT_LOGGED_IN)$/.test(code))
      throw denied(`refuses \`${name}\` (${code})`)
    throw unreachable(`does not answer \`${name}\`${code === '' ? '' : ` (${code})`}`)
  }
}
