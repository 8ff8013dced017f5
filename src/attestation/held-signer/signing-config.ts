/**
 * Which services a Sigstore instance names for signing now: a signing config, v0.2. Pure.
 *
 * SOURCE: sigstore/protobuf-specs sigstore_trustroot.proto, SigningConfig and ServiceConfiguration. Of each kind the newest
 * service that is valid and whose API is known here is taken; a file that wants several of one kind is refused.
 */
import { z } from 'zod'
import { DomainError, parseStrictJson } from '../../core/index.ts'

/** LIMIT: 1 MiB, 16 levels, 100 services of each kind. */
const limits = { maxBytes: 1024 * 1024, maxDepth: 16 }

const service = z.looseObject({
  url: z.string().min(1).max(2000),
  majorApiVersion: z.int(),
  validFor: z.looseObject({
    start: z.iso.datetime({ offset: true }),
    end: z.iso.datetime({ offset: true }).nullish(),
  }),
})
const services = z.array(service).max(100).default([])
const selection = z.looseObject({ selector: z.string(), count: z.int().nullish() }).nullish()
const configShape = z.looseObject({
  mediaType: z.literal('application/vnd.dev.sigstore.signingconfig.v0.2+json'),
  caUrls: services,
  rekorTlogUrls: services,
  rekorTlogConfig: selection,
  tsaUrls: services,
  tsaConfig: selection,
})

/** @returns `sigstore:?fulcio-url=…`. @throws ERR_SIGNER_ADDRESS */
export function addressOfSigningConfig(bytes: Uint8Array, now: Date): string {
  const config = read(bytes)
  for (const each of [config.rekorTlogConfig, config.tsaConfig]) {
    const isOne = each?.selector === 'ANY' || (each?.selector === 'EXACT' && each.count === 1)
    if (each !== undefined && each !== null && !isOne && each.selector !== 'SERVICE_SELECTOR_UNDEFINED')
      throw fault('wants more than one log or timestamp authority')
  }
  const [ca, log, stamps] = [
    newest(config.caUrls, [1], now),
    newest(config.rekorTlogUrls, [2, 1], now),
    newest(config.tsaUrls, [1], now),
  ]
  if (ca === undefined) throw fault('names no authority that is valid now')
  const query = new URLSearchParams({ 'fulcio-url': ca.url })
  if (log !== undefined) {
    query.set('rekor-url', log.url)
    query.set('rekor-version', String(log.majorApiVersion))
  }
  if (stamps !== undefined) query.set('timestamp-url', stamps.url)
  return `sigstore:?${query}`
}

function read(bytes: Uint8Array): z.infer<typeof configShape> {
  try {
    return configShape.parse(parseStrictJson(bytes, 'signing config', limits))
  } catch (cause) {
    throw fault('is not what its format says', cause)
  }
}

type Service = z.infer<typeof service>

/** The highest API that is known first, then the one that was taken into use last. */
function newest(all: readonly Service[], versions: readonly number[], now: Date): Service | undefined {
  const valid = all.filter(({ validFor: { start, end }, majorApiVersion }) => {
    const isOver = end !== undefined && end !== null && Date.parse(end) < now.getTime()
    return versions.includes(majorApiVersion) && Date.parse(start) <= now.getTime() && !isOver
  })
  const [first] = valid.toSorted(
    (left, right) =>
      right.majorApiVersion - left.majorApiVersion ||
      Date.parse(right.validFor.start) - Date.parse(left.validFor.start),
  )
  return first
}

function fault(what: string, cause?: unknown): DomainError {
  return new DomainError('ERR_SIGNER_ADDRESS', `the signing config ${what}`, {
    help: 'write sigstore:/PATH/signing-config.json, or name the services: sigstore:?fulcio-url=URL&rekor-url=URL',
    cause,
  })
}
