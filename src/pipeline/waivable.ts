/**
 * What a reviewer can waive of data: checks that fail on it, as the gate sees them. A waiver of anything else would be signed,
 * committed, and do nothing.
 */
import type { StatedCheck } from '../attestation/index.ts'
import { type Digest, DomainError, nearest, quotedForShell } from '../core/index.ts'
import type { DataCheck } from '../data/index.ts'
import { answerQuestion } from './answer-question.ts'
import { knownVerdict, validatorIdentityDigest } from './data-gate.ts'
import { covers, questionOf } from './data-question.ts'
import { wholeAt } from './input-at.ts'
import type { Project } from './project.ts'

export type WaiverAsked = Readonly<{
  path: string
  check: string
  column?: string
  rows?: readonly (number | string)[]
}>

/**
 * Refuses what a waiver would do nothing for. A verdict that is there already says what fails; without one, or where single
 * rows are named, which a verdict does not list, the data is looked at anew.
 *
 * @returns digest of the data that was looked at
 * @throws ERR_DATA_WAIVER_MISMATCH, ERR_DATA_MISSING, what the validator throws
 */
export async function requireFailure(project: Project, asked: WaiverAsked, signal: AbortSignal): Promise<Digest> {
  const { path, rows } = asked
  const input = await wholeAt(project, path, (whole) => `--of ${quotedForShell(whole)}`)
  const question = await questionOf(project, input, await validatorIdentityDigest(project))
  const known = rows === undefined ? knownVerdict(project, question)?.verdict.checks : undefined
  if (known !== undefined) failing(asked, known)
  else refuseFewerRows(asked, failing(asked, (await answerQuestion(project, question, { signal })).checks))
  return input.content.digest
}

/** Those that the waiver is for. @throws ERR_DATA_WAIVER_MISMATCH when there are none */
export function failing<Check extends DataCheck | StatedCheck>(
  asked: WaiverAsked,
  checks: readonly Check[],
): readonly Check[] {
  const meant = checks.filter(({ name, column }) => name === asked.check && (column ?? undefined) === asked.column)
  const failed = meant.filter(({ verdict }) => verdict === 'fail')
  if (failed.length > 0) return failed
  const of = asked.column === undefined ? '' : ` of \`${asked.column}\``
  const [one] = meant
  const became = one === undefined ? 'is no check that fails' : one.verdict === 'warn' ? 'only warned' : 'passed'
  const rest = one === undefined ? '' : ': a waiver is for what failed'
  throw new DomainError('ERR_DATA_WAIVER_MISMATCH', `\`${asked.check}\`${of} ${became} on \`${asked.path}\`${rest}`, {
    help: failuresTold(asked, checks),
  })
}

/** LIMIT: so many are told; `assay data validate` tells all. */
const maxTold = 8

/** The nearest spelling first. */
function failuresTold({ check, column, path }: WaiverAsked, checks: readonly (DataCheck | StatedCheck)[]): string {
  const all = checks.filter(({ verdict }) => verdict === 'fail').map(({ name, column: of }) => spelled(name, of))
  if (all.length === 0) return `nothing fails on it: assay data validate ${quotedForShell(path)} tells what was checked`
  const near = nearest(spelled(check, column), all) ?? all.find((each) => each.split(' ')[0] === check)
  const told = [...new Set([...(near === undefined ? [] : [near]), ...all])]
  const more = told.length > maxTold ? `; and ${told.length - maxTold} more` : ''
  return `what fails, and can be waived: ${told.slice(0, maxTold).join('; ')}${more}`
}

function spelled(check: string, column: string | null | undefined): string {
  return column === null || column === undefined ? check : `${check} --column ${quotedForShell(column)}`
}

/** A waiver of single rows has to name all that fail. */
function refuseFewerRows({ check, path, rows }: WaiverAsked, failed: readonly DataCheck[]): void {
  const [first] = failed
  if (rows === undefined || first === undefined || failed.some((each) => covers({ rows }, each))) return
  const isListed = first.count === first.rows.length && first.rows.length > 0
  const left = first.rows.filter((row) => !rows.includes(row))
  throw new DomainError(
    'ERR_DATA_WAIVER_MISMATCH',
    isListed
      ? `\`${check}\` fails on \`${path}\` for more than \`--rows\` names: ${left.join(', ')} too`
      : `\`${check}\` fails on \`${path}\` for what cannot be named row by row`,
    {
      help: isListed
        ? `name all: --rows ${first.rows.join(',')}, or mend the data`
        : 'leave out --rows, or mend the data',
    },
  )
}
