/**
 * Whether data may become the anchor. Everything later is compared with it, so it is held to what can be asked of it alone: its
 * contract, rows that were judged bad, its format; and the baseline has to be the one of these bytes. Source: trust.md section 5.
 */
import type { DataAnchor } from '../attestation/index.ts'
import { type Digest, DomainError, quotedForShell } from '../core/index.ts'
import { type Baseline, type DataCheck, type Dataset, parseBaseline } from '../data/index.ts'
import { rulesAt, waiverOf, waiversOf } from './data-question.ts'
import { type GoldenSet, goldenOf, goldenRowsOf } from './golden.ts'
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

export type ExaminedAnchor = Readonly<{
  /** What whoever signs should have seen. */
  warned: readonly DataCheck[]
  /** How it agrees with the golden set, where assay.yaml names one for the dataset. */
  golden?: NonNullable<DataAnchor['golden']>
}>

/**
 * @throws ERR_USAGE when the baseline was made from other bytes, or for another label than assay.yaml names, ERR_DATA_BASELINE_MALFORMED, ERR_DATA_VALIDATION_FAILED, ERR_DATA_GOLDEN_DISAGREES, and what
 *   validation throws
 */
export async function examineAnchor(
  caller: StoppableCaller,
  project: Project,
  { baseline: path, dataset, digest }: AnchorRequest,
): Promise<ExaminedAnchor> {
  const here = { ...caller, workingFolder: project.root }
  const baseline = parseBaseline(readGiven(here, path, 'baseline', maxBaselineBytes), path)
  if (baseline.dataset.digest !== digest)
    throw new DomainError('ERR_USAGE', `\`${path}\` was made from other bytes than \`${dataset}\` has here`, {
      help: `make it anew: assay data profile ${quotedForShell(dataset)} --out NEW`,
    })
  const { label, source } = baseline
  const rules = rulesAt(project, dataset)
  const golden = await goldenOf(project, rules.golden)
  // THREAT: a baseline of a label that nobody learns agrees with any golden set
  if (golden !== undefined && label !== rules.label)
    throw new DomainError(
      'ERR_USAGE',
      `\`${path}\` was made for ${label === null ? 'no label' : `the label \`${label}\``}, and assay.yaml names \`${rules.label}\``,
      {
        help: `make it anew: assay data profile ${quotedForShell(dataset)} --label ${quotedForShell(rules.label ?? '')} --out NEW`,
      },
    )
  const { checks } = await validateData(here, dataset, {
    withoutBaseline: true,
    ...(label === null ? {} : { label }),
    ...(source === null ? {} : { source }),
    ...(golden === undefined ? {} : { golden: compared(project, golden, digest) }),
  })
  const disagreeing = checks.filter(({ name, verdict }) => name.startsWith('golden/') && verdict === 'fail')
  const isCompared = checks.some(({ name, evaluated }) => name === 'golden/agreement' && evaluated)
  if (golden !== undefined && (disagreeing.length > 0 || !isCompared))
    throw new DomainError(
      'ERR_DATA_GOLDEN_DISAGREES',
      `\`${dataset}\` is no anchor, since it disagrees with the golden set \`${golden.source}\`: ${disagreeing.map(toldCheck).join('; ') || 'it could not be compared'}`,
    )
  const waivers = waiversOf(project, digest)
  const failed = checks.filter((check) => check.verdict === 'fail' && waiverOf(waivers, check) === undefined)
  if (failed.length > 0)
    throw new DomainError(
      'ERR_DATA_VALIDATION_FAILED',
      `\`${dataset}\` is no anchor, since it fails by itself: ${namesOf(failed)}`,
      {
        help: `see the rows: assay data validate ${quotedForShell(dataset)}; mend the data, or waive what is right in it`,
      },
    )
  // that it has no anchor itself is why it becomes one
  const warned = [
    ...checks.filter(({ name, verdict }) => verdict === 'warn' && name !== 'poison/anchor'),
    ...(hasSomethingToCompare(baseline, checks) ? [] : [onlyTheseBytes]),
  ]
  return golden === undefined || label === null
    ? { warned }
    : {
        warned,
        golden: { ...statedGolden(golden, checks), label, ...(source === null ? {} : { sourceColumn: source }) },
      }
}

/** Columns that are measured; images that were searched, whose classes are known. */
export function hasSomethingToCompare({ profile }: Baseline, checks: readonly DataCheck[]): boolean {
  if (profile !== null) return profile.columns.length > 0
  const isOfFiles = checks.some(({ name }) => name.startsWith('files/'))
  return !isOfFiles || checks.some(({ name }) => name === 'poison/anchor')
}

export const onlyTheseBytes: DataCheck = {
  ...{ name: 'format/baseline', column: null, verdict: 'warn', observed: 'nothing to compare', expected: null },
  ...{ rows: [], count: 0, evaluated: true },
  because:
    'nothing of later versions can be compared with it: beside this anchor these very bytes pass, and every other version needs an anchor of its own',
}

/** THREAT: one who asks until the answer suits: how rows are drawn depends on the bytes of both, by a secret, and on nothing else. */
function compared(project: Project, golden: GoldenSet, digest: Digest): Readonly<{ dataset: Dataset; seed: number }> {
  const dataset = goldenRowsOf(golden, project)
  if (dataset === undefined)
    throw new DomainError('ERR_DATA_MISSING', `the golden set \`${golden.path}\` is not there`, {
      help: 'put it there, or let somebody who has it fix the anchor',
    })
  return { dataset, seed: project.sampleSeed(`golden ${golden.digest}`, digest) }
}

function statedGolden(
  { source, digest, approval }: GoldenSet,
  checks: readonly DataCheck[],
): Omit<NonNullable<DataAnchor['golden']>, 'label'> {
  const compared = checks.flatMap(({ name, verdict, observed, expected }) => {
    if (!name.startsWith('golden/')) return []
    // none has failed; of secret data no numbers are told
    const found = observed === null ? verdict : `${observed}, ${expected} expected`
    return [`${name}: ${found}${verdict === 'warn' && observed !== null ? ' (warned)' : ''}`]
  })
  return { source, digest, approval, compared }
}

function toldCheck({ name, because, rows }: DataCheck): string {
  const at = rows.length === 0 ? '' : ` (rows ${rows.slice(0, 10).join(', ')}${rows.length > 10 ? ', ...' : ''})`
  return `${name}${because === undefined ? '' : `, ${because}`}${at}`
}

function namesOf(checks: readonly DataCheck[]): string {
  const names = checks.slice(0, 3).map(({ name, column }) => (column === null ? name : `${name} of \`${column}\``))
  return `${names.join(', ')}${checks.length > names.length ? ` and ${checks.length - names.length} more` : ''}`
}
