/**
 * What the validator is asked, and what it answers: one JSON file each, in the folder that it may write.
 *
 * Trust: the request is ours. The answer comes from a process that read hostile data: its shape is held here, its size by
 * whoever reads it, and nothing in it is more than text and numbers.
 */
import { z } from 'zod'
import type { ColumnType, TableContract } from '../contract/index.ts'
import { checkShape } from './check.ts'

export type FileList = readonly Readonly<{ path: string; inner: string }>[]

export type ValidatorLimits = Readonly<{
  threads: number
  engineMemoryBytes: number
  spillBytes: number
  unpackedBytes: number
  columns: number
}>

/** Paths are those inside the sandbox. */
export type ValidateRequest = Readonly<{
  task: 'validate'
  files: FileList
  contract?: TableContract
  others: readonly Readonly<{ name: string; files: FileList; types: Readonly<Record<string, ColumnType>> }>[]
  /** RFC 3339. */
  now: string
  limits: ValidatorLimits
}>

export type ValidatorRequest = ValidateRequest

export const validateAnswerShape = z.strictObject({
  /** Undefined when the data could not be read. */
  rows: z.int().min(0).optional(),
  checks: z.array(checkShape).min(1).max(200_000),
})
export type ValidateAnswer = Readonly<z.infer<typeof validateAnswerShape>>
