/**
 * The suspect files that nobody judged yet, each with reasons and with the images that look most like it, for a person to
 * judge. Pure.
 */
import { side } from '../poison/images.ts'
import type { RowVerdict } from '../validate/judged-rows.ts'
import type { FoundSuspects, NearImage, SuspectRow, TriageRequest } from '../validate/request.ts'
import { contentHash, fileColumns, fileHash } from './judged-files.ts'

/** What is known of a file. `grey`: its 32 x 32 levels, of images that are searched. */
export type TriagedFile = Readonly<{
  inner: string
  digest: string
  label: string | null
  width?: number
  height?: number
  sizeBytes?: number
  grey?: Uint8Array
}>

export type PointedFile = Readonly<{ inner: string; check: string; because: string }>

/** LIMIT: files of one triage, reasons of each, and images of either kind beside each. */
const maxFiles = 1000
const maxReasons = 20
const nearOfEach = 3
/** Images are compared in so many fields a side. */
const fields = 8

type Known = Readonly<{ pointed: readonly PointedFile[]; judged: ReadonlyMap<string, RowVerdict> }>

/** @param known.pointed the worst first */
export function triageOfFiles(
  files: readonly TriagedFile[],
  { pointed, judged }: Known,
  { key, rows }: TriageRequest,
): FoundSuspects {
  const open = pointed.filter(({ inner }) => !judged.has(inner))
  const reasons = Map.groupBy(open, ({ inner }) => inner)
  const byName = new Map(files.map((file) => [file.inner, file]))
  const named = rows.map(String).filter((name) => byName.has(name))
  const wanted = [...new Set([...named, ...reasons.keys()])]
  const honest = files.filter(({ inner }) => !reasons.has(inner) && (judged.get(inner) ?? 'good') === 'good')
  const nearestTo = neighboursAmong(honest)
  const suspects = new Map<string, SuspectRow>()
  for (const inner of wanted.slice(0, maxFiles)) {
    const file = byName.get(inner)
    if (file === undefined) continue
    const hash = fileHash(file, key)
    const same = suspects.get(hash)
    const own = (reasons.get(inner) ?? [])
      .slice(0, maxReasons)
      .map(({ check, because }) => ({ check, column: null, because }))
    suspects.set(hash, {
      hash,
      content: contentHash(file.digest, key),
      rows: [...(same?.rows ?? []), inner],
      reasons: same?.reasons ?? own,
      values: [file.label, sizeOf(file), file.sizeBytes === undefined ? null : `${file.sizeBytes}`],
      nearest: same?.nearest ?? nearestTo(file),
    })
  }
  const more = Math.max(0, wanted.length - maxFiles)
  return { columns: ['label', 'pixels', 'bytes'], whole: fileColumns, suspects: [...suspects.values()], more }
}

function sizeOf({ width, height }: TriagedFile): string | null {
  return width === undefined || height === undefined ? null : `${width} x ${height}`
}

/** Nearest of its own class, then of others. */
function neighboursAmong(files: readonly TriagedFile[]): (file: TriagedFile) => readonly NearImage[] {
  const shown = files.flatMap((file) => (file.grey === undefined ? [] : [{ file, light: lightOf(file.grey) }]))
  return ({ inner, label, grey }) => {
    if (grey === undefined) return []
    const light = lightOf(grey)
    const [own, others]: [NearImage[], NearImage[]] = [[], []]
    for (const { file, light: other } of shown) {
      if (file.inner === inner) continue
      const near = file.label === label ? own : others
      const distance = distanceOf(light, other)
      if (near.length === nearOfEach && distance >= (near.at(-1)?.distance ?? 0)) continue
      near.push({ file: file.inner, label: file.label, distance })
      near.sort((left, right) => left.distance - right.distance).splice(nearOfEach)
    }
    return [...own, ...others]
  }
}

/** Mean levels of 8 x 8 fields, as checks of images see them. */
function lightOf(grey: Uint8Array): Float64Array {
  const light = new Float64Array(fields * fields)
  const width = side / fields
  for (const [at, level] of grey.entries()) {
    const field = Math.floor(at / side / width) * fields + Math.floor((at % side) / width)
    light[field] = (light[field] ?? 0) + level / width ** 2
  }
  return light
}

function distanceOf(left: Float64Array, right: Float64Array): number {
  let squares = 0
  for (let at = 0; at < left.length; at += 1) squares += ((left[at] ?? 0) - (right[at] ?? 0)) ** 2
  return Math.round(10 * Math.sqrt(squares / left.length)) / 10
}
