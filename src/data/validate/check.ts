/** What a validation answers: checks, each with what was seen, what was asked and where to look. */
import { z } from 'zod'
import type { ErrorCode } from '../../core/index.ts'
import type { Rule } from '../contract/index.ts'

export type CheckVerdict = 'pass' | 'warn' | 'fail'

/** LIMIT: so many rows or files are listed a check; `count` says how many there are. */
export const maxListed = 100

/** What a look says that it left out, before the columns' names. */
export const unmeasuredColumns = 'the distribution of names of rows, objects, arrays and bytes'

const scalarShape = z.union([z.string().max(2000), z.number(), z.boolean(), z.null()])
const codes = ['ERR_DATA_UNREADABLE', 'ERR_DATA_LIMIT', 'ERR_DATA_VALIDATOR_FAILED'] as const satisfies ErrorCode[]

export const checkShape = z.strictObject({
  /** `schema/type`, `quality/nullValues`, `format/readable`, `poison/trigger`. */
  name: z.string().min(1).max(200),
  column: z.string().max(1000).nullable(),
  verdict: z.enum(['pass', 'warn', 'fail']),
  observed: scalarShape,
  expected: scalarShape,
  /** 1-based data rows, a header not counted, or paths of files; at most `maxListed`. */
  rows: z.array(z.union([z.int().min(1), z.string().max(1100)])).max(maxListed),
  /** Rows or files that are concerned. */
  count: z.number().min(0),
  /** False when the rule could not be evaluated; it never passes then. */
  evaluated: z.boolean(),
  because: z.string().max(2000).optional(),
  code: z.enum(codes).optional(),
})

export type DataCheck = Readonly<z.infer<typeof checkShape>>
export type FormatCode = (typeof codes)[number]

/** Whether its rows are for a person to see: of what did not pass, and of a look for poison that no anchor can hold to anything. */
export function isToLookAt({ name, verdict, expected, rows }: DataCheck): boolean {
  return verdict !== 'pass' || (rows.length > 0 && name.startsWith('poison/') && expected === 'unanchored')
}

/** The worst of the checks; nothing that was looked at passes without one. */
export function worstOf(checks: readonly Pick<DataCheck, 'verdict'>[]): CheckVerdict {
  if (checks.some(({ verdict }) => verdict === 'fail') || checks.length === 0) return 'fail'
  return checks.some(({ verdict }) => verdict === 'warn') ? 'warn' : 'pass'
}

/** A check of the format that did not pass. */
export function formatFault(
  name: string,
  because: string,
  rest: Partial<Pick<DataCheck, 'verdict' | 'column' | 'observed' | 'expected' | 'rows' | 'count' | 'code'>> = {},
): DataCheck {
  return {
    name: `format/${name}`,
    column: null,
    verdict: 'fail',
    observed: null,
    expected: null,
    rows: [],
    count: rest.rows?.length ?? 0,
    evaluated: true,
    because: because.slice(0, 2000),
    ...(rest.verdict === 'warn' ? {} : { code: 'ERR_DATA_UNREADABLE' as const }),
    ...rest,
  }
}

/** What was asked and could not be answered: it never passes. */
export function notEvaluated(rule: Pick<Rule, 'name' | 'column' | 'severity'>, because: string): DataCheck {
  return {
    name: rule.name,
    column: rule.column,
    verdict: rule.severity === 'error' ? 'fail' : 'warn',
    observed: 'not evaluated',
    expected: null,
    rows: [],
    count: 0,
    evaluated: false,
    because: because.slice(0, 2000),
  }
}
