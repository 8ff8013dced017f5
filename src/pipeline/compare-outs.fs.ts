/** An out of then beside the one of now: by digest, then by what the bytes say. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isSecret, type OutComparison, type StatedOutput } from '../attestation/index.ts'
import { isSha256, matchesPath, oneLine, type Sha256 } from '../core/index.ts'
import { defaultLimits } from '../data/index.ts'
import { type Compared, compareOuts, type OutFiles, type Tolerance, worstVerdict } from '../reproducibility/index.ts'
import { classificationBehind } from './data-question.ts'
import { boxesOf } from './environment-request.ts'
import type { Project } from './project.ts'
import { boxRunner } from './validate-data.fs.ts'

export type OutPair = Readonly<{ stage: string; left: StatedOutput; right: StatedOutput }>

/** LIMIT: files of one folder that are told of. */
const maxFiles = 1000
const maxDetailCharacters = 500

export type CompareOutOptions = Readonly<{
  tolerances: readonly Tolerance[]
  /** Of which class the data behind it is, where that is one that nothing is told of but verdicts. */
  secret?: string | undefined
  signal: AbortSignal
}>

/**
 * `told`: first one entry for the out, then one for each of its files that has other bytes. `files`: those, measured.
 * `unavailable`: why nobody can say whether the out is within what is declared; then nothing is told of it.
 */
export type ComparedOut = Readonly<{
  told: readonly OutComparison[]
  files: readonly Compared[]
  unavailable?: string
}>

/**
 * @param tolerances what the stage declares, as it stands now: what may differ is a matter of who judges, not of who made it
 */
export async function compareOut(
  project: Project,
  { stage, left, right }: OutPair,
  { tolerances, secret, signal }: CompareOutOptions,
): Promise<ComparedOut> {
  const { path } = left
  const one = (verdict: OutComparison['verdict'], detail: string): ComparedOut => ({
    told: [{ stage, path, verdict, detail }],
    files: [],
  })
  if (left.digest === right.digest) return one('identical', 'the same bytes')
  const compared = await compareContents(project, [left, right], { tolerances, signal })
  if (compared === undefined) {
    if (tolerances.length > 0) {
      const unavailable = `\`${path}\` has other bytes, and those of then are not here: bring them into the store`
      return { told: [], files: [], unavailable }
    }
    return one('diverged', 'other bytes, and not both are in the store')
  }
  const worst = verdictOf(worstVerdict(compared.map(({ verdict }) => verdict)))
  // THREAT: names of files, columns and keys, and the size of differences, tell values of secret data.
  if (secret !== undefined) return one(worst, `other bytes; in what they differ is not told of ${secret} data`)
  const told = compared.map((each) => toldOf(stage, each, tolerances))
  const files = compared.filter(({ verdict }) => verdict !== 'identical')
  if (isSha256(left.digest)) return { told, files }
  const others = told.filter(({ verdict }) => verdict !== 'identical')
  const detail = `${others.length} of ${told.length} files have other bytes`
  return { told: [{ stage, path, verdict: worst, detail }, ...others.slice(0, maxFiles)], files }
}

/** The class of what a stage made, where that is secret. */
export function secretBehind(project: Project, attestation: Sha256): string | undefined {
  const found = classificationBehind(project, attestation)
  return isSecret(found) ? found : undefined
}

/** @returns undefined when not all bytes of both are in the store */
export async function compareContents(
  project: Project,
  [left, right]: readonly [StatedOutput, StatedOutput],
  { tolerances, signal }: Readonly<{ tolerances: readonly Tolerance[]; signal: AbortSignal }>,
): Promise<readonly Compared[] | undefined> {
  const [before, after] = [await filesOf(project, left), await filesOf(project, right)]
  if (before === undefined || after === undefined) return undefined
  const scratchRoot = mkdtempSync(join(tmpdir(), 'assay-compare-'))
  try {
    const validator = { ...defaultLimits, runBox: boxRunner(boxesOf(project)), scratchRoot, signal }
    return await compareOuts(before, after, { path: left.path, tolerances, validator, signal })
  } finally {
    rmSync(scratchRoot, { recursive: true, force: true })
  }
}

/** Every object re-hashed. */
export async function filesOf({ store }: Project, { digest, list }: StatedOutput): Promise<OutFiles | undefined> {
  if (isSha256(digest)) {
    return (await store.verify([digest])).length === 0 ? new Map([['.', store.pathOf(digest)]]) : undefined
  }
  if (list === undefined || (await store.verify([list])).length > 0) return undefined
  const { files } = await store.readFolder(list)
  if ((await store.verify(files.map((file) => file.digest))).length > 0) return undefined
  return new Map(files.map((file) => [file.path, store.pathOf(file.digest)]))
}

function toldOf(
  stage: string,
  { path, format, verdict, detail }: Compared,
  tolerances: readonly Tolerance[],
): OutComparison {
  const why = verdict === 'incomparable' ? `could not be compared: ${detail}` : detail
  const reasons = tolerances.filter((one) => isAbout(one, path, format)).map(({ because }) => oneLine(because))
  const declared = verdict === 'within-tolerance' ? `; declared: ${[...new Set(reasons)].join('; ')}` : ''
  return { stage, path, verdict: verdictOf(verdict), detail: `${why}${declared}`.slice(0, maxDetailCharacters) }
}

/** Of an archive also what is about a member of it. */
function isAbout(tolerance: Tolerance, path: string, format: Compared['format']): boolean {
  const start = tolerance.path.split('/').slice(0, path.split('/').length).join('/')
  return matchesPath(path, tolerance.path) || (format === 'archive' && matchesPath(path, start))
}

/** INVARIANT: what cannot be compared has diverged. */
function verdictOf(verdict: Compared['verdict']): OutComparison['verdict'] {
  return verdict === 'incomparable' ? 'diverged' : verdict
}
