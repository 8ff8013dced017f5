/**
 * Asks the engine what the plan asks: one fused scan, what goes alone, then one more scan for the rows of what failed.
 *
 * An expression that the engine refuses takes only its own rule down: the scan is halved until it is found.
 */
import type { Rule } from '../contract/index.ts'
import { type Engine, firstLine, isOverLimit, type Row } from '../table/engine.duckdb.ts'
import type { Relation } from '../table/relation.ts'
import { numbered, numbersOf, rowColumn } from '../table/row-number.ts'
import { askAlone, endsWanted, type Scanned } from './ask-alone.ts'
import { type DataCheck, formatFault, maxListed, notEvaluated } from './check.ts'
import { hygieneOf } from './hygiene.ts'
import { planTable, type Question, type Value } from './plan.ts'
import type { Tables } from './tables.ts'

export type Evaluated =
  | Readonly<{ kind: 'read'; rows: number; checks: readonly DataCheck[] }>
  | Readonly<{ kind: 'unreadable'; fault: DataCheck }>

/** LIMIT: expressions of one scan; a table of 4,096 columns takes some scans. */
const maxExpressions = 400

export async function evaluateTable(engine: Engine, tables: Tables, now: Date): Promise<Evaluated> {
  const { relation, contract } = tables
  const plan = planTable(contract, relation, now)
  const questions = [...hygieneOf(relation, contract, plan.fused), ...plan.fused]
  const answers: Answers = new Map()
  const ends = plan.alone.flatMap((rule) => endsQuestion(relation, rule) ?? [])
  let rows = 0
  for (const batch of batchesOf([...questions, ...ends.map(({ question }) => question)])) {
    const asked = await ask(engine, relation, batch, answers)
    if (asked.kind === 'unreadable') return asked
    rows = asked.rows
  }
  const decided = questions.map((question) => {
    const answer = answers.get(question)
    if (answer === undefined || 'because' in answer) return notEvaluated(question.rule, answer?.because ?? 'not asked')
    return question.decide(answer.values, rows)
  })
  const located = await locate(engine, relation, questions, listed(questions, decided, answers))
  const alone: DataCheck[] = []
  const scanned = { rows, ends: endsIn(ends, answers) }
  for (const rule of plan.alone) alone.push(await askAlone(engine, tables, rule, scanned))
  const empty = rows === 0 ? [formatFault('rows', 'it has no rows', { observed: 0 })] : []
  const inOrder = inOrderOf(contract.rules, [...plan.decided, ...located, ...alone])
  return { kind: 'read', rows, checks: [...empty, ...inOrder] }
}

type EndsQuestion = Readonly<{ column: string; question: Question }>

/** It decides nothing by itself. */
function endsQuestion(relation: Relation, rule: Rule): EndsQuestion | undefined {
  const column = endsWanted(relation, rule)
  if (column === undefined) return undefined
  const { name, ref } = column
  const expressions = [`min(${ref})`, `max(${ref})`, `count(${ref})`]
  return { column: name, question: { rule, expressions, decide: () => notEvaluated(rule, 'it goes alone') } }
}

function endsIn(asked: readonly EndsQuestion[], answers: Answers): Scanned['ends'] {
  return new Map(
    asked.flatMap(({ column, question }) => {
      const answer = answers.get(question)
      if (answer === undefined || 'because' in answer) return []
      const [low = 0, high = 0, values = 0] = answer.values.map(Number)
      return [[column, [low, high, values]] as const]
    }),
  )
}

function batchesOf(questions: readonly Question[]): readonly (readonly Question[])[] {
  const batches: Question[][] = [[]]
  let size = 0
  for (const question of questions) {
    const { length } = expressionsOf(question)
    if (size + length > maxExpressions) {
      batches.push([])
      size = 0
    }
    batches.at(-1)?.push(question)
    size += length
  }
  return batches
}

/** Of each question the values of its expressions, and the rows that its listing named. */
type Answers = Map<
  Question,
  Readonly<{ values: readonly Value[]; rows: readonly number[] }> | Readonly<{ because: string }>
>

type Asked = Readonly<{ kind: 'asked'; rows: number }> | Readonly<{ kind: 'unreadable'; fault: DataCheck }>

async function ask(
  engine: Engine,
  relation: Relation,
  questions: readonly Question[],
  answers: Answers,
): Promise<Asked> {
  const expressions = questions.flatMap(expressionsOf)
  let row: Row
  try {
    ;[row = []] = await engine.query(`SELECT ${['count(*)', ...expressions].join(', ')} FROM ${relation.from}`)
  } catch (error) {
    return halve(engine, relation, questions, answers, error)
  }
  let at = 1
  for (const question of questions) {
    const { length } = question.expressions
    const rows = question.listing === undefined ? [] : numbersOf(row[at + length])
    answers.set(question, { values: row.slice(at, at + length).map(answerOf), rows })
    at += expressionsOf(question).length
  }
  return { kind: 'asked', rows: Number(row[0]) }
}

/** Whether the data or a rule is at fault says a scan without rules. */
async function halve(
  engine: Engine,
  relation: Relation,
  questions: readonly Question[],
  answers: Answers,
  error: unknown,
): Promise<Asked> {
  const fault = await unreadable(engine, relation)
  if (fault !== undefined) return { kind: 'unreadable', fault }
  if (questions.length === 1) {
    for (const question of questions) answers.set(question, { because: firstLine(error) })
    return ask(engine, relation, [], answers)
  }
  const middle = Math.ceil(questions.length / 2)
  const first = await ask(engine, relation, questions.slice(0, middle), answers)
  return first.kind === 'unreadable' ? first : ask(engine, relation, questions.slice(middle), answers)
}

/** Reads every value of every column and asks nothing. */
export async function unreadable(engine: Engine, relation: Relation): Promise<DataCheck | undefined> {
  const counts = relation.columns.map(({ ref }) => `count(${ref})`)
  for (let at = 0; at === 0 || at < counts.length; at += maxExpressions) {
    try {
      await engine.query(
        `SELECT ${['count(*)', ...counts.slice(at, at + maxExpressions)].join(', ')} FROM ${relation.from}`,
      )
    } catch (error) {
      const because = firstLine(error)
      return formatFault('readable', because, isOverLimit(because) ? { code: 'ERR_DATA_LIMIT' } : {})
    }
  }
  return undefined
}

function expressionsOf({ expressions, listing }: Question): readonly string[] {
  return listing === undefined ? expressions : [...expressions, listing]
}

/** With the rows that the first scan listed already. */
function listed(questions: readonly Question[], checks: readonly DataCheck[], answers: Answers): readonly DataCheck[] {
  return checks.map((check, index) => {
    const question = questions[index]
    const answer = question === undefined ? undefined : answers.get(question)
    return check.verdict === 'pass' || answer === undefined || 'because' in answer || answer.rows.length === 0
      ? check
      : { ...check, rows: [...answer.rows] }
  })
}

function answerOf(value: unknown): Value {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : Number(value)
}

/** Adds the first rows that violate, in one scan for all that failed. */
async function locate(
  engine: Engine,
  relation: Relation,
  questions: readonly Question[],
  checks: readonly DataCheck[],
): Promise<readonly DataCheck[]> {
  const failed = questions.flatMap(({ violation, listing }, index) => {
    const check = checks[index]
    return violation === undefined ||
      listing !== undefined ||
      check === undefined ||
      check.verdict === 'pass' ||
      check.count === 0
      ? []
      : [{ index, violation }]
  })
  if (failed.length === 0) return checks
  const row = rowColumn(relation)
  const located = [...checks]
  for (let at = 0; at < failed.length; at += maxExpressions) {
    const part = failed.slice(at, at + maxExpressions)
    const lists = part.map(({ violation }) => `min(${row}, ${maxListed}) FILTER (WHERE ${violation})`)
    const [found = []] = await engine.query(
      `SELECT ${lists.join(', ')} FROM ${numbered(relation)} WHERE ${part.map(({ violation }) => `(${violation})`).join(' OR ')}`,
    )
    for (const [place, { index }] of part.entries()) {
      const check = checks[index]
      if (check !== undefined) located[index] = { ...check, rows: [...numbersOf(found[place])] }
    }
  }
  return located
}

/** The order in which the contract asks. */
function inOrderOf(rules: readonly Rule[], checks: readonly DataCheck[]): readonly DataCheck[] {
  const key = (name: string, column: string | null): string => `${name}\0${column}`
  const places = new Map<string, number>()
  for (const [index, { name, column }] of rules.entries()) {
    const own = key(name, column)
    if (!places.has(own)) places.set(own, index)
  }
  const placeOf = (check: DataCheck): number => places.get(key(check.name, check.column)) ?? -1
  return checks.toSorted((left, right) => placeOf(left) - placeOf(right))
}
