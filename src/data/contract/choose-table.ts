/** Which table of a contract a file stands for. */
import { DomainError } from '../../core/index.ts'
import type { Contract, TableContract } from './rule.ts'

/**
 * The schema object named like the file (`name` or `physicalName`, with or without the file's ending), else the only one.
 *
 * @param file name of the file or folder, without its folders
 * @throws ERR_DATA_CONTRACT_TABLE when there is none, or several and none of that name
 */
export function chooseTable({ tables, name }: Contract, file: string): TableContract {
  const named = tableNamed(tables, file)
  if (named !== undefined) return named
  const [only, ...more] = tables
  if (only !== undefined && more.length === 0) return only
  const listed = tables.map((table) => table.name).join(', ')
  throw new DomainError(
    'ERR_DATA_CONTRACT_TABLE',
    only === undefined
      ? `the contract \`${name}\` describes no table (schema is empty)`
      : `the contract \`${name}\` describes ${listed.slice(0, 300)}, and none of them is called like \`${file}\``,
    { help: 'name the file like the schema object that describes it, or set its physicalName to the name of the file' },
  )
}

/** Tables beside its own that the rules of a table may ask: none when no rule looks into another one. */
export function otherTables({ tables }: Contract, own: TableContract): readonly TableContract[] {
  const isNeeded = own.rules.some(({ kind }) => kind === 'foreign-key' || kind === 'sql')
  return isNeeded ? tables.filter(({ name }) => name !== own.name) : []
}

/** Whether the file or folder is called like the table, with or without its ending. */
export function isCalledLike(
  { name, physicalName }: Pick<TableContract, 'name' | 'physicalName'>,
  file: string,
): boolean {
  const names = physicalName === undefined ? [name] : [name, physicalName.split('/').at(-1) ?? physicalName]
  return names.some((each) => each === file || stemOf(each) === stemOf(file))
}

function tableNamed(tables: readonly TableContract[], file: string): TableContract | undefined {
  const stem = stemOf(file)
  const called = (table: TableContract): readonly string[] => {
    const physical = table.physicalName?.split('/').at(-1)
    return physical === undefined ? [table.name] : [table.name, physical]
  }
  return (
    tables.find((table) => called(table).includes(file)) ??
    tables.find((table) => called(table).some((name) => stemOf(name) === stem))
  )
}

/** `train.csv.gz` -> `train`. */
export function stemOf(file: string): string {
  return file.replace(/\.(csv|tsv|jsonl|ndjson|parquet)(\.gz)?$/i, '')
}
