/** A contract to begin with, from what a dataset is like: for a person to edit, in Open Data Contract Standard 3.1. Pure. */
import { stringify } from 'yaml'

export type DraftColumn = Readonly<{
  name: string
  kind: string
  nulls: number
  isUnique: boolean
  min: string | number | null
  max: string | number | null
  longest: number | null
  values: readonly string[] | null
}>

export type DraftOf = Readonly<{
  table: string
  /** Its name. */
  file: string
  rows: number
  /** What was left out of the facts, and why. */
  without?: string
}>

/**
 * What is true of the data becomes a rule where it is likely to be meant: types, no nulls, uniqueness, few values, bounds
 * of numbers that begin at zero or one. Other bounds are left to who knows the data.
 */
export function draftContract({ table, file, rows, without }: DraftOf, columns: readonly DraftColumn[]): string {
  const missing = without === undefined ? '' : ` Not in it: ${without}.`
  const contract = {
    apiVersion: 'v3.1.0',
    kind: 'DataContract',
    id: table,
    name: table,
    version: '0.1.0',
    status: 'draft',
    description: { purpose: `Drafted by assay from ${file}; edit it before you rely on it.${missing}` },
    schema: [
      {
        name: table,
        ...(file === table ? {} : { physicalName: file }),
        physicalType: 'file',
        properties: columns.map((column, index) => propertyOf(column, index === 0)),
        quality: [{ metric: 'rowCount', mustBeGreaterOrEqualTo: Math.max(1, Math.floor(rows / 2)) }],
      },
    ],
  }
  return stringify(contract, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' })
}

const logicalTypes: Readonly<Record<string, string>> = {
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp',
  string: 'string',
}

function propertyOf(column: DraftColumn, isFirst: boolean): Readonly<Record<string, unknown>> {
  const { name, kind, nulls, isUnique, longest, values, min, max } = column
  const logicalType = logicalTypes[kind]
  const isKey = isUnique && isFirst && nulls === 0 && (kind === 'integer' || kind === 'string')
  const options = {
    ...(kind === 'string' && longest !== null && values === null ? { maxLength: roundUp(longest) } : {}),
    ...((kind === 'integer' || kind === 'number') && (min === 0 || min === 1) ? { minimum: min } : {}),
    ...(kind === 'number' && min !== null && max === 1 && Number(min) >= 0 ? { maximum: 1 } : {}),
  }
  const quality =
    kind === 'string' && values !== null && values.length > 0
      ? [{ metric: 'invalidValues', arguments: { validValues: [...values] }, mustBe: 0 }]
      : undefined
  return {
    name,
    ...(logicalType === undefined ? {} : { logicalType }),
    ...(isKey ? { primaryKey: true } : {}),
    ...(nulls === 0 && !isKey ? { required: true } : {}),
    ...(isUnique && !isKey && kind !== 'number' && kind !== 'timestamp' ? { unique: true } : {}),
    ...(Object.keys(options).length > 0 ? { logicalTypeOptions: options } : {}),
    ...(quality === undefined ? {} : { quality }),
  }
}

/** The next 10, 20, 50, 100, ...: a bound that says of what order, not which row was longest. */
function roundUp(length: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, length)))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= Math.max(10, length)) ?? length
}
