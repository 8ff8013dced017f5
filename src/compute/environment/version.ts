/**
 * Versions and specifiers of Python projects.
 *
 * SOURCE: PEP 440, "Version specifiers"; the pattern is its appendix B. Only what a lock, a marker and
 * `Requires-Python` need: no ranges are ever resolved here.
 */

export type Version = Readonly<{
  epoch: number
  release: readonly number[]
  pre?: readonly [phase: 'a' | 'b' | 'rc', number: number]
  post?: number
  dev?: number
  local?: readonly (string | number)[]
}>

const pattern =
  /^v?(?:(?<epoch>\d+)!)?(?<release>\d+(?:\.\d+)*)(?:[-_.]?(?<phase>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?<pre>\d+)?)?(?<post>-(?<post1>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?<post2>\d+)?)?(?<dev>[-_.]?dev[-_.]?(?<devNumber>\d+)?)?(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/

const phases: Readonly<Record<string, 'a' | 'b' | 'rc'>> = {
  alpha: 'a',
  a: 'a',
  beta: 'b',
  b: 'b',
  c: 'rc',
  rc: 'rc',
  pre: 'rc',
  preview: 'rc',
}

/** The parts of a version, or undefined when the text is none. LIMIT: 128 characters, numbers up to 2^53. */
export function parseVersion(text: string): Version | undefined {
  const groups = text.length <= 128 ? pattern.exec(text.trim().toLowerCase())?.groups : undefined
  if (groups === undefined) return undefined
  const phase = phases[groups['phase'] ?? '']
  const local = groups['local']?.split(/[-_.]/).map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  const version: Version = {
    epoch: Number(groups['epoch'] ?? 0),
    release: (groups['release'] ?? '').split('.').map(Number),
    ...(phase === undefined ? {} : { pre: [phase, Number(groups['pre'] ?? 0)] as const }),
    ...(groups['post'] === undefined ? {} : { post: Number(groups['post1'] ?? groups['post2'] ?? 0) }),
    ...(groups['dev'] === undefined ? {} : { dev: Number(groups['devNumber'] ?? 0) }),
    ...(local === undefined ? {} : { local }),
  }
  return numbersOf(version).every(Number.isSafeInteger) ? version : undefined
}

function numbersOf(version: Version): readonly number[] {
  const locals = (version.local ?? []).filter((part) => typeof part === 'number')
  return [version.epoch, ...version.release, version.pre?.[1] ?? 0, version.post ?? 0, version.dev ?? 0, ...locals]
}

/** Below zero when `left` is older, 0 when they are the same version. */
export function compareVersions(left: Version, right: Version): number {
  return (
    left.epoch - right.epoch ||
    compareReleases(left.release, right.release) ||
    comparePairs(preKey(left), preKey(right)) ||
    compareNumbers(left.post ?? -1, right.post ?? -1) ||
    compareNumbers(left.dev ?? Number.POSITIVE_INFINITY, right.dev ?? Number.POSITIVE_INFINITY) ||
    compareLocals(left.local, right.local)
  )
}

/** `1.0.dev1` comes before `1.0a1`, which comes before `1.0`. */
function preKey(version: Version): readonly [number, number] {
  if (version.pre !== undefined) return [{ a: 0, b: 1, rc: 2 }[version.pre[0]], version.pre[1]]
  return version.post === undefined && version.dev !== undefined ? [-1, 0] : [3, 0]
}

function compareReleases(left: readonly number[], right: readonly number[]): number {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function comparePairs(left: readonly [number, number], right: readonly [number, number]): number {
  return left[0] - right[0] || left[1] - right[1]
}

function compareNumbers(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1
}

/** None is oldest; a number is newer than a word; a longer one that begins the same is newer. */
function compareLocals(left: Version['local'] = [], right: Version['local'] = []): number {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const a = left[index]
    const b = right[index]
    if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
    if (typeof a !== typeof b) return typeof a === 'number' ? 1 : -1
    if (a !== b) return a < b ? -1 : 1
  }
  return 0
}

export type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '~=' | '==='

/**
 * Whether `version` meets `operator wanted`, pre-releases allowed.
 *
 * @returns undefined when either side is not a version or the operator cannot be used with it
 */
export function meets(version: string, operator: Operator, wanted: string): boolean | undefined {
  if (operator === '===') return version.trim().toLowerCase() === wanted.trim().toLowerCase()
  const left = parseVersion(version)
  const prefix = /^(.*)\.\*$/.exec(wanted.trim())?.[1]
  const right = parseVersion(prefix ?? wanted)
  if (left === undefined || right === undefined) return undefined
  if (prefix !== undefined) return prefixMeets(left, operator, right)
  return comparisons[operator](left, right)
}

function prefixMeets(left: Version, operator: Operator, prefix: Version): boolean | undefined {
  if (operator !== '==' && operator !== '!=') return undefined
  const padded = prefix.release.map((_, index) => left.release[index] ?? 0)
  const equal = left.epoch === prefix.epoch && compareReleases(padded, prefix.release) === 0
  return equal === (operator === '==')
}

const comparisons: Readonly<Record<Exclude<Operator, '==='>, (l: Version, r: Version) => boolean | undefined>> = {
  '==': (left, right) => compareVersions(right.local === undefined ? publicOf(left) : left, right) === 0,
  '!=': (left, right) => compareVersions(right.local === undefined ? publicOf(left) : left, right) !== 0,
  '<=': (left, right) => compareVersions(publicOf(left), right) <= 0,
  '>=': (left, right) => compareVersions(publicOf(left), right) >= 0,
  // A pre-release of the bound is not below it, a post-release or local version of the bound is not above it.
  '<': (left, right) => compareVersions(left, right) < 0 && (isPre(right) || !isPre(left) || !sameRelease(left, right)),
  '>': (left, right) =>
    compareVersions(left, right) > 0 &&
    (right.post !== undefined || left.post === undefined || !sameRelease(left, right)) &&
    (left.local === undefined || !sameRelease(left, right)),
  '~=': (left, right) =>
    right.release.length < 2
      ? undefined
      : compareVersions(publicOf(left), right) >= 0 &&
        prefixMeets(left, '==', { epoch: right.epoch, release: right.release.slice(0, -1) }),
}

function publicOf({ local: _, ...version }: Version): Version {
  return version
}

function isPre(version: Version): boolean {
  return version.pre !== undefined || version.dev !== undefined
}

function sameRelease(left: Version, right: Version): boolean {
  return left.epoch === right.epoch && compareReleases(left.release, right.release) === 0
}

const clausePattern = /^\s*(===|==|!=|<=|>=|~=|<|>)\s*(\S+)\s*$/

/** Whether `version` meets every clause of `>=3.8, <4`; undefined when the specifier is not understood. */
export function meetsAll(version: string, specifier: string): boolean | undefined {
  const clauses = specifier.split(',').filter((clause) => clause.trim() !== '')
  const answers = clauses.map((clause) => {
    const match = clausePattern.exec(clause)
    return match === null ? undefined : meets(version, match[1] as Operator, match[2] ?? '') // the pattern's own set
  })
  return answers.includes(undefined) ? undefined : answers.every((answer) => answer === true)
}
