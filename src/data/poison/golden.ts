/**
 * Does a table that is to become the anchor agree with rows whose labels people have verified, and that no model sees?
 *
 * Rows that both have are compared as they are. Beyond them a judge is fitted on the anchor without those rows, and how often
 * it contradicts the verified labels is held against how often it contradicts the anchor's own out of sample: more often where
 * the anchor taught it something wrong, less often where the anchor's own labels are wrong and models see through them. The
 * golden set has to be drawn at random from such data: then both come from one distribution, and an exact test tells.
 */
import { binomialTail, type Counted, exactTails } from '../statistics/exact-counts.ts'
import { type Column, type Columns, columnOf, featuresOf, labelOf, rowNumberOf, selectRows } from '../table/columns.ts'
import { thinned } from './generator.ts'
import { fitJudge, type Judgement, judgeTable } from './judge.ts'
import { rowHashes } from './row-hash.ts'

export type GoldenName = 'golden/schema' | 'golden/labels' | 'golden/agreement'

export type GoldenCheck = Readonly<{
  name: GoldenName
  verdict: 'pass' | 'warn' | 'fail'
  /** `3 of 120`; no value of the data. */
  observed: string
  expected: string
  /** Rows of the anchor to look at, 1-based. */
  rows: readonly number[]
  count: number
  /** False where it could not be compared; it fails then. */
  evaluated?: boolean
  because: string
}>

export type GoldenReport = Readonly<{ checks: readonly GoldenCheck[]; unseen: readonly string[] }>

/** How often an honest anchor may be refused, by all comparisons together. */
const alpha = 0.01
/** Of labels as people disagree: a difference up to here is none. */
const margin = 0.02
/** The same of the share of a label: what a threshold of drift lets pass. */
const shareMargin = 0.1
/** LIMIT: rows of the anchor that are judged. */
const maxAnchorRows = 50_000
/** Fewer rows than this fit no judge that is worth asking. */
const fewestRows = 50

/** Trust: both tables are hostile; no message repeats a value. */
export function compareGolden(anchor: Columns, golden: Columns, { seed }: Readonly<{ seed: number }>): GoldenReport {
  const fault = schemaFault(anchor, golden)
  if (fault !== undefined) return { checks: [schemaCheck(fault)], unseen: [] }
  const alike = inColumnsOf(anchor, golden)
  const shared = sameRows(anchor, alike)
  const judged = agreement(anchor, alike, { shared, seed })
  return {
    checks: [schemaCheck(undefined), labelsCheck(anchor, shared), ...judged.checks],
    unseen: judged.unseen,
  }
}

function schemaCheck(fault: string | undefined): GoldenCheck {
  const head = { name: 'golden/schema' as const, expected: 'the columns of the golden set', rows: [], count: 0 }
  return fault === undefined
    ? { ...head, verdict: 'pass', observed: 'the same', because: 'it has the columns and the label of the golden set' }
    : { ...head, verdict: 'fail', evaluated: false, observed: 'others', because: fault }
}

/** Why they cannot be compared. */
function schemaFault(anchor: Columns, golden: Columns): string | undefined {
  const [given, verified] = [labelOf(anchor), labelOf(golden)]
  if (given === undefined) return 'no label is named, and without one nothing can be compared'
  if (verified === undefined) return 'the golden set has no column that is called like the label'
  if (golden.rows === 0) return 'the golden set has no rows'
  const known = new Set(given.dictionary)
  if (!verified.dictionary.some((value) => known.has(value)))
    return 'no label of the golden set is one of the data: it is another column, or spelled in another way'
  const other = featuresOf(anchor).filter((column) => {
    const found = columnOf(golden, column.name)
    return found === undefined || !(isEmpty(found) || isEmpty(column) || typeOf(found) === typeOf(column))
  })
  const names = other.slice(0, 3).map(({ name }) => name)
  return other.length === 0
    ? undefined
    : `the golden set lacks columns, or has them in another type: ${names.join(', ')}`
}

function typeOf(column: Column): string {
  return column.kind === 'numeric' ? column.unit : 'coded'
}

/** What has no values has no type either. */
function isEmpty(column: Column): boolean {
  return column.kind === 'numeric' ? column.values.every(Number.isNaN) : column.codes.every((code) => code < 0)
}

/** Few rows make a column of text look like one of categories, or like none of numbers: it is what it is in the anchor. */
function inColumnsOf(anchor: Columns, golden: Columns): Columns {
  const columns = golden.columns.flatMap((column): readonly Column[] => {
    const own = columnOf(anchor, column.name)
    if (own === undefined) return []
    const { name } = own
    if (own.kind === 'numeric')
      return [column.kind === 'numeric' ? column : { ...own, values: new Float64Array(golden.rows).fill(Number.NaN) }]
    if (column.kind !== 'numeric') return [{ ...column, kind: own.kind }]
    return [{ kind: own.kind, name, codes: new Int32Array(golden.rows).fill(-1), dictionary: [] }]
  })
  return { ...golden, columns }
}

/** Rows of the anchor that the golden set has too, whatever their labels; and those of them that it contradicts. */
type Shared = Readonly<{ inAnchor: Uint8Array; found: number; contradicted: readonly number[]; golden: number }>

function sameRows(anchor: Columns, golden: Columns): Shared {
  const names = new Set(golden.columns.map(({ name }) => name))
  const hashesOf = (table: Columns): Float64Array =>
    rowHashes(
      table.rows,
      featuresOf(table).filter(({ name }) => names.has(name)),
      0x601d,
    )
  const verified = new Map<number, Set<string | undefined>>()
  const known = labelsIn(golden)
  for (const [row, hash] of hashesOf(golden).entries()) {
    const labels = verified.get(hash) ?? new Set()
    verified.set(hash, labels.add(known(row)))
  }
  const given = labelsIn(anchor)
  const inAnchor = new Uint8Array(anchor.rows)
  const agreeing = new Map<number, boolean>()
  const contradicting: { row: number; hash: number }[] = []
  for (const [row, hash] of hashesOf(anchor).entries()) {
    const labels = verified.get(hash)
    if (labels === undefined) continue
    inAnchor[row] = 1
    const agrees = labels.has(given(row))
    agreeing.set(hash, agrees || agreeing.get(hash) === true)
    if (!agrees) contradicting.push({ row, hash })
  }
  // where rows look alike some may honestly differ: a row of the golden set is contradicted by all that are like it
  const contradicted = contradicting.filter(({ hash }) => agreeing.get(hash) !== true)
  return {
    inAnchor,
    found: agreeing.size,
    golden: [...agreeing.values()].filter((agrees) => !agrees).length,
    contradicted: contradicted.map(({ row }) => row),
  }
}

function labelsIn(table: Columns): (row: number) => string | undefined {
  const label = labelOf(table)
  return (row) => label?.dictionary[label.codes[row] ?? -1]
}

/** Rows that both have carry labels that people have verified: there is nothing to guess, and some are warned of. */
function labelsCheck(anchor: Columns, { found, golden, contradicted }: Shared): GoldenCheck {
  const isSure = binomialTail(golden, found, margin) < alpha
  return {
    name: 'golden/labels',
    verdict: golden === 0 ? 'pass' : isSure ? 'fail' : 'warn',
    observed: `${golden} of ${found}`,
    expected: 'none',
    rows: contradicted.map((row) => rowNumberOf(anchor, row)),
    count: contradicted.length,
    because:
      golden === 0
        ? `no row that the golden set has too carries another label`
        : `rows that the golden set has too carry another label than people verified`,
  }
}

/** What is told of one comparison: rows that models contradict, or that carry a class. */
type Compared = Readonly<{ where: string; margin: number; golden: Counted; own: Counted }>

function agreement(
  anchor: Columns,
  golden: Columns,
  { shared, seed }: Readonly<{ shared: Shared; seed: number }>,
): GoldenReport {
  const rest = selectRows(
    anchor,
    Int32Array.from(shared.inAnchor.keys()).filter((row) => shared.inAnchor[row] === 0),
  )
  const fitted = rest.rows < fewestRows ? undefined : fitJudge(thinned(rest, maxAnchorRows, seed), { seed })
  if (fitted === undefined) {
    const because = 'too few rows are left beside those of the golden set to fit a model on'
    return tooFew({ observed: `${rest.rows} rows`, because })
  }
  const [all, ...others] = comparisons(judgeTable(fitted.judge, golden), fitted.own)
  if (all === undefined) throw new Error('of all rows there is a comparison')
  const compared = [all, ...others].filter((one) => one.golden.found + one.own.found > 0)
  const level = alpha / (2 * compared.length)
  // THREAT: a golden set of one row agrees with whatever it is held against
  if (!isTold({ ...halfWrong(all), margin }, level)) {
    const because = 'the golden set has too few rows: were half of the labels wrong, it would not tell'
    return tooFew({ observed: `${golden.rows} rows`, because })
  }
  const tested = compared.map((one) => ({ ...one, ...testOf(one) }))
  const refusing = tested.filter((one) => isTold(one, level))
  const [told] = (refusing.length > 0 ? refusing : tested).toSorted((left, right) => left.chance - right.chance)
  if (told === undefined) throw new Error('a judge has two classes')
  const { where, golden: verified, own } = told
  const check = agreementCheck(refusing.length > 0 ? 'fail' : 'pass', {
    observed: `${verified.found} of ${verified.of}`,
    expected: `about ${(100 * shareOf(own)).toFixed(1)} %`,
    because: `${where}: ${verified.found} of ${verified.of} of the golden set, ${own.found} of ${own.of} of the data itself`,
  })
  return { checks: [check], unseen: [unseenOf(all, level)] }
}

/** It fails, and says nothing of the labels. */
function tooFew(said: Pick<GoldenCheck, 'observed' | 'because'>): GoldenReport {
  const check = agreementCheck('fail', { expected: 'more rows', ...said })
  return { checks: [{ ...check, evaluated: false }], unseen: [] }
}

function agreementCheck(
  verdict: GoldenCheck['verdict'],
  said: Pick<GoldenCheck, 'observed' | 'expected' | 'because'>,
): GoldenCheck {
  return { name: 'golden/agreement', verdict, ...said, rows: [], count: 0 }
}

function testOf({ golden, own }: Pick<Compared, 'golden' | 'own'>): Readonly<{ chance: number; difference: number }> {
  const { more, fewer } = exactTails(golden, own)
  return { chance: Math.min(more, fewer), difference: Math.abs(shareOf(golden) - shareOf(own)) }
}

function isTold(one: Omit<Compared, 'where'>, level: number): boolean {
  const { chance, difference } = testOf(one)
  return chance < level && difference > one.margin
}

/** As if models saw through half of the labels, which are wrong, and the verified ones were as they are elsewhere. */
function halfWrong({ golden, own }: Compared): Omit<Compared, 'where' | 'margin'> {
  return { golden: { ...golden, found: 0 }, own: { ...own, found: Math.round(own.of / 2) } }
}

function shareOf({ found, of }: Counted): number {
  return found / Math.max(1, of)
}

/** All rows; those that the judge is surer of than of half of the anchor; each class; each class taken for another; shares. */
function comparisons(golden: Judgement, own: Judgement): readonly Compared[] {
  const size = own.classes.length
  const [verified, given] = [answersOf(golden), answersOf(own)]
  const sure = given.map(({ sureness }) => sureness).sort((left, right) => left - right)[given.length >> 1] ?? 0
  const contradicted = (where: string, counts: Counting): Compared => both(where, margin, counts)
  const isWrong = ({ of, as }: Answer): boolean => of !== as
  const all: Compared[] = [
    contradicted('labels that models contradict', { among: () => true, counted: isWrong }),
    contradicted('labels that models surely contradict', { among: (one) => one.sureness >= sure, counted: isWrong }),
  ]
  for (let of = -1; of < size; of += 1) {
    const isOf = (one: Answer): boolean => one.of === of
    all.push(both('rows that carry one label', shareMargin, { among: () => true, counted: isOf }))
    if (of < 0) continue
    all.push(contradicted('labels of one class that models contradict', { among: isOf, counted: isWrong }))
    // of two classes a pair is the class again
    for (let as = 0; size > 2 && as < size; as += 1)
      if (as !== of)
        all.push(
          contradicted('labels of one class that look like another', { among: isOf, counted: (one) => one.as === as }),
        )
  }
  return all.filter((one) => one.golden.of > 0)

  function both(where: string, least: number, counts: Counting): Compared {
    return { where, margin: least, golden: countIn(verified, counts), own: countIn(given, counts) }
  }
}

/** The label that a row carries, -1 for none of the anchor's; the one that models give it, and how sure they are. */
type Answer = Readonly<{ of: number; as: number; sureness: number }>
type Counting = Readonly<{ among(one: Answer): boolean; counted(one: Answer): boolean }>

function countIn(answers: readonly Answer[], { among, counted }: Counting): Counted {
  const rows = answers.filter(among)
  return { found: rows.filter(counted).length, of: rows.length }
}

function answersOf({ given, probabilities, classes }: Judgement): readonly Answer[] {
  return Array.from(given, (of, row) => {
    const own = probabilities.subarray(row * classes.length, (row + 1) * classes.length)
    const [first = 0, second = 0] = own.toSorted((left, right) => right - left)
    return { of, as: own.indexOf(first), sureness: first - second }
  })
}

/**
 * How many of the labels might be wrong without a look at all of them telling: models see through them, or do not. So that
 * nineteen of twenty such golden sets would tell, a draw of 1.645 standard errors to the other side has to.
 */
export function unseenOf({ golden, own, margin: least }: Omit<Compared, 'where'>, level: number): string {
  const wouldTell = (wrong: number): boolean => {
    const share = Math.min(1, shareOf(golden) + wrong / 100)
    const error = Math.sqrt((shareOf(golden) * (1 - shareOf(golden))) / golden.of + (share * (1 - share)) / own.of)
    const found = Math.floor(Math.max(0, share - 1.645 * error) * own.of)
    return isTold({ margin: least, golden, own: { found, of: own.of } }, level)
  }
  let seen = 1
  while (seen < 100 && !wouldTell(seen)) seen += 1
  return `golden/agreement: fewer than ${seen} wrong labels in a hundred may have gone unseen`
}
