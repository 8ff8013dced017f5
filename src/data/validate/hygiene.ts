/**
 * What is looked at in every table, contract or not: that all of it can be read, NUL characters, cells that a
 * spreadsheet would run. Pure.
 */
import type { Rule, TableContract } from '../contract/index.ts'
import { type Relation, type TableColumn, textOf } from '../table/relation.ts'
import { formatFault } from './check.ts'
import { checkOf, type Question } from './plan.ts'

/** @param asked questions of the contract: a column that they read whole needs no count of its own */
export function hygieneOf(
  relation: Relation,
  contract: TableContract,
  asked: readonly Question[],
): readonly Question[] {
  const read = new Set(asked.flatMap(({ rule, expressions }) => (expressions.length > 0 ? [rule.column] : [])))
  const isText = (column: TableColumn): boolean => column.storage !== 'typed'
  const unread = relation.columns.filter((column) => !isText(column) && !read.has(column.name))
  return [
    readable(unread),
    ...nulQuestions(relation.columns.filter(isText)),
    ...formulaQuestions(relation.columns.filter((column) => column.storage === 'text' && mayBeText(column, contract))),
  ]
}

/** THREAT: a count of rows alone is answered from what a file says of itself. */
function readable(columns: readonly TableColumn[]): Question {
  const rule: Rule = { name: 'format/readable', column: null, severity: 'error', kind: 'unevaluated', because: '' }
  return {
    rule,
    expressions: columns.map(({ ref }) => `count(${ref})`),
    decide: (_values, rows) => checkOf(rule, true, rows, 'rows that can all be read'),
  }
}

function nulQuestions(columns: readonly TableColumn[]): readonly Question[] {
  if (columns.length === 0) return []
  const violation = columns.map((column) => `contains(${textOf(column)}, chr(0))`).join(' OR ')
  const rule: Rule = { name: 'format/nul', column: null, severity: 'error', kind: 'unevaluated', because: '' }
  return [
    {
      rule,
      expressions: [`count_if(${violation})`],
      violation: `(${violation})`,
      decide: ([value]) => {
        const count = Number(value)
        if (count === 0) return checkOf(rule, true, 0, 'no NUL characters')
        const because = 'it has NUL characters, at which some readers end a value'
        return formatFault('nul', because, { observed: count, expected: 'no NUL characters', count })
      },
    },
  ]
}

const notText: ReadonlySet<string> = new Set(['integer', 'number', 'boolean', 'date', 'timestamp', 'time'])

function mayBeText(column: TableColumn, { types }: TableContract): boolean {
  return !notText.has(types[column.name]?.logical ?? 'string')
}

/**
 * SOURCE: OWASP, CSV Injection: `=`, `+`, `-`, `@`, tab and carriage return start a formula. A sign or `@` alone is a
 * number, a phone or a handle; it warns when something is called, piped or referred to behind it.
 */
function formulaQuestions(columns: readonly TableColumn[]): readonly Question[] {
  if (columns.length === 0) return []
  const violation = columns.map(
    ({ ref }) => `(ord(${ref}) IN (9, 13, 43, 45, 61, 64) AND regexp_matches(${ref}, '${formula}'))`,
  )
  const rule: Rule = { name: 'format/formula', column: null, severity: 'warning', kind: 'unevaluated', because: '' }
  return [
    {
      rule,
      expressions: [`count_if(${violation.join(' OR ')})`],
      violation: `(${violation.join(' OR ')})`,
      decide: ([value]) => {
        const count = Number(value)
        const because = count === 0 ? {} : { because: 'a spreadsheet that opens the file would run them' }
        return checkOf(rule, count === 0, count, 'no cells that start a formula', { count, ...because })
      },
    },
  ]
}

const formula = '^[=\\t\\r]|^[+@-].*[(|!]'
