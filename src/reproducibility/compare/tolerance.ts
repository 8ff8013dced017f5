/** Which tolerances count for what, and what they come to. Pure. */
import { matchesName, matchesPath } from '../../core/index.ts'
import type { Tolerance } from './compared.ts'

/** What a number may be off by: within any of the three is within. All 0 when nothing is allowed. */
export type Bound = Readonly<{ abs: number; rel: number; ulp: number }>

export const exact: Bound = { abs: 0, rel: 0, ulp: 0 }

type Part = 'tensor' | 'metric' | 'column' | 'pixels'
const named = ['tensor', 'metric', 'column'] as const

/** Of all that count, the widest of each bound: they are alternatives, so that this is the same as any of them. */
export function boundOf(tolerances: readonly Tolerance[], path: string, part: Part, name: string): Bound {
  const counting = tolerances.filter((tolerance) => matchesPath(path, tolerance.path) && counts(tolerance, part, name))
  const widest = (bound: 'abs' | 'rel' | 'ulp'): number => Math.max(0, ...counting.map((each) => finite(each[bound])))
  return { abs: widest('abs'), rel: widest('rel'), ulp: widest('ulp') }
}

/** Those that count for a column, or for pixels, of a file, for whoever knows the names. */
export function boundsFor(
  tolerances: readonly Tolerance[],
  path: string,
  part: 'column' | 'pixels',
): readonly (Bound & Readonly<{ column?: string }>)[] {
  return tolerances
    .filter((tolerance) => matchesPath(path, tolerance.path))
    .filter((tolerance) => {
      const asked = named.filter((each) => tolerance[each] !== undefined)
      return asked.length === 0 || asked.some((each) => each === part)
    })
    .map(({ column, abs, rel, ulp }) => ({
      ...(column === undefined ? {} : { column }),
      abs: finite(abs),
      rel: finite(rel),
      ulp: finite(ulp),
    }))
}

/** One that names tensors, keys or columns counts for those alone, for each in its own formats. */
function counts(tolerance: Tolerance, part: Part, name: string): boolean {
  const asked = named.filter((each) => tolerance[each] !== undefined)
  return asked.length === 0 || asked.some((each) => each === part && isNamed(part, name, tolerance[each] ?? ''))
}

/** The `[*]` of a list in a key is itself: `folds[*].auc` is not `folds[*].x[*].auc`. */
function isNamed(part: Part, name: string, pattern: string): boolean {
  const plain = (text: string): string => (part === 'metric' ? text.replaceAll('[*]', '[]') : text)
  return matchesName(plain(name), plain(pattern))
}

/** THREAT: an infinite or missing bound would let everything pass. */
function finite(bound: number | undefined): number {
  return bound !== undefined && Number.isFinite(bound) && bound > 0 ? bound : 0
}
