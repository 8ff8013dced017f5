/**
 * Whether data may become the anchor. Everything later is compared with it, so it is held to what can be asked of it alone: its
 * contract, rows that were judged bad, its format; and the baseline has to be the one of these bytes. Source: trust.md section 5.
 */
import { type Digest, DomainError } from '../core/index.ts'
import { type DataCheck, parseBaseline } from '../data/index.ts'
import { waiverOf } from './answer-question.ts'
import { waiversOf } from './data-question.ts'
import type { Project } from './project.ts'
import { maxBaselineBytes } from './references.ts'
import { readGiven, type StoppableCaller, validateData } from './validate-data.fs.ts'

export type AnchorRequest = Readonly<{
  /** Project paths. */
  baseline: string
  dataset: string
  /** Of the dataset as it lies here. */
  digest: Digest
}>

/**
 * @returns checks that warn, which whoever signs should have seen
 * @throws ERR_USAGE when the baseline was made from other bytes, ERR_DATA_BASELINE_MALFORMED, ERR_DATA_VALIDATION_FAILED, and what
 *   validation throws
 */
export async function examineAnchor(
  caller: StoppableCaller,
  project: Project,
  { baseline: path, dataset, digest }: AnchorRequest,
): Promise<readonly DataCheck[]> {
  const here = { ...caller, workingFolder: project.root }
  const baseline = parseBaseline(readGiven(here, path, 'baseline', maxBaselineBytes), path)
  if (baseline.dataset.digest !== digest)
    throw new DomainError('ERR_USAGE', `\`${path}\` was made from other bytes than \`${dataset}\` has here`, {
      help: `make it anew: assay data profile ${dataset} --out NEW`,
    })
  const { label, source } = baseline
  const { checks } = await validateData(here, dataset, {
    withoutBaseline: true,
    ...(label === null ? {} : { label }),
    ...(source === null ? {} : { source }),
  })
  const waivers = waiversOf(project, digest)
  const failed = checks.filter((check) => check.verdict === 'fail' && waiverOf(waivers, check) === undefined)
  if (failed.length > 0)
    throw new DomainError(
      'ERR_DATA_VALIDATION_FAILED',
      `\`${dataset}\` is no anchor, since it fails by itself: ${namesOf(failed)}`,
      { help: `see the rows: assay data validate ${dataset}; mend the data, or waive what is right in it` },
    )
  // that it has no anchor itself is why it becomes one
  return checks.filter(({ name, verdict }) => verdict === 'warn' && name !== 'poison/anchor')
}

function namesOf(checks: readonly DataCheck[]): string {
  const names = checks.slice(0, 3).map(({ name, column }) => (column === null ? name : `${name} of \`${column}\``))
  return `${names.join(', ')}${checks.length > names.length ? ` and ${checks.length - names.length} more` : ''}`
}
