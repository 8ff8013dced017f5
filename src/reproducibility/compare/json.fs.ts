/**
 * JSON by value: numbers by distance, all else exactly, members of objects in any order.
 *
 * Numbers are measured by key: `train.loss`; those of a list together: `folds[*].auc`.
 * LIMIT: 16 MiB and 64 levels a file, as everywhere; a thousand keys are measured one by one; 64 Mi characters of keys,
 * each counted with those that it stands below.
 */
import type { Answer } from './bytes.fs.ts'
import { type Compared, type ComparedVerdict, maxMeasures, type Tolerance, verdictOfMeasures } from './compared.ts'
import { type FilePair, readExactly } from './file-pair.fs.ts'
import { type JsonValue, maxJsonBytes, parseJsonValue } from './json-value.ts'
import { stepsBetween } from './steps.ts'
import { addIntegers, addPair, addOther as addWithoutDistance, measureOf, newTally, type Tally } from './tally.ts'
import { boundOf } from './tolerance.ts'
import { readBoth, Unreadable } from './unreadable.ts'
import { counted, quoted, tellMeasures } from './words.ts'

/** @throws Unreadable */
export function compareJson(
  pair: FilePair,
  { path, tolerances }: Readonly<{ path: string; tolerances: readonly Tolerance[] }>,
): Answer {
  const { left, right } = readBoth((side) => {
    const file = pair[side]
    if (file.sizeBytes > maxJsonBytes)
      throw new Unreadable(`has ${file.sizeBytes} bytes, the limit for JSON is ${maxJsonBytes}`)
    return parseJsonValue(readExactly(file, 0, file.sizeBytes))
  })
  const found: Found = {
    numbers: new Map(),
    tallies: new Map(),
    others: [],
    otherCount: 0,
    keyChars: 0,
    path,
    tolerances,
  }
  compareValues(found, left, right, '')
  return answerOf(found)
}

type Found = {
  /** How many there are, by key. */
  numbers: Map<string, number>
  tallies: Map<string, Tally>
  /** What else differs; a few of it. */
  others: string[]
  otherCount: number
  /** Characters of all keys so far, with those of the objects that they are in. */
  keyChars: number
  readonly path: string
  readonly tolerances: readonly Tolerance[]
}

function compareValues(found: Found, a: JsonValue, b: JsonValue, key: string): void {
  if (isNumber(a) && isNumber(b)) compareNumbers(found, a, b, key)
  else if (Array.isArray(a) && Array.isArray(b)) compareLists(found, a, b, key)
  else if (a instanceof Map && b instanceof Map) compareMembers(found, a, b, key)
  else if (a !== b)
    addOther(found, () => `${nameOf(key)} is ${a === null || b === null ? 'null in one file' : otherThan(a, b)}`)
}

function isNumber(value: JsonValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function otherThan(a: JsonValue, b: JsonValue): string {
  if (typeof a !== typeof b || Array.isArray(a) !== Array.isArray(b)) return 'of another type'
  return typeof a === 'string' ? 'another text' : 'another truth value'
}

function nameOf(key: string): string {
  return key === '' ? 'the document' : quoted(key)
}

function addOther(found: Found, sentence: () => string): void {
  found.otherCount += 1
  if (found.others.length < 3) found.others.push(sentence())
}

function compareNumbers(found: Found, a: number | bigint, b: number | bigint, key: string): void {
  const at = found.numbers.get(key) ?? 0
  found.numbers.set(key, at + 1)
  if (Object.is(a, b)) return
  const tally = tallyFor(found, key)
  const bound = boundOf(found.tolerances, found.path, 'metric', key)
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    const [one, other] = [exactOf(a), exactOf(b)]
    const magnitude = Math.max(Math.abs(Number(a)), Math.abs(Number(b)))
    if (one === other) tally.bitsOnly += 1
    else if (!Number.isFinite(magnitude)) addWithoutDistance(tally)
    else if (one === undefined || other === undefined)
      addPair(tally, Number(a), Number(b), stepsBetween(Number(a), Number(b)), at, bound)
    else addIntegers(tally, Number(one > other ? one - other : other - one), magnitude, at, bound)
  } else addPair(tally, Number(a), Number(b), stepsBetween(Number(a), Number(b)), at, bound)
}

/** An integer that no double holds against a double: by value, without rounding. Undefined for what is no integer. */
function exactOf(value: number | bigint): bigint | undefined {
  if (typeof value === 'bigint') return value
  return Number.isInteger(value) ? BigInt(value) : undefined
}

const maxKeyChars = 64 * 1024 * 1024
const otherKeys = 'other keys'

function tallyFor({ tallies }: Found, key: string): Tally {
  const name = tallies.has(key) || tallies.size < maxMeasures - 1 ? key : otherKeys
  const tally = tallies.get(name) ?? newTally()
  tallies.set(name, tally)
  return tally
}

function compareLists(found: Found, a: readonly JsonValue[], b: readonly JsonValue[], key: string): void {
  if (a.length !== b.length)
    addOther(
      found,
      () => `${nameOf(key)} has ${counted(a.length, 'item')} in the first file and ${b.length} in the second`,
    )
  const items = `${key}[*]`
  for (const [index, value] of a.entries()) {
    const other = b[index]
    if (other === undefined) return
    compareValues(found, value, other, items)
  }
}

function compareMembers(
  found: Found,
  a: ReadonlyMap<string, JsonValue>,
  b: ReadonlyMap<string, JsonValue>,
  key: string,
): void {
  const inner = (name: string): string => (key === '' ? name : `${key}.${name}`)
  const chars = a.size * key.length + [...a.keys()].reduce((sum, name) => sum + name.length, 0)
  found.keyChars += chars
  // THREAT: a long key is in the name of all that stands below it
  if (found.keyChars > maxKeyChars) throw new Unreadable(`the files have more than ${maxKeyChars} characters of keys`)
  for (const [name, value] of a) {
    const other = b.get(name)
    if (other === undefined) addOther(found, () => `the second file has no ${quoted(inner(name))}`)
    else compareValues(found, value, other, inner(name))
  }
  for (const name of b.keys()) if (!a.has(name)) addOther(found, () => `the first file has no ${quoted(inner(name))}`)
}

function answerOf({ numbers, tallies, others, otherCount }: Found): Answer {
  const measures = [...tallies].map(([key, tally]) =>
    measureOf(key, 'number', { ...tally, elements: numbers.get(key) ?? tally.differing + tally.bitsOnly }, true),
  )
  const verdict: ComparedVerdict = otherCount > 0 ? 'diverged' : verdictOfMeasures(measures)
  return { verdict, measures, unmeasured: otherCount, detail: tell(measures, others, otherCount) }
}

function tell(measures: Compared['measures'], others: readonly string[], otherCount: number): string {
  const more = otherCount > others.length ? [`${otherCount - others.length} more such differences`] : []
  const told = [...others, ...more, ...tellMeasures(measures, { one: 'number', among: 'keys' })]
  return told.length === 0 ? 'the same values, written in another way' : told.join('; ')
}
