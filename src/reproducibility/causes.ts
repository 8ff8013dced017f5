/**
 * What may have made the outs of two runs of a stage differ, likeliest first: by one table, which is meant to be read. Pure.
 *
 * Two kinds of evidence are weighed against each other: what was recorded otherwise in the two runs, and what the code
 * does that no run repeats, as the linter finds it. A third run tells them apart (`repeats`): where two runs on the same
 * records differ as well, the records are not to blame.
 */
import type { RuleName } from './lint/rules.ts'

/** Recorded otherwise in two runs. `what`: a word of the table, and the name behind it. */
export type Difference = Readonly<{ what: string; before: string; after: string }>

/** A place in the code; line 0: a command of the stage itself. */
export type SuspectCode = Readonly<{ rule: RuleName; file: string; line: number; because: string }>

export type Cause = Readonly<{
  what: string
  /** Why this makes outs differ, one clause. */
  because: string
  /** Of what was recorded otherwise. */
  before?: string
  after?: string
}>

export type Suspicion = Readonly<{
  differences: readonly Difference[]
  code: readonly SuspectCode[]
  /** Whether two runs on the same records came to the same; undefined when that is not known. */
  repeats?: boolean
  /** It ran without a sandbox, so its folder has another name in each run. */
  hasOwnFolder?: boolean
}>

/** Rules by what has to change for the outs to change. What is in none of them cannot make two runs differ. */
const eachTime: readonly RuleName[] = [
  'unseeded-random',
  'unseeded-numpy',
  'unseeded-torch',
  'unseeded-tensorflow',
  'missing-seed',
  'data-loader',
  'gpu-determinism',
  'hogwild-updates',
  'completion-order',
  'random-id',
  'os-entropy',
  'shell-random',
  'svg-salt',
  'tensor-metadata',
  'wall-clock',
  'archive-time',
]
/** They may well repeat a moment later. */
const withTime: readonly RuleName[] = ['wall-clock', 'archive-time', 'network-input']
const withFileSystem: readonly RuleName[] = ['listing-order']
const withHashSeed: readonly RuleName[] = ['set-order', 'text-hash']

type Row = Readonly<
  | { record: RegExp; because: string }
  | { code: readonly RuleName[]; when?: (suspicion: Suspicion) => boolean }
  | { folder: true }
  | { itself: true }
>

const repeatsNot = ({ repeats }: Suspicion): boolean => repeats === false
const mayNotRepeat = ({ repeats }: Suspicion): boolean => repeats !== true
const fileSystemMoved = ({ differences }: Suspicion): boolean => differences.some(({ what }) => isFileSystem.test(what))
const hashSeedMoved = ({ differences }: Suspicion): boolean =>
  differences.some(({ what }) => what === 'seed' || what === 'variable PYTHONHASHSEED')
const isFileSystem = /^record machine\/file-system$/

/** Likeliest first: the first row that takes a piece of evidence is its rank. */
const table: readonly Row[] = [
  { code: eachTime, when: repeatsNot },
  { itself: true },
  { code: withHashSeed, when: hashSeedMoved },
  { record: /^seed$/, because: 'it decides all that is drawn' },
  { record: /^code /, because: 'other code ran' },
  { record: /^parameter /, because: 'the stage computes with it' },
  { record: /^command$/, because: 'something else was run' },
  { record: /^input /, because: 'other data went in' },
  { record: /^package /, because: 'another version of a library may compute, or write, in another way' },
  { record: /^(threads|variable \w+_NUM_THREADS)$/, because: 'sums are taken in parts, and rounded in another order' },
  {
    record: /^variable (OPENBLAS_|MKL_|BLIS_|NPY_|ATEN_|ONEDNN_|DNNL_|GLIBC_)/,
    because: 'other kernels are chosen for the same sums',
  },
  { record: /^variable /, because: 'the stage was given another value' },
  { code: withFileSystem, when: fileSystemMoved },
  { code: eachTime, when: mayNotRepeat },
  { folder: true },
  { code: withTime },
  { record: /^limit gpus$|^record gpu\//, because: 'another GPU, or driver, sums in another order' },
  { record: /^(interpreter |record environment\/(python|node|conda|interpreter))/, because: 'another interpreter' },
  {
    record: /^(record environment\/blas|record machine\/cpu-(features|model)|system file .*(blas|lapack))/,
    because: 'linear algebra takes other kernels, and rounds in another way',
  },
  { record: /^environment /, because: 'the packages, or the interpreter, are others' },
  { record: isFileSystem, because: 'folders are listed in another order' },
  { record: /^record (sandbox\/|machine\/architecture)/, because: 'the stage ran in another kind of place' },
  {
    record: /^(system |record (environment|machine)\/(libc|distribution))/,
    because: 'programs and libraries of the system are others',
  },
  { record: /^limit /, because: 'it could use more, or less' },
  { record: /^record machine\//, because: 'the machine was another' },
  { record: /^record /, because: 'recorded otherwise' },
  { code: [...withFileSystem, ...withHashSeed] },
  { code: eachTime },
  { record: /^made /, because: 'a stage before made something else' },
]

const withoutRank = table.length

/**
 * @returns every piece of evidence that the table takes, likeliest first; of equal rank in the order given. What is recorded
 *   comes last where runs on the same records differ as well: it explains nothing
 */
export function rankCauses(suspicion: Suspicion): readonly Cause[] {
  const { differences, code, hasOwnFolder = false } = suspicion
  const lowered = repeatsNot(suspicion) ? withoutRank : 0
  const records = differences.map((difference) => ({ ...rankOfRecord(difference), ...difference }))
  const others = [
    ...code.map((found) => ({ rank: rankOfCode(found, suspicion), what: placeOf(found), because: found.because })),
    ...(hasOwnFolder ? [{ rank: table.findIndex((row) => 'folder' in row), ...ownFolder }] : []),
    ...(repeatsNot(suspicion) ? [{ rank: table.findIndex((row) => 'itself' in row), ...itself }] : []),
  ].filter(({ rank }) => rank < withoutRank)
  return [...records.map((record) => ({ ...record, rank: record.rank + lowered })), ...others]
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ rank: _, ...cause }) => cause)
}

const ownFolder: Cause = { what: 'folder', because: 'without a sandbox the project lies at another path in each run' }
const itself: Cause = { what: 'itself', because: 'it differs from itself on the same records' }

function rankOfRecord({ what }: Difference): Readonly<{ rank: number; because: string }> {
  const rank = table.findIndex((row) => 'record' in row && row.record.test(what))
  const row = table[rank]
  return row !== undefined && 'record' in row
    ? { rank, because: row.because }
    : { rank: withoutRank - 1, because: 'recorded otherwise' }
}

function rankOfCode({ rule }: SuspectCode, suspicion: Suspicion): number {
  const rank = table.findIndex(
    (row) => 'code' in row && row.code.includes(rule) && (row.when === undefined || row.when(suspicion)),
  )
  return rank < 0 ? withoutRank : rank
}

function placeOf({ rule, file, line }: SuspectCode): string {
  return line === 0 ? `${rule} in the command` : `${rule} ${file}:${line}`
}
