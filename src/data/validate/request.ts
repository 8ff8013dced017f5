/**
 * What the validator is asked, and what it answers: one JSON file each, in the folder that it may write.
 *
 * Trust: the request is ours. The answer comes from a process that read hostile data: its shape is held here, its size by
 * whoever reads it, and nothing in it is more than text and numbers.
 */
import { z } from 'zod'
import type { Bound } from '../bounds.ts'
import type { ColumnType, TableContract } from '../contract/index.ts'
import { maxLabel } from '../files/judged-files.ts'
import { readings } from '../files/readings.ts'
import type { Tally } from '../poison/index.ts'
import type { TableProfile } from '../statistics/index.ts'
import { tallyNames, tallyShape } from './baseline.ts'
import { checkShape } from './check.ts'
import type { DifferenceRequest } from './difference.ts'
import type { PicturesRequest } from './draw-request.ts'
import type { JudgedRows, RowColumn } from './judged-rows.ts'
import { stampLimits } from './stamp-limits.ts'

/** `path` is inside the sandbox; `inner` in the dataset. */
export type FileList = readonly Readonly<{ path: string; inner: string }>[]

export type ValidatorLimits = Readonly<{
  threads: number
  engineMemoryBytes: number
  spillBytes: number
  unpackedBytes: number
  columns: number
}>

/** What statistics need to know of a table, beyond its values. */
export type StatisticsRequest = Readonly<{
  label?: string
  source?: string
  /** Chooses the rows of a sample, and the folds of what looks for poison. */
  seed: number
  /** Whether poison is looked for. */
  poison: boolean
}>

/** Which rows are to be told with hash and values: all suspects that nobody judged yet, and these: numbers, or paths of files. */
export type TriageRequest = Readonly<{ key?: string; rows: readonly (number | string)[] }>

export type ValidateRequest = Readonly<{
  task: 'validate'
  files: FileList
  contract?: TableContract
  others: readonly Readonly<{ name: string; files: FileList; types: Readonly<Record<string, ColumnType>> }>[]
  /** RFC 3339. */
  now: string
  /** Set when the data is to be compared, searched for poison, or shown. */
  statistics?: StatisticsRequest
  /** What it was approved as. */
  baseline?: Readonly<{ profile: TableProfile | null; poison: readonly Tally[] }>
  bounds?: readonly Bound[]
  /** Tables whose rows are the approved ones. */
  anchor?: FileList
  /** Tables of the version before, to tell what is new in this one. */
  previous?: FileList
  /** Rows that people verified: whether they are in the data, and whether that may become an anchor beside them. */
  golden?: Readonly<{ files: FileList; isAnchor: boolean }>
  /** Rows whose values are shown with the checks that name them; 0 for data that must not be shown. */
  examples: number
  /** Oldest first: the newest word on a row counts. */
  judged?: readonly JudgedRows[]
  triage?: TriageRequest
  limits: ValidatorLimits
}>

export type ProfileRequest = Readonly<{
  task: 'profile'
  files: FileList
  types: Readonly<Record<string, ColumnType>>
  statistics: StatisticsRequest
  limits: ValidatorLimits
}>

export type DiffRequest = Readonly<{
  task: 'diff'
  left: FileList
  right: FileList
  /** Columns that name a row; chosen when left out. */
  key?: readonly string[]
  label?: string
  source?: string
  limits: ValidatorLimits
}>

/** An image that was looked at before. `grey`: base64 of its 32 x 32 levels. */
export type KnownImage = Readonly<{ inner: string; grey?: string }>

/** Files to be looked at, and images that need not be. `keep`: whether greys are to be told. */
export type FileGroup = Readonly<{ files: FileList; known: readonly KnownImage[]; keep: boolean }>

export type FilesRequest = FileGroup &
  Readonly<{
    task: 'files'
    /** LIMIT: of one image. */
    pixels: number
    /** A table among `files` that says which class each image is of; the folders that it lies in when left out. */
    label?: string
    /** Of all files of the dataset, those that need not be looked at too: with a table of labels the class of each is told. */
    names?: readonly string[]
    bounds?: readonly Bound[]
    /** The approved files. */
    anchor?: FileGroup
    /** Chooses images, when they are many. */
    seed: number
    /** What people said of files, and the digest of each file that is there, by its path. */
    judged?: Readonly<{ words: readonly JudgedRows[]; digests: readonly (readonly [inner: string, digest: string])[] }>
    /** Whether suspects are to be told one by one. */
    pointed?: true
    limits: ValidatorLimits
  }>

/** Suspected triggers, and clean rows to put them into. */
export type StampRequest = Readonly<{
  task: 'stamp'
  files: FileList
  types: Readonly<Record<string, ColumnType>>
  anchor?: FileList
  /** Rows that no model was trained on. */
  rows: FileList
  statistics: StatisticsRequest
  /** Rows of each kind for each trigger. */
  each: number
  limits: ValidatorLimits
}>

export type ValidatorRequest =
  | StampRequest
  | ValidateRequest
  | ProfileRequest
  | DiffRequest
  | FilesRequest
  | PicturesRequest
  | DifferenceRequest

const lookShape = z.strictObject({
  type: z.string().max(20),
  width: z.int().min(0).exactOptional(),
  height: z.int().min(0).exactOptional(),
  look: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
  fault: z.string().max(300).exactOptional(),
  isTooLarge: z.literal(true).exactOptional(),
  readings: z.array(z.enum(readings)).max(readings.length).readonly().exactOptional(),
  isBomb: z.literal(true).exactOptional(),
  isLying: z.literal(true).exactOptional(),
  isBelieved: z.literal(true).exactOptional(),
  isUnread: z.literal(true).exactOptional(),
  grey: z
    .string()
    .regex(/^[A-Za-z0-9+/]{1366}==$/)
    .exactOptional(),
})

export const filesAnswerShape = z.strictObject({
  /** One entry a file, in the order of the request. */
  files: z.array(lookShape).max(5_000_000),
  /** The same of the approved files. */
  anchor: z.array(lookShape).max(5_000_000),
  checks: z.array(checkShape).max(1000),
  unseen: z.array(z.string().max(2000)).max(1000),
  /** What a table of labels says of each file. LIMIT: so many characters of a label count. */
  labels: z.array(z.tuple([z.string(), z.string().max(maxLabel).nullable()])).exactOptional(),
  /** The worst first. */
  pointed: z
    .array(z.strictObject({ inner: z.string(), check: z.string().max(200), because: z.string().max(2000) }))
    .max(20_000)
    .optional(),
})
export type FilesAnswer = Readonly<z.infer<typeof filesAnswerShape>>

const cellShape = z.string().max(2000).nullable()
const rowShape = z.number().min(1)

/** Values of a row, column by column as `columns` of the answer. */
const exampleShape = z.strictObject({ row: rowShape, values: z.array(cellShape) })

/** A row to be judged, or several that are the same: what they are, and why they are suspect. */
const suspectShape = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of its values, however they are written; of a file, of its bytes, whatever class it is of. */
  content: z.string().regex(/^[0-9a-f]{64}$/),
  rows: z.array(rowShape).min(1).max(1000),
  reasons: z
    .array(z.strictObject({ check: z.string().max(200), column: z.string().max(1000).nullable(), because: z.string() }))
    .max(100),
  values: z.array(cellShape),
})
/** `rows`: numbers, or paths of files. */
export type SuspectRow = Readonly<
  Omit<z.infer<typeof suspectShape>, 'rows'> & {
    rows: readonly (number | string)[]
    /** Images that look most like it, of its own class and of others, the nearest first, and none of them suspect. */
    nearest?: readonly NearImage[]
  }
>
/** `distance`: of grey levels, the root of the mean square, 0 to 255. */
export type NearImage = Readonly<{ file: string; label: string | null; distance: number }>

/** The suspects that nobody judged, with what tells them from one another. `more`: so many are not among them. */
export type FoundSuspects = Readonly<{
  columns: readonly string[]
  /** All that a row is made of. */
  whole?: readonly RowColumn[]
  suspects: readonly SuspectRow[]
  more: number
}>

/** What is new in a version, for the history of all of them. */
const versionShape = z.strictObject({
  increments: z
    .array(
      z.strictObject({
        name: tallyNames,
        column: z.string().max(1000).nullable(),
        part: z.string().max(100),
        found: z.number().min(0),
        expected: z.number().min(0),
        of: z.number().min(0),
        expectedError: z.number().min(0),
      }),
    )
    .max(1000),
  drift: z.array(z.strictObject({ column: z.string().max(1000), effect: z.number().min(0) })).max(10_000),
})

export const validateAnswerShape = z.strictObject({
  /** Undefined when the data could not be read. */
  rows: z.int().min(0).optional(),
  checks: z.array(checkShape).min(1).max(200_000),
  unseen: z.array(z.string().max(2000)).max(1000),
  /** As `parseTableProfile` takes it. */
  profile: z.unknown().optional(),
  anchorProfile: z.unknown().optional(),
  /** Compared with the rows of the anchor; undefined without them. */
  version: versionShape.optional(),
  examples: z.strictObject({ columns: z.array(z.string()), rows: z.array(exampleShape).max(1000) }).optional(),
  /** When they were asked for. `more`: so many suspects are not among them. */
  triage: z
    .strictObject({
      columns: z.array(z.string()),
      whole: z.array(z.strictObject({ name: z.string().max(1000), type: z.string().max(1000) })),
      suspects: z.array(suspectShape).max(2000),
      more: z.int().min(0),
    })
    .optional(),
})
export type ValidateAnswer = Readonly<z.infer<typeof validateAnswerShape>>

/** What a draft of a contract is made of. */
const factShape = z.strictObject({
  name: z.string(),
  kind: z.enum(['integer', 'number', 'boolean', 'date', 'timestamp', 'string', 'binary', 'nested']),
  nulls: z.number().min(0),
  isUnique: z.boolean(),
  min: z.union([z.string().max(2000), z.number()]).nullable(),
  max: z.union([z.string().max(2000), z.number()]).nullable(),
  longest: z.number().nullable(),
  /** All of them, when there are few. */
  values: z.array(z.string().max(2000)).max(50).nullable(),
})
export type ColumnFact = Readonly<z.infer<typeof factShape>>

export const profileAnswerShape = z.strictObject({
  rows: z.int().min(0).optional(),
  checks: z.array(checkShape).max(200_000),
  unseen: z.array(z.string().max(2000)).max(1000),
  profile: z.unknown().optional(),
  poison: z.array(tallyShape).optional(),
  facts: z.array(factShape).optional(),
})
export type ProfileAnswer = Readonly<z.infer<typeof profileAnswerShape>>

const cellChangeShape = z.strictObject({ name: z.string(), before: cellShape, after: cellShape })
const wholeCellShape = z
  .string()
  .max(4 * stampLimits.characters)
  .nullable()

export const stampAnswerShape = z.strictObject({
  /** Why there is no answer, when there is none. */
  checks: z.array(checkShape).max(200_000),
  /** Of the clean rows. */
  columns: z.array(z.string()).max(5000),
  stamps: z
    .array(
      z.strictObject({
        what: z.string().max(5000),
        target: z.string().max(2000),
        carriers: z.int().min(1),
        controls: z.int().min(0),
      }),
    )
    .max(stampLimits.stamps),
  /** `stamp`: place in `stamps`, -1 for a row as it was. */
  rows: z
    .array(
      z.strictObject({
        stamp: z.int().min(-1),
        kind: z.enum(['plain', 'trigger', 'control']),
        values: z.array(wholeCellShape),
      }),
    )
    .max((2 * stampLimits.stamps + 1) * stampLimits.rows),
})
export type StampAnswer = Readonly<z.infer<typeof stampAnswerShape>>

const countsShape = z.strictObject({ added: z.number(), removed: z.number(), changed: z.number() })
export const diffAnswerShape = z.strictObject({
  /** Set when a side could not be read. */
  checks: z.array(checkShape).max(100),
  /** How rows were put beside each other. */
  by: z.union([z.literal('position'), z.literal('content'), z.array(z.string())]).optional(),
  rows: z.strictObject({ left: z.number(), right: z.number() }).optional(),
  /** Columns that one side has alone, has in another type, or in another order. */
  columns: z
    .strictObject({
      added: z.array(z.string()),
      removed: z.array(z.string()),
      retyped: z.array(cellChangeShape),
      moved: z.boolean(),
    })
    .optional(),
  counts: countsShape.optional(),
  /** Rows whose label is another one. */
  relabelled: z.strictObject({ count: z.number(), rows: z.array(rowShape).max(1000) }).optional(),
  /** What each source added, removed and changed. */
  sources: z
    .array(countsShape.extend({ source: cellShape }))
    .max(1000)
    .optional(),
  added: z.array(rowShape).max(1000),
  removed: z.array(rowShape).max(1000),
  changed: z
    .array(
      z.strictObject({
        row: rowShape,
        key: z.union([z.number(), z.string().max(8000)]),
        columns: z.array(cellChangeShape),
      }),
    )
    .max(1000),
})
export type DiffAnswer = Readonly<z.infer<typeof diffAnswerShape>>
