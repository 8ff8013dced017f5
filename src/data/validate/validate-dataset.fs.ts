/**
 * The verdict on a dataset: what it is by content, and what a contract says of it.
 *
 * The bytes are digested here, while the validator reads them in its sandbox; a file that changed meanwhile is refused.
 * Nothing of the data is parsed in this process.
 */

import { lstatSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Content, DomainError } from '../../core/index.ts'
import { type Contract, chooseTable, stemOf, type TableContract } from '../contract/index.ts'
import { type DigestPathOptions, digestPath } from '../digest-tree.fs.ts'
import { tableFileOf } from '../table/format.ts'
import { walkPlain } from '../walk-plain.fs.ts'
import { type CheckVerdict, type DataCheck, formatFault, worstOf } from './check.ts'
import { validateAnswerShape } from './request.ts'
import { type Dataset, runValidator, type ValidatorOptions } from './run-validator.fs.ts'

export type ValidateOptions = ValidatorOptions &
  Readonly<{
    contract?: Contract
    now: Date
    digest?: DigestPathOptions
  }>

export type DatasetReport = Readonly<{
  verdict: CheckVerdict
  checks: readonly DataCheck[]
  content: Content
  /** Undefined for what is no table, or could not be read. */
  rows?: number
  /** What the checks could not have seen. */
  unseen: readonly string[]
}>

/**
 * @param path absolute: a file or a folder
 * @throws ERR_DATA_MISSING, ERR_DATA_NOT_PLAIN, ERR_DATA_CHANGED, ERR_DATA_CONTRACT_TABLE, ERR_DATA_LIMIT, ERR_DATA_VALIDATOR_FAILED
 */
export async function validateDataset(path: string, options: ValidateOptions): Promise<DatasetReport> {
  const before = walkPlain(path, { name: path })
  const dataset = datasetOf(
    path,
    before.kind,
    before.files.map(({ inner }) => inner),
  )
  const [content, answer] = await Promise.all([digestPath(path, options.digest ?? {}), validate(dataset, options)])
  const after = walkPlain(path, { name: path })
  const stats = (files: typeof before.files): string => files.map(({ inner, stat }) => `${inner} ${stat}`).join('\n')
  if (stats(before.files) !== stats(after.files))
    throw new DomainError('ERR_DATA_CHANGED', `\`${path}\` changed while it was being read`)
  return { verdict: worstOf(answer.checks), content, ...answer, unseen: unseenOf(options) }
}

/** A single file is called by its own name, since the name says what it is. */
function datasetOf(path: string, kind: 'file' | 'folder', inners: readonly string[]): Dataset {
  return { path, kind, files: kind === 'file' ? [basename(path)] : inners.toSorted() }
}

function unseenOf({ contract }: ValidateOptions): readonly string[] {
  return [
    ...(contract === undefined ? ['there is no contract: nothing but the format was held to anything'] : []),
    'there is no baseline: whether the data moved, or was poisoned, was not looked at',
  ]
}

type Answer = Readonly<{ checks: readonly DataCheck[]; rows?: number }>

async function validate(dataset: Dataset, options: ValidateOptions): Promise<Answer> {
  const contract = options.contract === undefined ? undefined : chooseTable(options.contract, basename(dataset.path))
  const tables = dataset.files.filter((file) => tableFileOf(file) !== undefined)
  if (tables.length === 0 || tables.length < dataset.files.length) {
    const because = tables.length === 0 ? 'it is no table' : 'it holds tables and other files'
    return { checks: [formatFault('known', because)] }
  }
  const others = contract === undefined ? [] : othersOf(contract, options.contract, dataset)
  const answer = await runValidator(
    [dataset, ...others.map((other) => other.dataset)],
    ([files = [], ...rest]) => ({
      task: 'validate',
      files,
      ...(contract === undefined ? {} : { contract }),
      others: others.map(({ table }, index) => ({ name: table.name, types: table.types, files: rest[index] ?? [] })),
      now: options.now.toISOString(),
      limits: options.limits,
    }),
    validateAnswerShape,
    options,
  )
  const { rows, checks } = answer
  return rows === undefined ? { checks } : { checks, rows }
}

type Other = Readonly<{ table: TableContract; dataset: Dataset }>

/** Tables that foreign keys and SQL rules may ask: those of the contract whose file lies beside the data. */
function othersOf(own: TableContract, contract: Contract | undefined, dataset: Dataset): readonly Other[] {
  const needed = own.rules.some(({ kind }) => kind === 'foreign-key' || kind === 'sql')
  if (!needed || contract === undefined) return []
  const folder = dirname(dataset.path)
  const siblings = readdirSync(folder).filter(
    (name) => tableFileOf(name) !== undefined && name !== basename(dataset.path),
  )
  return contract.tables.flatMap((table) => {
    if (table.name === own.name) return []
    const file = siblings.find((name) =>
      [table.name, table.physicalName].some(
        (wanted) => wanted !== undefined && (wanted === name || stemOf(wanted) === stemOf(name)),
      ),
    )
    const path = join(folder, file ?? '')
    if (file === undefined || !lstatSync(path).isFile()) return []
    return [{ table, dataset: { path, kind: 'file' as const, files: [file] } }]
  })
}
