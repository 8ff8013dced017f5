/**
 * What must hold of an Ed25519 key and signature beside the equation, so that one key has one spelling, a signature
 * cannot be respelt, and no key exists that anybody can sign for. Pure; shared with `assay/verify`.
 *
 * The equation itself is that of OpenSSL and WebCrypto, without the cofactor, as Go and most others compute it: RFC 8032,
 * 5.1.7 allows either, and they differ only for keys that have a part of small order. Verifiers disagree about points that
 * are of small order or not below p and about S that is not below L: here none of them signs anything.
 * SOURCE: RFC 8032, 5.1 (p, L), 5.1.3, 5.1.7; Chalkias, Garillot, Nikolaenko, "Taming the Many EdDSAs", table 1.
 */

const p = 2n ** 255n - 19n
const order = 2n ** 252n + 27742317777372353535851937790883648493n
/** y of two of the four points of order 8; the others have its negative. */
const eighth = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n

/** @param point 32 bytes @returns false for the eight points of small order, and for another spelling of a point */
export function isSoundPoint(point: Uint8Array): boolean {
  const y = BigInt.asUintN(255, numberOf(point))
  return y > 1n && y < p - 1n && y !== eighth && y !== p - eighth
}

/** @param signature R and S, 32 bytes each */
export function isSoundSignature(signature: Uint8Array): boolean {
  return signature.length === 64 && isSoundPoint(signature.subarray(0, 32)) && numberOf(signature.subarray(32)) < order
}

/** Little endian. */
function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((number, byte) => number * 256n + BigInt(byte), 0n)
}
