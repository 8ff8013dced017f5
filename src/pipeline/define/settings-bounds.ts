/**
 * `thresholds` and `budgets` of data in assay.yaml: how much it may differ from its anchor. Each is called like the check
 * that it is about, and one without effect is refused.
 */
import { type Bound, type BoundKind, largestThresholds, ownBounds } from '../../data/index.ts'
import { faultAt, quoted } from './fault.ts'
import { byKey, record, type Shape, simple, text } from './shape.ts'
import { isMap, pythonText, type ValueMap } from './value.ts'

/** LIMIT: rows of a budget; more are no end. */
const maxRows = 1_000_000_000

function between(wants: string, fits: (value: number) => boolean): Shape {
  return simple(wants, (value) => (typeof value === 'bigint' || typeof value === 'number') && fits(Number(value)))
}

const thresholds = Object.fromEntries(
  [...largestThresholds].map(([name, most]) => [
    name,
    between(`a number above 0, at most ${most}`, (value) => value > 0 && value <= most),
  ]),
)
const rows = between(
  'a whole number from 0 to 1000000000',
  (value) => Number.isInteger(value) && value >= 0 && value <= maxRows,
)
const share = between('a share from 0 to 1', (value) => value >= 0 && value <= 1)
const times = between('a number above 0, at most 100', (value) => value > 0 && value <= 100)

const budgets = Object.fromEntries(
  [...ownBounds].flatMap(([name, own]): [string, Shape][] => {
    if (own.threshold !== undefined) return []
    return [[name, own.times === undefined ? withEffect(name, record({ rows, share })) : record({ times }, ['times'])]]
  }),
)

/** The lesser of rows and share counts: one that is raised alone, while assay's own other lets nothing through, raises nothing. */
function withEffect(name: string, shape: Shape): Shape {
  const own = ownBounds.get(name) ?? {}
  return {
    wants: shape.wants,
    check: (value, what, place, setting) => {
      shape.check(value, what, place, setting)
      if (!isMap(value)) return
      const [key, ...others] = [...value.keys()]
      if (own.rows !== 0 || own.share !== 0 || key === undefined || others.length > 0 || Number(value.get(key)) === 0)
        return
      const because = `${quoted(pythonText(key))} of ${name} has no effect alone: the lesser of rows and share counts, and assay's own are 0`
      throw faultAt(setting.code, setting.places.ofKey(value, key), because, 'say both: {rows: 10, share: 0.001}')
    },
  }
}

export const boundShapes: Readonly<Record<string, Shape>> = {
  thresholds: record({ ...thresholds, columns: byKey(text, record(thresholds)) }),
  budgets: record(budgets),
}

/** Without a baseline there is nothing that data could differ from, and a bound were a setting without effect. */
export function heldToBaseline(shape: Shape): Shape {
  return needing(shape, 'baseline', {
    keys: Object.keys(boundShapes),
    because: (key, name) => `\`${key}\` of ${name} have no effect: it has no \`baseline\` that it could differ from`,
    help: 'make one: assay data profile FILE --out BASELINE',
  })
}

/** THREAT: labels that people verified are agreed with in another column than the one that is learnt. */
export function verifiedInLabel(shape: Shape): Shape {
  return needing(shape, 'label', {
    keys: ['golden'],
    because: (key, name) => `\`${key}\` of ${name} has no \`label\` beside it that could be compared`,
    help: 'name the column that a model learns to predict: label: COLUMN',
  })
}

type Need = Readonly<{ keys: readonly string[]; because(key: string, name: string): string; help: string }>

/** None of the keys without the one that they need. */
function needing(shape: Shape, needed: string, { keys, because, help }: Need): Shape {
  return {
    wants: shape.wants,
    check: (value, name, place, setting) => {
      shape.check(value, name, place, setting)
      if (!isMap(value) || value.has(needed)) return
      const key = keys.find((each) => value.has(each))
      if (key === undefined) return
      throw faultAt(setting.code, setting.places.ofKey(value, key), because(key, name), help)
    },
  }
}

/** In order of check, column and kind, so that the same bounds are the same list. */
export function boundsOf(entry: ValueMap): readonly Bound[] {
  const given = mapAt(entry, 'thresholds')
  const columns = mapAt(given, 'columns')
  const all = [
    ...thresholdsIn(given, undefined),
    ...[...columns].flatMap(([column, map]) => (isMap(map) ? thresholdsIn(map, pythonText(column)) : [])),
    ...[...mapAt(entry, 'budgets')].flatMap(([check, map]) =>
      isMap(map) ? [...map].map(([of, value]) => boundFrom(pythonText(check), pythonText(of) as BoundKind, value)) : [],
    ),
  ]
  const key = ({ check, column, of }: Bound): string => JSON.stringify([check, column ?? '', of])
  return all.toSorted((left, right) => (key(left) < key(right) ? -1 : 1))
}

function thresholdsIn(map: ValueMap, column: string | undefined): readonly Bound[] {
  return [...map].flatMap(([check, value]) => {
    if (isMap(value)) return []
    const bound = boundFrom(pythonText(check), 'threshold', value)
    return [column === undefined ? bound : { ...bound, column }]
  })
}

function boundFrom(check: string, of: BoundKind, value: unknown): Bound {
  const own = ownBounds.get(check)?.[of]
  return { check, of, value: Number(value), ...(own === undefined ? {} : { own }) }
}

function mapAt(map: ValueMap, key: string): ValueMap {
  const value = map.get(key)
  return isMap(value) ? value : new Map()
}
