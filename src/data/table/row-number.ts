/** 1-based numbers of data rows, in the order of the file: pure. */
import type { Relation } from './relation.ts'
import { identifier } from './sql.ts'

/** The relation with 1-based numbers of its rows, in the order of the file. */
export function numbered(relation: Relation): string {
  // counting goes in the order of the file, on one thread
  const number = relation.rowNumber ?? 'row_number() OVER ()'
  return `(SELECT ${number} AS ${rowColumn(relation)}, * FROM ${relation.from})`
}

/** A name that no column has. */
export function rowColumn({ columns }: Relation): string {
  let name = '__row'
  while (columns.some(({ ref }) => ref.toLowerCase() === `"${name}"`)) name = `_${name}`
  return identifier(name)
}

export function numbersOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.map(Number) : []
}
