/**
 * Of images: what is tied to a class although the rest of the pictures that carry it speaks for other classes. Nature ties
 * many patches to a class, and the rest of the picture says that class too; a patch that was stamped on pictures of other
 * classes goes with its class all the same.
 *
 * The nearest pictures, compared without the item's own fields, vote for P(class | the rest), and an item is
 * held to the mean of that over its rows: conditional independence of patch and class given the rest (Dawid 1979). Its hits
 * are then a sum of coins of different shares, whose tails are no heavier than those of as many coins of the mean share
 * (Hoeffding 1956). How far items honestly lie beyond their votes is a variance, as everywhere (association.ts): here of
 * items of all fields together, since the rest speaks for all alike. Against an anchor, an item is also expected to do
 * what it did there.
 *
 * THREAT: a patch may be larger than a field, and then stamped pictures are the nearest to each other. Without an anchor,
 * pictures that carry the item have no vote on it; where the class has hardly others, the fields around are not looked at.
 *
 * It does not see: a patch on pictures of the class that it is tied to (clean label), which the rest explains; without an
 * anchor, one of several fields on more than half of a class. Equal pictures count as many: copies look like a stamp.
 */
import type { Columns } from '../table/columns.ts'
import { type Counts, expectationOf, type LogOdds, logOddsOf, shareAt, spreadOf, surpriseOf } from './association.ts'
import { generatorOf, shuffled } from './generator.ts'
import { around, fieldOf } from './images.ts'
import type { Items } from './items.ts'
import { votesIn } from './near-pictures.ts'
import { type Counted, fewestTiedRows, type Labelled, leastLogOdds, type Tie } from './tie.ts'

/** LIMIT: so many pictures of an item are asked. */
const maxAsked = 40
/** Of a class that has the item in a larger share, the few others cannot vote for all; then its carriers vote too. */
const mostSilent = 0.5
/** Items that the variances are estimated from. */
const usualItems = 300
/** Two items that have most of their pictures in common are one. */
const sameItem = 0.5
/** As in trigger.ts: rows that an item needs on both sides to say how much items change, and items that it takes. */
const changeRows = 20
const fewestChanges = 20
/** Pictures of a class in the anchor that it takes to say what looks like it: of a class that is new, drift speaks. */
const fewestVoters = 10
/** An item that the anchor has not is news when that is less likely by chance: a small anchor lacks many honest ones. */
const unlikely = 0.001
/** However alike the items are: ten nearest pictures are no exact judge. */
const leastSpread = 0.1

type Item = Readonly<{ items: Items; id: number }>
type Judged = Readonly<{ parts: readonly Item[]; class: number }>
type When = 'now' | 'before'

/** What an item's pictures say of a class without it: a share, and the variance of its log-odds by who was asked. */
type Rest = Counts & Readonly<{ share: number; variance: number }>

export type Stamped = Readonly<{
  /** Single items that are tied to a class by themselves, and not by what is around them. */
  ties: readonly Tie[]
  /** Whether the rest of the pictures fails to explain a tie, or the anchor has enough pictures to say that it is one. */
  isUnexplained: (tie: Tie) => boolean
}>

export function stampedIn(
  counted: readonly Counted[],
  labelled: Labelled,
  { table, z, seed }: Readonly<{ table: Columns; z: number; seed: number }>,
): Stamped {
  const carriersOf = carriersIn(labelled)
  const restOf = restIn(table, labelled, { carriersOf, seed })
  const tied = counted.flatMap((one) => tiedByThemselves(one, labelled, z))
  const usual = usualIn(apart(byChance(frequent(counted, labelled, seed), seed), carriersOf), labelled, restOf)
  const inAnchor = sizesOf(labelled.label.subarray(0, labelled.from), labelled.classes)
  const isNewClass = (at: number): boolean => labelled.anchored && (inAnchor[at] ?? 0) < fewestVoters
  const judge = (judged: Judged): Tie | undefined => {
    const { rows, hits, share, variance } = restOf(judged, 'now')
    if (hits <= rows * share || isNewClass(judged.class)) return undefined
    const expected = expectedOf(labelled.anchored ? restOf(judged, 'before') : undefined, usual)
    const surprise = surpriseOf({ rows, hits }, share, { ...expected, variance: expected.variance + variance })
    return surprise.z >= z && surprise.low >= leastLogOdds
      ? { ...judged, z: surprise.z, rows, hits, expected: rows * shareAt(share, expected.value) }
      : undefined
  }
  /** How likely none of so many rows is in the anchor if they come by chance in it and among the new ones. */
  const chanceOfNone = (rows: number): number => ((labelled.rows - labelled.from) / labelled.rows) ** rows
  const isTold = (tie: Tie): boolean =>
    labelled.anchored && (carriersOf(tie.parts, 'before').length >= fewestTiedRows || chanceOfNone(tie.rows) < unlikely)
  return {
    ties: tied.flatMap((one) => judge(one) ?? []),
    isUnexplained: (tie) => isTold(tie) || judge(tie) !== undefined,
  }
}

/** Items that go with a class beyond its share; where nature ties them too, that alone says nothing. */
function tiedByThemselves({ items, now, baseNow }: Counted, { classes }: Labelled, z: number): readonly Judged[] {
  const tied: Judged[] = []
  for (let id = 0; id < items.count; id += 1) {
    const rows = now.rows[id] ?? 0
    for (let at = 0; at < classes && rows >= fewestTiedRows; at += 1) {
      const [hits, share] = [now.hits[id * classes + at] ?? 0, baseNow[at] ?? 0]
      if (share <= 0 || hits <= rows * share) continue
      const surprise = surpriseOf({ rows, hits }, share, { value: 0, variance: 0 })
      if (surprise.z >= z && surprise.low >= leastLogOdds) tied.push({ parts: [{ items, id }], class: at })
    }
  }
  return tied
}

/** Every item with enough rows, and a class by chance: the one that it goes with most would be above what is usual. */
function frequent(counted: readonly Counted[], { classes }: Labelled, seed: number): readonly Judged[] {
  const random = generatorOf(seed)
  return counted.flatMap(({ items, now }) =>
    Array.from(
      { length: items.count },
      (_, id): Judged => ({ parts: [{ items, id }], class: Math.floor(classes * random()) }),
    ).filter((_, id) => (now.rows[id] ?? 0) >= fewestTiedRows),
  )
}

/** By chance: every so-manyth would be as good as none of some classes where items come in the order of classes. */
function byChance<T>(list: readonly T[], seed: number): readonly T[] {
  const order = shuffled(list.length, generatorOf(seed)).slice(0, usualItems)
  return Array.from(order).flatMap((index) => list[index] ?? [])
}

/** Items of which no two have most of their pictures in common: a patch of many fields has one voice, as one field has. */
function apart(judged: readonly Judged[], carriersOf: CarriersOf): readonly Judged[] {
  const kept: Readonly<{ one: Judged; carriers: ReadonlySet<number> }>[] = []
  for (const one of judged) {
    const carriers = new Set(carriersOf(one.parts, 'now'))
    const isKept = kept.some(({ carriers: others }) => {
      const shared = [...carriers].filter((row) => others.has(row)).length
      return shared > sameItem * Math.min(carriers.size, others.size)
    })
    if (!isKept) kept.push({ one, carriers })
  }
  return kept.map(({ one }) => one)
}

type Usual = Readonly<{ spread: number; change: number }>

/** How far items honestly lie beyond what the rest says, and how much farther than they did in the anchor. */
function usualIn(some: readonly Judged[], { anchored }: Labelled, restOf: RestOf): Usual {
  const now = some.map((one) => restOf(one, 'now'))
  const before = anchored ? some.map((one) => restOf(one, 'before')) : []
  const inBoth = (rows: number): readonly (readonly [Rest, Rest])[] =>
    now.flatMap((is, at) => {
      const was = before[at]
      return was !== undefined && Math.min(is.rows, was.rows) >= rows ? [[is, was] as const] : []
    })
  // THREAT: many planted items would make each other usual. Classes are asked by chance, so few of them have a voice; beside an
  // anchor only items that it has.
  const known = anchored ? inBoth(fewestTiedRows).flat() : now
  const changes = inBoth(changeRows).map(([is, was]): LogOdds => {
    const [one, other] = [beyond(is), beyond(was)]
    return { value: one.value - other.value, variance: one.variance + other.variance }
  })
  return {
    spread: Math.max(leastSpread, known.length < fewestChanges ? 0 : spreadOf(known.map(beyond))),
    change: changes.length < fewestChanges ? 0 : spreadOf(changes),
  }
}

function beyond({ rows, hits, share, variance }: Rest): LogOdds {
  const own = logOddsOf({ rows, hits }, share)
  return { value: own.value, variance: own.variance + variance }
}

function expectedOf(before: Rest | undefined, { spread, change }: Usual): LogOdds {
  if (before === undefined) return { value: 0, variance: spread }
  const { value, variance } = expectationOf(before, before.share, spread)
  return { value, variance: variance + before.variance + change }
}

type RestOf = (judged: Judged, when: When) => Rest

function restIn(
  table: Columns,
  labelled: Labelled,
  { carriersOf, seed }: Readonly<{ carriersOf: CarriersOf; seed: number }>,
): RestOf {
  const { classes, label, from, anchored } = labelled
  const votes = votesIn(table, labelled, seed)
  const inClass = { now: sizesOf(label.subarray(from), classes), before: sizesOf(label.subarray(0, from), classes) }
  return ({ parts, class: at }, when) => {
    const carriers = carriersOf(parts, when)
    const hits = carriers.filter((row) => label[row] === at).length
    const size = inClass[when][at] ?? 0
    const order = shuffled(carriers.length, generatorOf(seed)).slice(0, maxAsked)
    const fields = parts.flatMap(({ items }) => fieldOf(items.column) ?? [])
    const isJudgedByItsOwn = !anchored && hits > mostSilent * size
    const shares = votes(
      Array.from(order, (place) => carriers[place] ?? 0),
      {
        hidden: isJudgedByItsOwn ? fields.flatMap(around) : fields,
        silent: anchored || isJudgedByItsOwn ? [] : carriers,
      },
    )
    const own = Array.from(order, (_, index) => shares[index * classes + at] ?? 0)
    const base =
      size /
      Math.max(
        1,
        inClass[when].reduce((sum, count) => sum + count, 0),
      )
    return { rows: carriers.length, hits, ...pooled(own, carriers.length, base) }
  }
}

function sizesOf(label: Int32Array, classes: number): Float64Array {
  const sizes = new Float64Array(classes)
  for (const at of label) if (at >= 0) sizes[at] = (sizes[at] ?? 0) + 1
  return sizes
}

/**
 * The mean of shares that some of `of` pictures were given, and one more vote for the class's own share.
 *
 * The variance is that of the mean over pictures. Where all agree there is none, yet the one more vote lowers what they say: the
 * part that it took is as uncertain as so many coins (the posterior of a beta distribution), or each large pure patch were news.
 */
export function pooled(shares: readonly number[], of: number, base: number): Pick<Rest, 'share' | 'variance'> {
  const count = shares.length
  const mean = shares.reduce((sum, share) => sum + share, 0) / Math.max(1, count)
  const squares = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0)
  const share = Math.min(1 - 1e-6, Math.max(1e-6, (mean * count + base) / (count + 1)))
  const sampled = count > 1 ? (squares / (count - 1) / count) * (1 - count / of) : 0
  const ofMean = mean > share ? Math.max(sampled, (share * (mean - share)) / (count + 2)) : sampled
  return { share, variance: ofMean / (share * (1 - share)) ** 2 }
}

type CarriersOf = (parts: readonly Item[], when: When) => readonly number[]

/** Rows that have all of the items, in the anchor or among the new ones. */
function carriersIn({ from, label }: Labelled): CarriersOf {
  const known = new Map<Items, readonly (readonly number[])[]>()
  const rowsOf = ({ items, id }: Item): readonly number[] => {
    const found = known.get(items) ?? rowsById(items, label)
    known.set(items, found)
    return found[id] ?? []
  }
  return (parts, when) => {
    const [first, ...more] = parts.map((part) => rowsOf(part).filter((row) => row >= from === (when === 'now')))
    return more.reduce((left, others) => {
      const own = new Set(others)
      return left.filter((row) => own.has(row))
    }, first ?? [])
  }
}

function rowsById({ count, entries, starts, ids }: Items, label: Int32Array): readonly (readonly number[])[] {
  const found = Array.from({ length: count }, (): number[] => [])
  for (const [row, entry] of entries.entries()) {
    if (entry < 0 || (label[row] ?? -1) < 0) continue
    for (let at = starts[entry] ?? 0; at < (starts[entry + 1] ?? 0); at += 1) found[ids[at] ?? 0]?.push(row)
  }
  return found
}
