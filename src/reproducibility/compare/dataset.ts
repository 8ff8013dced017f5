/**
 * Tables and images, which are read in the sandbox of the validator alone: what it says of them, as an answer of ours.
 *
 * Tables are compared row by row in their order. Numbers, columns and samples are measured; all else is exact.
 */
import { isDomainError } from '../../core/index.ts'
import { type Allowance, measureDifference, type ValidatorOptions } from '../../data/index.ts'
import type { Answer } from './bytes.fs.ts'
import { type ComparedVerdict, maxMeasures, type Tolerance, verdictOfMeasures } from './compared.ts'
import type { FilePair } from './file-pair.fs.ts'
import { boundsFor } from './tolerance.ts'
import { Unreadable } from './unreadable.ts'
import { counted, tellMeasures, worstFirst } from './words.ts'

export type DatasetFormat = 'csv' | 'jsonl' | 'parquet' | 'image'

/** @throws Unreadable; ERR_SANDBOX_UNAVAILABLE, ERR_IO */
export async function compareDatasets(
  format: DatasetFormat,
  files: FilePair,
  task: Readonly<{
    path: string
    name?: string
    tolerances: readonly Tolerance[]
    validator: ValidatorOptions
    signal: AbortSignal
  }>,
): Promise<Answer> {
  const kind = format === 'image' ? 'image' : 'table'
  const allowances = boundsFor(task.tolerances, task.path, kind === 'image' ? 'pixels' : 'column')
  const found = await ask(files, { kind, name: nameOf(format, task.name ?? task.path), allowances }, task)
  if (found.fault !== undefined)
    throw new Unreadable(`the ${found.fault.side} file cannot be read: ${found.fault.because}`)
  const { others, otherCount, isReordered } = found
  const measures = worstFirst(found.measures).slice(0, maxMeasures)
  const verdict: ComparedVerdict = otherCount > 0 ? 'diverged' : verdictOfMeasures(found.measures)
  const nouns = kind === 'image' ? { one: 'sample', among: 'channels' } : { one: 'row', among: 'columns' }
  const shown = others.slice(0, 3)
  const told = [
    ...(isReordered ? ['the same rows in another order'] : []),
    ...shown,
    ...(otherCount > shown.length ? [`${counted(otherCount - shown.length, 'more such difference')}`] : []),
    ...tellMeasures(measures, nouns),
  ]
  const same = kind === 'image' ? 'the same pixels, in other bytes' : 'the same rows, written in another way'
  return { verdict, measures, unmeasured: otherCount, detail: told.length === 0 ? same : told.join('; ') }
}

type Wanted = Readonly<{ kind: 'table' | 'image'; name: string; allowances: readonly Allowance[] }>

/** A reader that dies on a file, or takes more than it may, has not read it. */
async function ask(
  files: FilePair,
  wanted: Wanted,
  { validator, signal }: Readonly<{ validator: ValidatorOptions; signal: AbortSignal }>,
): ReturnType<typeof measureDifference> {
  try {
    return await measureDifference(files.left.path, files.right.path, wanted, { ...validator, signal })
  } catch (error) {
    if (!isDomainError(error, 'ERR_DATA_LIMIT', 'ERR_DATA_VALIDATOR_FAILED')) throw error
    throw new Unreadable(`one of the two cannot be read: ${error.message}`)
  }
}

/** What the validator knows a table by. */
function nameOf(format: DatasetFormat, name: string): string {
  return format === 'csv' && /\.tsv$/i.test(name) ? 'table.tsv' : `table.${format}`
}
