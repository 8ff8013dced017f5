/** What the nearest pictures say of a picture's class, when some fields of it are not looked at. */
import type { Columns } from '../table/columns.ts'
import { generatorOf, shuffled } from './generator.ts'
import { lightFields } from './images.ts'
import type { Labelled } from './tie.ts'

/** LIMIT: so many pictures may vote, as many of each class where there are. */
const maxVoters = 1000
/** So many of them do: the nearest. */
const nearestOnes = 10

/**
 * Shares of the classes among the nearest pictures of each row, row-major, `rows.length * classes`. A vote weighs what its
 * class has in rows for each picture of it that may vote, so that a rare class is heard as loud as it is.
 */
export type Votes = (
  rows: readonly number[],
  asked: Readonly<{
    /** Fields that are not looked at. */
    hidden: readonly number[]
    /** Rows that have no vote. A row has none on itself. */
    silent: readonly number[]
  }>,
) => Float64Array

/** @param table as `tableOfImages` makes it; the anchor's rows alone vote where there are any, and they come first */
export function votesIn(table: Columns, labelled: Labelled, seed: number): Votes {
  const { classes, label } = labelled
  const { values, width } = lightFields(table)
  const { voters, weights } = votersOf(labelled, seed)
  const lights = new Float32Array(voters.length * width)
  for (const [place, row] of voters.entries())
    lights.set(values.subarray(row * width, (row + 1) * width), place * width)
  const placeOf = new Map(Array.from(voters, (row, place) => [row, place]))
  const near = nearestOf(lights, width)
  return (rows, { hidden, silent }) => {
    const seen = Int32Array.from({ length: width }, (_, field) => field).filter((field) => !hidden.includes(field))
    const isSilent = new Uint8Array(voters.length)
    for (const row of silent) isSilent[placeOf.get(row) ?? -1] = 1
    const shares = new Float64Array(rows.length * classes)
    for (const [index, row] of rows.entries()) {
      const own = placeOf.get(row) ?? -1
      const wasSilent = isSilent[own]
      isSilent[own] = 1
      const found = near(values.subarray(row * width, (row + 1) * width), seen, isSilent)
      isSilent[own] = wasSilent ?? 0
      const classOf = (place: number): number => label[voters[place] ?? 0] ?? 0
      const total = found.reduce((sum, place) => sum + (weights[classOf(place)] ?? 0), 0)
      for (const place of found) {
        const at = index * classes + classOf(place)
        shares[at] = (shares[at] ?? 0) + (weights[classOf(place)] ?? 0) / total
      }
    }
    return shares
  }
}

/** Of each class as many as there is room for, and how many rows each of them stands for. */
function votersOf(
  { from, rows, label, classes }: Labelled,
  seed: number,
): Readonly<{ voters: Int32Array; weights: Float64Array }> {
  const [counts, taken] = [new Float64Array(classes), new Float64Array(classes)]
  const voters = shuffled(from > 0 ? from : rows, generatorOf(seed)).filter((row) => {
    const own = label[row] ?? -1
    if (own < 0) return false
    counts[own] = (counts[own] ?? 0) + 1
    if ((taken[own] ?? 0) >= maxVoters / classes) return false
    taken[own] = (taken[own] ?? 0) + 1
    return true
  })
  return { voters, weights: counts.map((count, at) => count / Math.max(1, taken[at] ?? 0)) }
}

/** Places of the nearest, by Euclidean distance over the fields that are looked at, without those that are silent. */
function nearestOf(
  lights: Float32Array,
  width: number,
): (picture: Float32Array, seen: Int32Array, isSilent: Uint8Array) => readonly number[] {
  const [places, distances] = [new Int32Array(nearestOnes), new Float64Array(nearestOnes)]
  return (picture, seen, isSilent) => {
    places.fill(-1)
    distances.fill(Number.POSITIVE_INFINITY)
    for (let place = 0; place < isSilent.length; place += 1) {
      if (isSilent[place] === 1) continue
      const worst = distances[nearestOnes - 1] ?? 0
      let sum = 0
      for (let at = 0; at < seen.length && sum < worst; at += 1) {
        const field = seen[at] ?? 0
        const apart = (picture[field] ?? 0) - (lights[place * width + field] ?? 0)
        sum += apart * apart
      }
      if (sum >= worst) continue
      let at = nearestOnes - 1
      for (; at > 0 && (distances[at - 1] ?? 0) > sum; at -= 1) {
        distances[at] = distances[at - 1] ?? 0
        places[at] = places[at - 1] ?? -1
      }
      distances[at] = sum
      places[at] = place
    }
    return [...places].filter((place) => place >= 0)
  }
}
