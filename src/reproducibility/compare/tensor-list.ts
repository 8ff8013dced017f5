/** The tensors of one file against those of the other: which are there, which are of the same kind. Pure. */
import type { Compared, ComparedVerdict, Measure, Tolerance } from './compared.ts'
import { maxMeasures, verdictOfMeasures } from './compared.ts'
import type { Element } from './elements.ts'
import type { TensorPair } from './measure-tensors.fs.ts'
import type { Place } from './tensor-slice.fs.ts'
import { boundOf } from './tolerance.ts'
import { counted, quoted, tellMeasures, worstFirst } from './words.ts'

/** One tensor as it lies in a file. */
export type Tensor = Readonly<{
  /** As the format calls it: both must say the same. */
  type: string
  shape: readonly number[]
  element: Element
  /** Elements; of complex numbers both parts count. */
  count: number
  place: Place
}>

export type Paired = Readonly<{ pairs: readonly TensorPair[]; others: readonly string[]; otherCount: number }>

export function pairTensors(
  left: ReadonlyMap<string, Tensor>,
  right: ReadonlyMap<string, Tensor>,
  { path, tolerances }: Readonly<{ path: string; tolerances: readonly Tolerance[] }>,
): Paired {
  const pairs: TensorPair[] = []
  const others: string[] = []
  for (const [name, before] of left) {
    const after = right.get(name)
    const other = after === undefined ? 'is missing in the second file' : kindDifference(before, after)
    if (other !== undefined) others.push(`${quoted(name)} ${other}`)
    else if (after !== undefined) {
      const { type, element, count, place } = before
      const bound = boundOf(tolerances, path, 'tensor', name)
      pairs.push({ name, type, element, count, left: place, right: after.place, bound })
    }
  }
  for (const name of right.keys()) if (!left.has(name)) others.push(`${quoted(name)} is missing in the first file`)
  return { pairs, others: others.slice(0, 3), otherCount: others.length }
}

function kindDifference(before: Tensor, after: Tensor): string | undefined {
  if (before.type !== after.type) return `was ${before.type} and is ${after.type}`
  const [was, is] = [before, after].map(
    ({ shape }) => `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', …' : ''}]`,
  )
  const isSame =
    before.shape.length === after.shape.length && before.shape.every((side, at) => side === after.shape[at])
  if (!isSame) return `had the shape ${was} and has ${is}`
  // THREAT: texts, records and pickles are as long as their file, whatever their type says
  const [bytes, bytesNow] = [before, after].map(({ count, element }) => count * element.sizeBytes)
  return bytes === bytesNow ? undefined : `had ${bytes} bytes and has ${bytesNow}`
}

/** @param same what is to be said when every tensor is the same in every bit */
export function answerOfTensors(
  { others, otherCount, pairs }: Paired,
  measures: readonly Measure[],
  same: string,
): Pick<Compared, 'verdict' | 'detail' | 'unmeasured' | 'measures'> {
  const verdict: ComparedVerdict = otherCount > 0 ? 'diverged' : verdictOfMeasures(measures)
  const more = otherCount > others.length ? [`${counted(otherCount - others.length, 'more such difference')}`] : []
  const told = [...others, ...more, ...tellMeasures(measures, { one: 'element', among: `of ${pairs.length} tensors` })]
  return {
    verdict,
    detail: told.length === 0 ? same : told.join('; '),
    unmeasured: otherCount,
    measures: worstFirst(measures).slice(0, maxMeasures),
  }
}
