/** Evidence that lies somewhere, as `assay attest show` tells it: ours or anybody's, believed or not. */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type BundleDescription,
  bundlesInLines,
  loadForeign,
  parseCheckpoint,
  parseLogProof,
  type StageFacts,
  statedStage,
} from '../attestation/index.ts'
import { isDomainError, type Json, parseStrictJson } from '../core/index.ts'
import type { Caller } from './project.ts'
import { readSmall } from './small-file.fs.ts'

/** A Sigstore bundle; of a stage also what we read in it. */
export type ShownBundle = Readonly<{
  kind: 'bundle'
  description: BundleDescription
  stage?: StageFacts
  bytes: Uint8Array
}>
/** A DSSE envelope alone: a SLSA summary, a link or a layout of old in-toto, anybody's. `payload`: undefined when it is no JSON. */
export type ShownEnvelope = Readonly<{
  kind: 'envelope'
  payloadType: string
  keys: readonly string[]
  payload?: Json
  bytes: Uint8Array
}>
/** That something is in a transparency log, or that a log grew. */
export type ShownLogProof = Readonly<{
  kind: 'log-proof'
  origin: string
  size: number
  /** Of the entry; undefined when it tells how the log grew, or is a checkpoint alone. */
  index?: number
  signedBy: readonly string[]
  bytes: Uint8Array
}>
export type ShownEvidence = ShownBundle | ShownEnvelope | ShownLogProof

/** LIMIT: larger files are taken for artifacts, which they are nearly always; so many pieces of exported evidence are shown. */
const maxShownBytes = 64 * 1024 * 1024
const maxShown = 1000

/** Undefined when the file is no evidence: then it is an artifact, which evidence is looked up for. */
export async function evidenceShownAt(caller: Caller, given: string): Promise<readonly ShownEvidence[] | undefined> {
  const file = resolve(caller.workingFolder, given)
  const stats = existsSync(file) ? statSync(file) : undefined
  if (stats?.isFile() !== true || stats.size > maxShownBytes) return undefined
  const bytes = readSmall(file, maxShownBytes)
  const one = await shownOf(bytes)
  if (one !== undefined || !file.endsWith('.jsonl')) return one === undefined ? undefined : [one]
  const shown: ShownEvidence[] = []
  for (const line of bundlesInLines(firstLines(bytes))) {
    const next = await shownOf(line.bytes)
    if (next !== undefined) shown.push(next)
  }
  return shown.length === 0 ? undefined : shown
}

/** Rows of data, as most such files have them, are many. */
function firstLines(bytes: Uint8Array): Uint8Array {
  let end = 0
  for (let lines = 0; lines < maxShown && end < bytes.length; lines += 1) {
    const next = bytes.indexOf(10, end)
    end = next < 0 ? bytes.length : next + 1
  }
  return bytes.subarray(0, end)
}

async function shownOf(bytes: Uint8Array): Promise<ShownEvidence | undefined> {
  const start = Buffer.from(bytes.subarray(0, 4096)).toString('latin1')
  if (start.startsWith('{"assayLog')) return logProofOf(bytes)
  if (Buffer.from(bytes).includes('sigstore.bundle')) {
    const bundle = await bundleOf(bytes)
    if (bundle !== undefined) return bundle
  }
  return start.trimStart().startsWith('{') ? envelopeOf(bytes) : noteOf(bytes)
}

async function bundleOf(bytes: Uint8Array): Promise<ShownBundle | undefined> {
  const foreign = await loadForeign()
  const { describeBundle } = await foreign.loadDescriptions()
  const description = orNothing(() => describeBundle(foreign.parseForeignBundle(bytes)))
  const stage = statedStage(bytes)
  return description === undefined
    ? undefined
    : { kind: 'bundle', description, bytes, ...(stage === undefined ? {} : { stage }) }
}

const limits = { maxBytes: maxShownBytes, maxDepth: 64 }

function envelopeOf(bytes: Uint8Array): ShownEnvelope | undefined {
  const { payloadType, payload, signatures } = fieldsOf(orNothing(() => parseStrictJson(bytes, 'envelope', limits)))
  if (typeof payloadType !== 'string' || typeof payload !== 'string' || !Array.isArray(signatures)) return undefined
  const read = orNothing(() => parseStrictJson(Buffer.from(payload, 'base64'), 'payload', limits))
  const keys = signatures.map((each: Json) => String(fieldsOf(each)['keyid'] ?? ''))
  return { kind: 'envelope', payloadType, keys, bytes, ...(read === undefined ? {} : { payload: read }) }
}

/** A line of exported evidence. */
function logProofOf(bytes: Uint8Array): ShownLogProof | undefined {
  const { proof, growth } = fieldsOf(orNothing(() => parseStrictJson(bytes, 'proof', limits)))
  const text = typeof proof === 'string' ? proof : growth
  return typeof text === 'string' ? noteOf(Buffer.from(text)) : undefined
}

/** A proof, a growth, or a checkpoint. */
function noteOf(bytes: Uint8Array): ShownLogProof | undefined {
  const text = Buffer.from(bytes.subarray(0, 128 * 1024)).toString('utf8')
  const isGrowth = text.startsWith('old ')
  return orNothing(() => {
    const proof = text.startsWith('c2sp.org/tlog-proof') ? parseLogProof(bytes) : undefined
    const signed = proof?.checkpoint ?? (isGrowth ? Buffer.from(text.slice(text.indexOf('\n\n') + 2)) : bytes)
    const { origin, size, note } = parseCheckpoint(signed)
    const signedBy = note.signatures.map(({ name }) => name)
    return { kind: 'log-proof', origin, size, signedBy, bytes, ...(proof === undefined ? {} : { index: proof.index }) }
  })
}

function fieldsOf(json: Json | undefined): Readonly<Record<string, Json>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
    ? Object.fromEntries(Object.entries(json))
    : {}
}

/** INVARIANT: what cannot be read is no evidence, and is looked at as an artifact. */
function orNothing<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (isDomainError(error)) return undefined
    throw error
  }
}
