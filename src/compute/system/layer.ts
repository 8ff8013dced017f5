/**
 * The system layer: what of the machine itself a stage stands on, beside what its lock brings. Pure.
 *
 * Packages are told by name, version and the digest of their own list of files; programs and libraries that every stage
 * uses, and what no package owns where programs are looked for, by their bytes. A file of a package whose bytes were
 * changed and that is none of these shows nowhere: DECISION 0031.
 */
import { z } from 'zod'
import { DomainError, parseStrictJson, type Sha256 } from '../../core/index.ts'
import type { Environment } from '../environment.ts'

export type SystemPackage = Readonly<{
  /** `libc6:amd64`. */
  name: string
  version: string
  /** Of the list of its files and their digests, as it was installed. */
  digest: Sha256
}>

/** What of it is the same for every environment of a machine. */
export type SystemLayer = Readonly<{
  architecture: string
  distribution: string
  libc: string
  packages: readonly SystemPackage[]
  /** Absolute path -> digest of the bytes, `-> target` of a link, `unreadable`, or what is known of a large one. */
  files: Readonly<Record<string, string>>
}>

/** The layer with the interpreter that stands on it: what `assay.lock` pins. */
export type SystemRecord = SystemLayer & Readonly<{ version: 1; interpreter: Readonly<Record<string, string>> }>

const text = z.string().max(4096)
const recordShape: z.ZodType<SystemRecord> = z.object({
  version: z.literal(1),
  architecture: text,
  distribution: text,
  libc: text,
  interpreter: z.record(z.string(), text),
  packages: z.array(
    z.object({
      name: text,
      version: text,
      digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) as unknown as z.ZodType<Sha256>, // by the pattern
    }),
  ),
  files: z.record(z.string(), text),
})

/** LIMIT: bytes of a record: some 100,000 packages and files. */
export const maxSystemBytes = 32 * 1024 * 1024

const interpreterFacts = /^(?:python|node|conda)\/(?:version|build|binary|library)$/

export function systemRecord(layer: SystemLayer, environment: Pick<Environment, 'facts'>): SystemRecord {
  const told = environment.facts.filter(({ name }) => interpreterFacts.test(name))
  return { version: 1, ...layer, interpreter: Object.fromEntries(told.map(({ name, value }) => [name, value])) }
}

/** The bytes whose digest `assay.lock` pins: members in one order, names sorted. */
export function printSystem(record: SystemRecord): Uint8Array {
  const { version, architecture, distribution, libc, interpreter, packages, files } = record
  const sorted = (map: Readonly<Record<string, string>>): unknown =>
    Object.fromEntries(Object.entries(map).toSorted(([left], [right]) => (left < right ? -1 : 1)))
  return Buffer.from(
    JSON.stringify({
      ...{ version, architecture, distribution, libc, interpreter: sorted(interpreter) },
      packages: packages.map(({ name, version: own, digest }) => ({ name, version: own, digest })),
      files: sorted(files),
    }),
  )
}

/** @throws ERR_INPUT_MALFORMED */
export function parseSystem(bytes: Uint8Array): SystemRecord {
  const parsed = recordShape.safeParse(parseStrictJson(bytes, 'the record of a system'))
  if (parsed.success) return parsed.data
  throw new DomainError('ERR_INPUT_MALFORMED', 'the record of a system has another shape', { cause: parsed.error })
}

/** In one line, for `assay.lock` and for people. */
export function describeSystem({ distribution, packages, libc, interpreter }: SystemRecord): string {
  const python = interpreter['python/version']
  return [
    distribution,
    packages.length === 0 ? 'no package database' : `${packages.length} packages`,
    libc === 'unknown' ? 'unknown libc' : libc,
    ...(python === undefined || python === 'none' ? [] : [`Python ${python}`]),
  ].join(', ')
}

export type SystemChange = Readonly<{ what: string; before: string; after: string }>

/** What moved between two systems: packages by version, then what is known by its bytes. */
export function diffSystems(before: SystemRecord, after: SystemRecord): readonly SystemChange[] {
  const one = (record: SystemRecord): Readonly<Record<string, string>> => ({
    distribution: record.distribution,
    libc: record.libc,
    architecture: record.architecture,
  })
  return [
    ...changed('system', one(before), one(after)),
    ...changed('interpreter', before.interpreter, after.interpreter),
    ...changedPackages(before.packages, after.packages),
    ...changed('system file', before.files, after.files),
  ]
}

function changed(
  what: string,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly SystemChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted().flatMap((name) => {
    const [then = 'none', now = 'none'] = [before[name], after[name]]
    return then === now ? [] : [{ what: `${what} ${name}`, before: then, after: now }]
  })
}

function changedPackages(before: readonly SystemPackage[], after: readonly SystemPackage[]): readonly SystemChange[] {
  const [then, now] = [before, after].map((packages) => new Map(packages.map((one) => [one.name, one])))
  const names = [...new Set([...before, ...after].map(({ name }) => name))].toSorted()
  return names.flatMap((name) => {
    const [old, fresh] = [then?.get(name), now?.get(name)]
    if (old?.digest === fresh?.digest && old?.version === fresh?.version) return []
    const isSameVersion = old?.version === fresh?.version
    const say = (one: SystemPackage | undefined): string =>
      one === undefined ? 'none' : isSameVersion ? `${one.version} with the files ${one.digest}` : one.version
    return [{ what: `system package ${name}`, before: say(old), after: say(fresh) }]
  })
}
