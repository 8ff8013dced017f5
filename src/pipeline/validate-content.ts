/** The verdict on a content of the store, as it is signed: what was found, by what, and what could not be seen. */
import { bubblewrapRecipe } from '../compute/index.ts'
import { type Content, digestOfJson, type Sha256 } from '../core/index.ts'
import {
  type Bound,
  type CheckVerdict,
  type Classification,
  type DataCheck,
  type Dataset,
  defaultLimits,
  type Findings,
  findIn,
  type LookMemory,
  type ObjectStore,
  ownBounds,
  parseBaseline,
  parseContract,
  type Questions,
  timesUntilLarge,
  type ValidatorOptions,
  validatorEngine,
  worstOf,
} from '../data/index.ts'
import { type Closing, heldChecks } from './closed-checks.ts'
import type { PastVersions } from './past-versions.ts'
import { datasetOf } from './stored-dataset.ts'
import { boxRunner } from './validate-data.fs.ts'
import { shown } from './withheld.ts'

export { validatorDigest } from '../data/index.ts'

export type ContentTools = Readonly<{
  store: ObjectStore
  /** Absolute folders of the project's state. */
  boxes: string
  scratchRoot: string
  now(): Date
  signal?: AbortSignal
  /** What was seen of files. */
  looks?: LookMemory
}>

export type ContentQuestions = Readonly<{
  content: Content
  /** Project path: its last name tells the format, and which table of the contract it is. */
  name: string
  contract?: Readonly<{ path: string; bytes: Uint8Array }>
  baseline?: Readonly<{ path: string; bytes: Uint8Array }>
  label?: string
  source?: string
  classification: Classification
  past?: Pick<PastVersions, 'previous' | 'history'>
  /** Tables that the contract's rules look into; the others of it are not at hand. */
  others?: readonly Readonly<{ table: string; name: string; content: Content }>[]
  triage?: Questions['triage']
  /** Rows that may not be in it. */
  goldenRows?: Dataset
  /** Chooses rows and images where they are too many, and folds. */
  seed: number
}> &
  Closing

export type ContentVerdict = Readonly<{
  verdict: CheckVerdict
  checks: readonly DataCheck[]
  dataset: Readonly<{ digest: Content['digest']; rows?: number }>
  unseen: readonly string[]
  /** What this version brought, for the history of the next ones. */
  version?: Findings['version']
  /** With values, whatever the classification: for a reviewer's eyes. */
  triage?: Findings['triage']
  /** Of thresholds and limits. */
  settings: Sha256
  engine: string
  sandbox: Readonly<{ engine: 'bubblewrap'; digest: Sha256 }>
  startedAt: Date
  finishedAt: Date
}>

/** Who answers: the engine, and the thresholds, budgets and limits that it is given. */
export function validatorIdentity(bounds: readonly Bound[] = []): Readonly<{ engine: string; settings: Sha256 }> {
  return {
    engine: validatorEngine(),
    settings: digestOfJson({
      limits: defaultLimits,
      own: Object.fromEntries(ownBounds),
      large: timesUntilLarge,
      bounds,
    }),
  }
}

/**
 * What cannot be read is a warning where nobody said what it should be: no contract, baseline, label or golden set.
 *
 * @throws ERR_DATA_CONTRACT_MALFORMED, ERR_DATA_CONTRACT_VERSION, ERR_DATA_CONTRACT_TABLE, ERR_DATA_BASELINE_MALFORMED, ERR_DATA_LIMIT, ERR_DATA_VALIDATOR_FAILED, ERR_SANDBOX_UNAVAILABLE
 */
export async function validateContent(tools: ContentTools, asked: ContentQuestions): Promise<ContentVerdict> {
  const {
    content,
    name,
    contract,
    baseline,
    label,
    source,
    classification,
    others = [],
    judged,
    triage,
    past,
    anchorRows,
    bounds,
    goldenRows,
    seed,
  } = asked
  const startedAt = tools.now()
  const questions: Questions = {
    ...(contract === undefined ? {} : { contract: parseContract(contract.bytes, contract.path) }),
    ...(baseline === undefined ? {} : { baseline: parseBaseline(baseline.bytes, baseline.path) }),
    ...(label === undefined ? {} : { label }),
    ...(source === undefined ? {} : { source }),
    ...(bounds === undefined ? {} : { bounds }),
    ...(goldenRows === undefined ? {} : { golden: { dataset: goldenRows, isAnchor: false } }),
    now: startedAt,
    examples: 0,
    profile: false,
    seed,
    ...(anchorRows === undefined ? {} : { anchor: anchorRows }),
    ...(past?.previous === undefined ? {} : { previous: past.previous.dataset }),
    ...(past === undefined ? {} : { history: past.history }),
    others: new Map(others.map(({ table, name: file, content: of }) => [table, datasetOf(of, file, tools.store)])),
    ...(judged === undefined ? {} : { judged }),
    ...(triage === undefined ? {} : { triage }),
  }
  const options: ValidatorOptions & Readonly<{ looks?: LookMemory }> = {
    ...defaultLimits,
    runBox: boxRunner(tools.boxes),
    scratchRoot: tools.scratchRoot,
    ...(tools.looks === undefined ? {} : { looks: tools.looks }),
    ...(tools.signal === undefined ? {} : { signal: tools.signal }),
  }
  const base = baseOf(name)
  const found = await findIn(
    datasetOf(content, base, tools.store),
    { name: base, content: Promise.resolve(content) },
    questions,
    options,
  )
  const isSame = questions.baseline?.dataset.digest === content.digest
  const all = heldChecks({ ...asked, hasBaseline: baseline !== undefined, isSame }, found)
  // THREAT: a file that is made unreadable is asked nothing, whatever it is held to
  const isHeld = [contract, baseline, label, asked.golden].some((each) => each !== undefined)
  const checks = all.map((check) => shown(isHeld ? check : softened(check), classification))
  return {
    verdict: worstOf(checks),
    checks,
    dataset: { digest: content.digest, ...(found.rows === undefined ? {} : { rows: found.rows }) },
    unseen: found.unseen,
    ...(found.version === undefined ? {} : { version: found.version }),
    ...(found.triage === undefined ? {} : { triage: found.triage }),
    ...validatorIdentity(bounds),
    sandbox: { engine: 'bubblewrap', digest: bubblewrapRecipe() },
    startedAt,
    finishedAt: tools.now(),
  }
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The format of data that is held to nothing is no reason to stop. */
function softened(check: DataCheck): DataCheck {
  return check.verdict === 'fail' && /^(format|files)\//.test(check.name) ? { ...check, verdict: 'warn' } : check
}
