/** Two forms that PKCS#11 has of what X.509 and DSSE write otherwise. Pure. SOURCE: PKCS#11 v2.40, 2.3; SEC 1, 2.3.3. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { wrong } from './held-key.ts'

/** DER of a SubjectPublicKeyInfo on P-256 up to the point. SOURCE: RFC 5480, 2. */
const spkiPrefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex')
/** DER of the curve's name, as CKA_EC_PARAMS has it. */
const p256Name = Buffer.from('06082a8648ce3d030107', 'hex')

/** @param point CKA_EC_POINT: an octet string in DER around the uncompressed point; some tokens leave the frame out */
export function keyOfPoint(parameters: Uint8Array, point: Uint8Array): KeyObject {
  if (!p256Name.equals(parameters)) throw wrong('holds a key that is not ECDSA on P-256')
  const raw = point.length === 67 && point[0] === 4 && point[1] === 65 ? point.subarray(2) : point
  if (raw.length !== 65 || raw[0] !== 4) throw wrong('says nonsense of its public key')
  try {
    return createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: 'der', type: 'spki' })
  } catch {
    throw wrong('says nonsense of its public key') // INVARIANT: a point that is not on the curve is no key
  }
}

/** r and s, 32 bytes each, as two integers in DER. */
export function derOf(signature: Uint8Array): Buffer {
  if (signature.length !== 64) throw wrong('answered with a signature of another length')
  const body = Buffer.concat([integer(signature.subarray(0, 32)), integer(signature.subarray(32))])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

/** As few bytes as there can be, and never a negative number. */
function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1
  const trimmed = bytes.subarray(start)
  const value = (trimmed[0] ?? 0) < 0x80 ? trimmed : Buffer.concat([Buffer.from([0]), trimmed])
  return Buffer.concat([Buffer.from([2, value.length]), value])
}
