/**
 * The verdict on a dataset: what it is by content, what a contract says of it, and how it differs from what was approved.
 *
 * The bytes are digested here, while the validator reads them in its sandbox; a file that changed meanwhile is refused.
 * Nothing of the data is parsed in this process.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Content, DomainError } from '../../core/index.ts'
import { type Bound, historyIn } from '../bounds.ts'
import { type Contract, chooseTable, isCalledLike, otherTables, type TableContract } from '../contract/index.ts'
import { type DigestPathOptions, digestPath, type Seen } from '../digest-tree.fs.ts'
import { statKeyOf } from '../file-stat.ts'
import { deferred } from '../files/look-memory.ts'
import type { Version } from '../poison/index.ts'
import { parseTableProfile, type TableProfile } from '../statistics/index.ts'
import { isTableName } from '../table/format.ts'
import { marksTold } from '../table/job-marks.ts'
import { walkPlain } from '../walk-plain.fs.ts'
import type { Baseline } from './baseline.ts'
import { type CheckVerdict, type DataCheck, formatFault, worstOf } from './check.ts'
import { type Dataset, tableIn, tableOf } from './dataset.fs.ts'
import { historyChecks } from './history-checks.ts'
import type { JudgedRows } from './judged-rows.ts'
import { type FilesOptions, findInFiles } from './look-at.fs.ts'
import {
  type FoundSuspects,
  type StatisticsRequest,
  type TriageRequest,
  type ValidateAnswer,
  validateAnswerShape,
} from './request.ts'
import { runValidator, type ValidatorOptions } from './run-validator.fs.ts'

export type Questions = Readonly<{
  contract?: Contract
  /** What it was approved as, or the approved data itself. */
  baseline?: Baseline
  anchor?: Dataset
  /** How much it may differ from that, where the user says so. */
  bounds?: readonly Bound[]
  /** Rows that people verified; `isAnchor`: the data is to become the anchor, and has to agree with them. */
  golden?: Readonly<{ dataset: Dataset; isAnchor: boolean }>
  label?: string
  source?: string
  /** Where tables of foreign keys lie; absolute. Beside the dataset when left out. */
  siblings?: string
  /** Those tables themselves, by their names in the contract; then nothing is looked for. */
  others?: ReadonlyMap<string, Dataset>
  now: Date
  /** Rows whose values are shown; none for data that must not be shown. */
  examples: number
  /** Whether the distributions are wanted for their own sake. */
  profile: boolean
  seed: number
  /** The version before this one, and what those since the anchor brought, oldest first. */
  previous?: Dataset
  history?: readonly Version[]
  /** What people said of rows, oldest first. */
  judged?: readonly JudgedRows[]
  /** Asks for the suspects that nobody judged, and for these rows. */
  triage?: TriageRequest
}>

export type Findings = Readonly<{
  verdict: CheckVerdict
  checks: readonly DataCheck[]
  /** Undefined for what is no table, or could not be read. */
  rows?: number
  /** What the checks could not have seen. */
  unseen: readonly string[]
  /** Files that the validator was given, where others were remembered. */
  looked?: ReadonlySet<string>
  profile?: TableProfile
  /** Of the approved data, where rows of it were given. */
  baselineProfile?: TableProfile
  examples?: ValidateAnswer['examples']
  triage?: FoundSuspects
  /** What this version brought, for the history of the next ones. */
  version?: Version
}>

export type DatasetReport = Findings & Readonly<{ content: Content }>

/**
 * @param path absolute: a file or a folder
 * @throws ERR_DATA_MISSING, ERR_DATA_NOT_PLAIN, ERR_DATA_CHANGED, ERR_DATA_CONTRACT_TABLE, ERR_DATA_LIMIT, ERR_DATA_VALIDATOR_FAILED
 */
export async function validateDataset(
  path: string,
  questions: Questions,
  options: FilesOptions & DigestOptions,
): Promise<DatasetReport> {
  const siblings = questions.siblings ?? dirname(path)
  const looks = options.looks === undefined ? undefined : deferred(options.looks)
  const found = await whileDigested(path, options, (dataset, content) =>
    findIn(
      dataset,
      { name: basename(path), content },
      { ...questions, siblings },
      looks === undefined ? options : { ...options, looks },
    ),
  )
  looks?.settle()
  return found
}

/** `seen`: what was found there by whoever had to know first; of another path it is not asked. */
type DigestOptions = Readonly<{ digest?: DigestPathOptions; seen?: Seen }>

/**
 * Digests a path while `work` looks at it. What is digested are the files as they were found at first; of those that
 * `work` gave to the validator none may have changed since.
 *
 * @param work tells those files; all of them when it does not
 * @throws ERR_DATA_CHANGED
 */
export async function whileDigested<T extends object>(
  path: string,
  options: DigestOptions,
  work: (dataset: Dataset, content: Promise<Content>) => Promise<T>,
): Promise<T & Readonly<{ content: Content }>> {
  const seen = options.seen?.path === path ? options.seen : undefined
  const before = seen?.tree ?? walkPlain(path, { name: path })
  const files = before.files.map(({ inner }) => inner).toSorted()
  // a single file is called by its own name, since the name says what it is
  const dataset: Dataset =
    before.kind === 'file' ? { kind: 'file', path, name: basename(path) } : { kind: 'folder', path, files }
  const digested =
    seen === undefined ? digestPath(path, { ...options.digest, found: before.files }) : Promise.resolve(seen.content)
  const [content, found] = await Promise.all([digested, work(dataset, digested)])
  const looked = lookedIn(found)
  for (const file of before.files) {
    if (looked !== undefined && before.kind === 'folder' && !looked.has(file.inner)) continue
    const now = lstatSync(file.path, { bigint: true, throwIfNoEntry: false })
    if (now?.isFile() !== true || statKeyOf(now) !== file.stat)
      throw new DomainError('ERR_DATA_CHANGED', `\`${path}\` changed while it was being read`)
  }
  return { ...found, content }
}

function lookedIn(found: Readonly<{ looked?: ReadonlySet<string> }> | object): ReadonlySet<string> | undefined {
  return 'looked' in found ? found.looked : undefined
}

/**
 * @param known.name of the file or folder: which table of the contract it stands for
 * @param known.content what it is by content, as soon as that is known
 */
export async function findIn(
  dataset: Dataset,
  { name, content }: Readonly<{ name: string; content: Promise<Content> }>,
  questions: Questions,
  options: FilesOptions,
): Promise<Findings> {
  const found = tableIn(dataset)
  if (found === undefined) return findInFiles(dataset, content, questions, options)
  const findings = await findInTables(found.table, name, questions, options)
  return { ...findings, unseen: [...findings.unseen, ...marksTold(found.marks)] }
}

async function findInTables(
  dataset: Dataset,
  name: string,
  questions: Questions,
  options: ValidatorOptions,
): Promise<Findings> {
  const { contract: whole, baseline, anchor, previous, history = [], now, examples, bounds, golden } = questions
  const contract = whole === undefined ? undefined : chooseTable(whole, name)
  const unseen = unseenOf(questions)
  const others = whole === undefined || contract === undefined ? [] : othersOf(contract, whole, name, questions)
  const statistics = statisticsOf(questions)
  const answer = await runValidator(
    [
      dataset,
      ...others.map((other) => tableOf(other.dataset)),
      ...[anchor, previous, golden?.dataset].flatMap((each) => (each === undefined ? [] : [tableOf(each)])),
    ],
    ([files = [], ...rest]) => {
      const otherFiles = rest.splice(0, others.length)
      const anchorFiles = anchor === undefined ? undefined : rest.shift()
      const previousFiles = previous === undefined ? undefined : rest.shift()
      const goldenFiles = golden === undefined ? undefined : rest.shift()
      return {
        task: 'validate',
        files,
        ...(contract === undefined ? {} : { contract }),
        others: others.map(({ table }, index) => ({
          name: table.name,
          types: table.types,
          files: otherFiles[index] ?? [],
        })),
        now: now.toISOString(),
        ...(statistics === undefined ? {} : { statistics }),
        ...(baseline === undefined ? {} : { baseline: { profile: baseline.profile, poison: baseline.poison } }),
        ...(anchorFiles === undefined ? {} : { anchor: anchorFiles }),
        ...(bounds === undefined ? {} : { bounds }),
        ...(previousFiles === undefined ? {} : { previous: previousFiles }),
        ...(golden === undefined || goldenFiles === undefined
          ? {}
          : { golden: { files: goldenFiles, isAnchor: golden.isAnchor } }),
        examples,
        ...(questions.judged === undefined ? {} : { judged: questions.judged }),
        ...(questions.triage === undefined ? {} : { triage: questions.triage }),
        limits: options.limits,
      }
    },
    validateAnswerShape,
    options,
  )
  const { rows, profile, anchorProfile, version } = answer
  const checks = [
    ...answer.checks,
    ...(isBlind(questions) ? [blindBaseline] : []),
    ...(version === undefined ? [] : historyChecks([...history, version], historyIn(bounds ?? []))),
  ]
  return {
    verdict: worstOf(checks),
    checks,
    unseen: [...unseen, ...answer.unseen],
    ...(rows === undefined ? {} : { rows }),
    ...(profile === undefined ? {} : { profile: parseTableProfile(profile) }),
    ...(anchorProfile === undefined ? {} : { baselineProfile: parseTableProfile(anchorProfile) }),
    ...(answer.examples === undefined ? {} : { examples: answer.examples }),
    ...(version === undefined ? {} : { version }),
    ...(answer.triage === undefined ? {} : { triage: answer.triage }),
  }
}

/** Held to a baseline that tells no values, without the rows that it was made from. */
function isBlind({ baseline, anchor }: Questions): boolean {
  return baseline?.profile === null && anchor === undefined
}

const withoutRows = 'the baseline tells no values, and the rows that it was made from are not in this store'

const blindBaseline: DataCheck = { ...formatFault('baseline', withoutRows), evaluated: false }

/** Statistics are asked for when there is something to compare with, or a label to look for poison by. */
function statisticsOf({ baseline, anchor, label, source, profile, seed }: Questions): StatisticsRequest | undefined {
  if (baseline === undefined && anchor === undefined && label === undefined && !profile) return undefined
  const named = label ?? baseline?.label ?? undefined
  const from = source ?? baseline?.source ?? undefined
  const poison = label !== undefined || baseline !== undefined || anchor !== undefined
  return {
    seed,
    poison,
    ...(named === undefined ? {} : { label: named }),
    ...(from === undefined ? {} : { source: from }),
  }
}

function unseenOf(questions: Questions): readonly string[] {
  const { contract, baseline, anchor } = questions
  return [
    ...(contract === undefined ? ['there is no contract: nothing but the format was held to anything'] : []),
    ...(baseline === undefined && anchor === undefined
      ? ['there is no anchor: whether the data moved, and poison that was there from the start']
      : []),
    ...(isBlind(questions) ? [`whether the data moved: ${withoutRows}`] : []),
  ]
}

type Other = Readonly<{ table: TableContract; dataset: Dataset }>

/** Tables that foreign keys and SQL rules may ask: those that were given, else those whose file lies beside the data. */
function othersOf(own: TableContract, contract: Contract, name: string, questions: Questions): readonly Other[] {
  const { others, siblings: folder } = questions
  const needed = otherTables(contract, own)
  if (others !== undefined) {
    return needed.flatMap((table) => {
      const dataset = others.get(table.name)
      return dataset === undefined ? [] : [{ table, dataset }]
    })
  }
  if (needed.length === 0 || folder === undefined) return []
  const siblings = readdirSync(folder).filter((file) => isTableName(file) && file !== name)
  return needed.flatMap((table) => {
    const file = siblings.find((sibling) => isCalledLike(table, sibling))
    const path = join(folder, file ?? '')
    if (file === undefined || !lstatSync(path).isFile()) return []
    return [{ table, dataset: { kind: 'file', path, name: file } }]
  })
}
