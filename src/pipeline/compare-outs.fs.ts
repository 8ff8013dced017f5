/** An out of then beside the one of now: by digest, then by what the bytes say. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OutComparison, StatedOutput } from '../attestation/index.ts'
import { DomainError, isSha256, matchesPath, oneLine } from '../core/index.ts'
import { defaultLimits } from '../data/index.ts'
import { type Compared, compareOuts, type OutFiles, type Tolerance, worstVerdict } from '../reproducibility/index.ts'
import { boxesOf } from './environment-request.ts'
import type { Project } from './project.ts'
import { boxRunner } from './validate-data.fs.ts'

export type OutPair = Readonly<{ stage: string; left: StatedOutput; right: StatedOutput }>

/** LIMIT: files of one folder that are told of. */
const maxFiles = 1000
const maxDetailCharacters = 500

/**
 * @param tolerances what the stage declares, as it stands now: what may differ is a matter of who judges, not of who made it
 * @returns first one entry for the out, then one for each of its files that has other bytes
 */
export async function compareOut(
  project: Project,
  { stage, left, right }: OutPair,
  { tolerances, signal }: Readonly<{ tolerances: readonly Tolerance[]; signal: AbortSignal }>,
): Promise<readonly OutComparison[]> {
  const { path } = left
  if (left.digest === right.digest) return [{ stage, path, verdict: 'identical', detail: 'the same bytes' }]
  const compared = await compareContents(project, [left, right], { tolerances, signal })
  if (compared === undefined) {
    if (tolerances.length > 0) {
      throw new DomainError(
        'ERR_REPRODUCTION_UNAVAILABLE',
        `\`${path}\` has other bytes, and those of then are not here`,
        {
          help: 'bring the outs of then into the store, to be compared',
        },
      )
    }
    return [{ stage, path, verdict: 'diverged', detail: 'other bytes, and not both are in the store' }]
  }
  const told = compared.map((one) => toldOf(stage, one, tolerances))
  if (isSha256(left.digest)) return told
  const others = told.filter(({ verdict }) => verdict !== 'identical')
  const worst = verdictOf(worstVerdict(compared.map(({ verdict }) => verdict)))
  const detail = `${others.length} of ${told.length} files have other bytes`
  return [{ stage, path, verdict: worst, detail }, ...others.slice(0, maxFiles)]
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
async function filesOf({ store }: Project, { digest, list }: StatedOutput): Promise<OutFiles | undefined> {
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
