/**
 * A statement has many spellings (blanks, a timestamp): which of them is kept, and which is read first.
 *
 * What proves a time or stands in a log is one spelling: a poorer one must not stand in its place. Pure.
 */
import {
  parseBundle,
  statedPayload,
  type Verdict,
  type VerifiedGates,
  type VerifiedReproduction,
} from '../attestation/index.ts'
import { isDomainError, type Sha256, sha256Of } from '../core/index.ts'
import type { Project } from './project.ts'

/** Whether a log that the policy names holds it, as proofs show. */
export type IsLogged = (attestation: Sha256) => boolean

type Bundles = Pick<Project['evidence'], 'bundle'>

/** Digest of the payload that a bundle holds, whatever its spelling; undefined where there is none. */
export function payloadOf(bytes: Uint8Array): Sha256 | undefined {
  return readOr(() => sha256Of(statedPayload(bytes)))
}

/** Of those that hold one payload the richest first, where the first of them stands. */
export function richestFirst({ bundle }: Bundles, all: readonly Sha256[], isLogged: IsLogged): readonly Sha256[] {
  const read = all.map((attestation) => ({ attestation, bytes: bundle(attestation) ?? new Uint8Array() }))
  const groups = [...Map.groupBy(read, ({ attestation, bytes }) => payloadOf(bytes) ?? attestation).values()]
  if (groups.length === all.length) return all
  return groups.flatMap((spellings) =>
    spellings
      .map((one) => ({ ...one, worth: spellings.length === 1 ? 0 : worthOf(one.bytes, isLogged) }))
      .toSorted((one, other) => other.worth - one.worth)
      .map(({ attestation }) => attestation),
  )
}

/** That it holds a timestamp is not believed here: one that does not verify makes the bundle one that is not believed. */
function worthOf(bytes: Uint8Array, isLogged: IsLogged): number {
  const timestamps = readOr(() => parseBundle(bytes).timestamps?.length) ?? 0
  return Math.min(timestamps, 1) + Number(isLogged(sha256Of(bytes)))
}

type Said = Pick<VerifiedGates | VerifiedReproduction, 'attestation' | 'signer'>

/**
 * Whether another spelling of what the same signer says is here already, that is worth as much: it stays alone.
 *
 * THREAT: one statement in a thousand spellings; and a poor one that came first, in the place of the one that a log holds.
 */
export function isSaid(
  { bundle }: Bundles,
  bytes: Uint8Array,
  {
    here,
    said,
    verify,
    isLogged,
  }: Readonly<{ here: readonly Sha256[]; said: Said; verify(known: Uint8Array): Verdict<Said>; isLogged: IsLogged }>,
): boolean {
  if (here.includes(said.attestation)) return false
  const payload = payloadOf(bytes)
  return here.some((other) => {
    const known = bundle(other)
    const same = known !== undefined && payloadOf(known) === payload ? verify(known) : undefined
    if (known === undefined || same?.trusted !== true || same.statement.signer.name !== said.signer.name) return false
    return worthOf(known, isLogged) >= worthOf(bytes, isLogged)
  })
}

function readOr<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (isDomainError(error)) return undefined // INVARIANT: what cannot be read is like nothing else
    throw error
  }
}
