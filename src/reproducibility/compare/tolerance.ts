/** Which tolerances count for what, and what they come to. Pure. */
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

function counts(tolerance: Tolerance, part: Part, name: string): boolean {
  const asked = named.filter((each) => tolerance[each] !== undefined)
  return asked.length === 0 || asked.some((each) => each === part && matchesName(name, tolerance[each] ?? ''))
}

/** THREAT: an infinite or missing bound would let everything pass. */
function finite(bound: number | undefined): number {
  return bound !== undefined && Number.isFinite(bound) && bound > 0 ? bound : 0
}

/** `*` and `?` within one name, `**` for any folders. */
export function matchesPath(path: string, pattern: string): boolean {
  return matchesNames(path.split('/'), pattern.split('/'))
}

function matchesNames(names: readonly string[], patterns: readonly string[]): boolean {
  // which lengths of the path the patterns so far can have taken: no pattern takes long
  let reached = names.map(() => false)
  reached = [true, ...reached]
  for (const pattern of patterns) {
    const next = reached.map(() => false)
    for (const [length, isReached] of reached.entries()) {
      if (pattern === '**') next[length] = isReached || next[length - 1] === true
      else if (isReached && length < names.length && matchesName(names[length] ?? '', pattern)) next[length + 1] = true
    }
    reached = next
  }
  return reached[names.length] === true
}

/** `*` is any text, `?` one character. Goes back to the last star alone, so that no pattern takes long. */
export function matchesName(name: string, pattern: string): boolean {
  let [at, place, star, restart] = [0, 0, -1, 0]
  while (at < name.length) {
    if (pattern[place] === '*') {
      star = place
      restart = at
      place += 1
    } else if (place < pattern.length && (pattern[place] === '?' || pattern[place] === name[at])) {
      at += 1
      place += 1
    } else if (star >= 0) {
      restart += 1
      at = restart
      place = star + 1
    } else return false
  }
  while (pattern[place] === '*') place += 1
  return place === pattern.length
}
