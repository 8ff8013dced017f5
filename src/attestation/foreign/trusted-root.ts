/**
 * A Sigstore trusted root: the authorities, logs and timestamp authorities of one instance.
 *
 * Trust: the file is the user's word. It is read strictly all the same, and what it says badly opens no door: a key or
 * authority without a day from which it counts is left out (`@sigstore/verify` takes it as valid for ever).
 * SOURCE: sigstore/protobuf-specs sigstore_trustroot.proto.
 */
import type { X509Certificate } from '@sigstore/core'
import { TrustedRoot as TrustedRootMessage } from '@sigstore/protobuf-specs'
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify'
import { z } from 'zod'
import { DomainError, parseStrictJson } from '../../core/index.ts'
import publicGood from './public-good-root.json' with { type: 'json' }

export type TrustedRoot = Readonly<{
  material: TrustMaterial
  /** The day of the copy, of the one that came with assay: `2026-08-21`. */
  copiedOn?: string
}>

/** LIMIT: 4 MiB, 32 levels. */
const limits = { maxBytes: 4 * 1024 * 1024, maxDepth: 32 }

/** @throws ERR_TRUSTED_ROOT_MALFORMED */
export function parseTrustedRoot(bytes: Uint8Array): TrustedRoot {
  try {
    const { mediaType, ...lists } = rootShape.parse(parseStrictJson(bytes, 'trusted root', limits))
    const root = TrustedRootMessage.fromJSON({
      mediaType,
      tlogs: lists.tlogs.filter(hasKeyStart),
      ctlogs: lists.ctlogs.filter(hasKeyStart),
      certificateAuthorities: lists.certificateAuthorities.filter(hasStart),
      timestampAuthorities: lists.timestampAuthorities.filter(hasStart),
    })
    const material = toTrustMaterial(root, () => {
      throw new Error('a trusted root names no keys of signers')
    })
    return { material }
  } catch (cause) {
    throw new DomainError('ERR_TRUSTED_ROOT_MALFORMED', 'the trusted root is not what its format says', { cause })
  }
}

/** Whatever any of them vouches for, in the time that it gives each key. */
export function mergedRoot(roots: readonly TrustedRoot[]): TrustedRoot {
  const [first] = roots
  if (first === undefined) throw new DomainError('ERR_TRUSTED_ROOT_MALFORMED', 'there is no trusted root')
  const material = {
    ...first.material,
    certificateAuthorities: roots.flatMap((root) => root.material.certificateAuthorities),
    timestampAuthorities: roots.flatMap((root) => root.material.timestampAuthorities),
    tlogs: roots.flatMap((root) => root.material.tlogs),
    ctlogs: roots.flatMap((root) => root.material.ctlogs),
  }
  return { material }
}

/**
 * Sigstore's public-good instance, for who names no trusted root: a copy, since a verifier fetches nothing.
 *
 * It ages: a key that the instance takes into use later is not in it, and refuses until a newer root is given. SOURCE:
 * sigstore/root-signing targets/trusted_root.json at 60cf2ce8b2e45d600dc17c4421e8c751e75772be (Apache-2.0).
 */
export function publicGoodRoot(): TrustedRoot {
  return { ...parseTrustedRoot(Buffer.from(JSON.stringify(publicGood))), copiedOn: '2026-08-21' }
}

/**
 * Whether these are roots of one instance: it keeps its authorities, so each shares one that issues certificates with the first.
 *
 * What stands above an authority is not asked: two instances of one company may have the same.
 */
export function isOneInstance([first, ...others]: readonly TrustedRoot[]): boolean {
  const own = first === undefined ? [] : issuersOf(first)
  return others.every((root) => issuersOf(root).some((issuer) => own.some((each) => each.equals(issuer))))
}

function issuersOf({ material }: TrustedRoot): readonly X509Certificate[] {
  return material.certificateAuthorities.flatMap(({ certChain }) => certChain.slice(0, 1))
}

const validityShape = z.object({ validFor: z.object({ start: z.iso.datetime({ offset: true }) }) })
const logShape = z.looseObject({ baseUrl: z.string(), publicKey: z.looseObject({ rawBytes: z.string().min(1) }) })
const authorityShape = z.looseObject({ certChain: z.looseObject({ certificates: z.array(z.unknown()).min(1) }) })
/** LIMIT: 100 of each. */
const listOf = <Shape extends z.ZodType>(shape: Shape) => z.array(shape).max(100).default([])

const rootShape = z.looseObject({
  mediaType: z.string().regex(/^application\/vnd\.dev\.sigstore\.trustedroot(\+json;version=0\.1|\.v0\.[12]\+json)$/),
  tlogs: listOf(logShape),
  ctlogs: listOf(logShape),
  certificateAuthorities: listOf(authorityShape),
  timestampAuthorities: listOf(authorityShape),
})

function hasStart(item: unknown): boolean {
  return validityShape.safeParse(item).success
}

function hasKeyStart({ publicKey }: z.infer<typeof logShape>): boolean {
  return hasStart(publicKey)
}
