/**
 * What a file of an index is, by its name.
 *
 * SOURCE: "Binary distribution format", file name convention (PEP 427, PEP 491); PEP 625 for source distributions.
 */
import { normaliseName } from './lock.ts'
import type { TagRanks } from './tags.ts'

export type WheelName = Readonly<{
  fileName: string
  /** Normalised. */
  project: string
  version: string
  /** Empty when there is none; a later build of the same version comes first. */
  build: string
  tags: readonly string[]
}>

/** Undefined when `fileName` is not the name of a wheel. LIMIT: 64 tags a wheel. */
export function parseWheelName(fileName: string): WheelName | undefined {
  if (!/^[\w.+!-]{1,255}\.whl$/.test(fileName)) return undefined
  const parts = fileName.slice(0, -'.whl'.length).split('-')
  if ((parts.length !== 5 && parts.length !== 6) || parts.includes('')) return undefined
  const [project = '', version = ''] = parts
  const [pythons, abis, platforms] = parts.slice(-3).map((part) => part.split('.'))
  const build = parts.length === 6 ? (parts[2] ?? '') : ''
  if (build !== '' && !/^\d/.test(build)) return undefined
  const tags = (pythons ?? []).flatMap((python) =>
    (abis ?? []).flatMap((abi) => (platforms ?? []).map((platform) => `${python}-${abi}-${platform}`.toLowerCase())),
  )
  if (tags.length > 64) return undefined
  return { fileName, project: normaliseName(project), version: version.replaceAll('_', '-'), build, tags }
}

/** The best rank among a wheel's tags, or undefined when it does not fit. */
export function rankOf(wheel: WheelName, ranks: TagRanks): number | undefined {
  const found = wheel.tags.map((tag) => ranks.get(tag)).filter((rank) => rank !== undefined)
  return found.length === 0 ? undefined : Math.min(...found)
}

/** The version of a source distribution of `project` (normalised), or undefined when the name is not one. */
export function sourceVersion(fileName: string, project: string): string | undefined {
  const stem = /^(.*)\.(?:tar\.(?:gz|bz2|xz|Z)|tgz|zip|tar)$/.exec(fileName)?.[1]
  if (stem === undefined) return undefined
  // A project's name may hold `-`, and so may an old version: take the cut that names the project.
  for (let at = stem.indexOf('-'); at >= 0; at = stem.indexOf('-', at + 1)) {
    if (normaliseName(stem.slice(0, at)) === project) return stem.slice(at + 1)
  }
  return undefined
}
