/** Looking into data: composes the validator with the sandbox, in a project or anywhere. */
import { randomInt } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { isCompared } from '../attestation/index.ts'
import { runInBox } from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
import {
  type Baseline,
  type BoxRunner,
  type Classification,
  type Contract,
  type DataCheck,
  type Dataset,
  type DatasetReport,
  type DigestPathOptions,
  defaultLimits,
  digestPath,
  ioFault,
  isTableName,
  type LookMemory,
  parseBaseline,
  parseContract,
  type ValidatorOptions,
  validateDataset,
  walkPlain,
  worstOf,
} from '../data/index.ts'
import { comparedChecks, heldChecks } from './closed-checks.ts'
import { classificationAt, mostSecretOf, rulesAt } from './data-question.ts'
import type { DataRules } from './definition.ts'
import { type HeldData, heldData } from './held-data.ts'
import { openProject } from './project.fs.ts'
import type { Caller, Project } from './project.ts'
import { maxBaselineBytes, maxContractBytes } from './references.ts'
import { looksOf } from './remembered-looks.ts'
import { shown, withheldOf } from './withheld.ts'
import { findRoot, makeState } from './workspace.fs.ts'

/** A caller that may ask to stop. */
export type StoppableCaller = Caller & Readonly<{ signal: AbortSignal }>

export type ValidateDataOptions = Readonly<{
  contract?: string
  /** A baseline that `data profile` wrote, or the approved data itself. */
  baseline?: string
  label?: string
  source?: string
  /** Distributions and values of rows, for a report. */
  forReport?: boolean
  /** What the project holds it to but for its baseline: data that is to become the anchor. */
  withoutBaseline?: boolean
  /** Rows that the data, which is to become the anchor, has to agree with; `seed` chooses how. */
  golden?: Readonly<{ dataset: Dataset; seed: number }>
}>

/** `isHeld`: to what the project says, and to nothing that was asked for beside. */
export type DataVerdictReport = DatasetReport & Readonly<{ contract?: Contract; baseline?: Baseline; isHeld: boolean }>

/** Nobody is to know where a look into data goes. */
export const seedLimit = 2 ** 47

/** LIMIT: values of so many rows are shown with what they violate. */
const shownRows = 100

/**
 * @param path as the user wrote it
 * @throws ERR_DATA_MISSING, ERR_DATA_CONTRACT_MALFORMED, ERR_DATA_CONTRACT_VERSION, ERR_DATA_CONTRACT_TABLE, ERR_DATA_BASELINE_MALFORMED, ERR_SANDBOX_UNAVAILABLE
 */
export async function validateData(
  caller: StoppableCaller,
  path: string,
  options: ValidateDataOptions,
): Promise<DataVerdictReport> {
  const { source } = options
  const { options: rules, held, memory, classification } = await rulesFor(caller, path, options)
  // THREAT: a report, or the log that an answer ends up in, leaks values of confidential data
  const withheld = withheldOf(classification)
  const isTold = withheld === undefined
  const forReport = options.forReport === true && isTold
  const { contract: contractFile, baseline: baselineFile, label } = rules
  const contract =
    contractFile === undefined
      ? undefined
      : parseContract(readGiven(caller, contractFile, 'contract', maxContractBytes), contractFile)
  const approved = baselineFile === undefined ? {} : readBaseline(caller, baselineFile)
  using room = openRoom(caller)
  const found = await validateDataset(
    resolve(caller.workingFolder, path),
    {
      ...(contract === undefined ? {} : { contract }),
      ...approved,
      ...(label === undefined ? {} : { label }),
      ...(source === undefined ? {} : { source }),
      now: caller.now(),
      examples: forReport ? shownRows : 0,
      profile: forReport,
      seed: randomInt(seedLimit),
      ...held?.questions,
      ...(options.golden === undefined
        ? {}
        : { golden: { dataset: options.golden.dataset, isAnchor: true }, seed: options.golden.seed }),
    },
    { ...room.validator, ...memory, ...(held?.seen === undefined ? {} : { seen: held.seen }) },
  )
  const isSame = await isWhatWasApproved(approved, found)
  const all =
    held === undefined
      ? [...found.checks, ...givenChecks(approved, found, isSame)]
      : heldChecks({ ...held.closing, isSame }, found)
  const told = all.map((check) => shown(check, classification))
  // THREAT: what a reviewer waived stays a failure to whoever asks whether this may become the anchor
  const isWaived = held !== undefined && options.withoutBaseline !== true
  const checks = isWaived ? held.waived(told, found.content.digest) : told
  const { baseline } = approved
  const { baselineProfile: _b, profile: _p, version: _v, ...toldFound } = found
  return {
    ...(isTold ? found : { ...toldFound, unseen: [...found.unseen, withheld] }),
    checks,
    verdict: worstOf(checks),
    isHeld: held !== undefined,
    ...(contract === undefined ? {} : { contract }),
    ...(baseline === undefined || !isTold ? {} : { baseline }),
  }
}

type Approved = ReturnType<typeof readBaseline>

/** THREAT: what was compared with nothing passes, since nobody but whoever asks says that there is a baseline. */
function givenChecks({ baseline, anchor }: Approved, found: DatasetReport, isSame: boolean): readonly DataCheck[] {
  const hasBaseline = baseline !== undefined || anchor !== undefined
  return comparedChecks({ hasBaseline, isSame, ...(anchor === undefined ? {} : { anchorRows: anchor }) }, found)
}

/** Asked where nothing else could be compared. */
async function isWhatWasApproved({ baseline, anchor }: Approved, found: DatasetReport): Promise<boolean> {
  if (isCompared(found)) return false
  if (anchor === undefined || anchor.kind === 'objects') return baseline?.dataset.digest === found.content.digest
  return (await digestPath(anchor.path)).digest === found.content.digest
}

/** `memory`: digests and looks of files, in a project. */
type Rules = Readonly<{
  options: ValidateDataOptions
  classification: Classification
  held?: HeldData
  memory?: Readonly<{ digest: DigestPathOptions; looks: LookMemory }>
}>

/**
 * What was asked for; when that is nothing, what the project that the path lies in holds it to. The classification is
 * that of whatever is most secret of the data and of what it is compared with.
 */
async function rulesFor(caller: Caller, path: string, options: ValidateDataOptions): Promise<Rules> {
  const open = opener(caller)
  const own = await open(path)
  const [place] = own
  const asked = options.withoutBaseline === true ? undefined : (options.contract ?? options.baseline ?? options.label)
  const rules = asked === undefined && place !== undefined ? rulesOf(place, options) : {}
  const absolute = (name: string): string => join(place?.project.root ?? '', name)
  const held = {
    ...options,
    ...(rules.contract === undefined ? {} : { contract: absolute(rules.contract) }),
    ...(rules.baseline === undefined ? {} : { baseline: absolute(rules.baseline) }),
    ...(rules.label === undefined ? {} : { label: rules.label }),
  }
  // THREAT: the report of data that is not secret shows what it was compared with
  const told = [...own, ...(held.baseline === undefined ? [] : await open(held.baseline))]
  const classification = mostSecretOf(told.map(({ project, inner }) => classificationAt(project, inner)))
  if (place === undefined) return { options: held, classification }
  const { project, inner } = place
  const { statCache } = project
  return {
    ...(asked === undefined ? { held: await heldData(project, inner, rules) } : {}),
    memory: { digest: statCache === undefined ? {} : { cache: statCache }, looks: looksOf(project) },
    classification,
    options: held,
  }
}

function rulesOf({ project, inner }: Place, { withoutBaseline }: ValidateDataOptions): DataRules {
  const { baseline, bounds, ...rest } = rulesAt(project, inner)
  if (withoutBaseline === true || baseline === undefined) return rest
  return { ...rest, baseline, ...(bounds === undefined ? {} : { bounds }) }
}

type Place = Readonly<{ project: Project; inner: string }>

/**
 * Where a path lies in projects, each opened once: where it really is, and where it was named to be.
 *
 * THREAT: data that is named through a link, or from outside of its project, is as secret as it was.
 */
function opener(caller: Caller): (path: string) => Promise<readonly Place[]> {
  const projects = new Map<string, Promise<Project>>()
  const placeAt = async (root: string | undefined, absolute: string): Promise<readonly Place[]> => {
    if (root === undefined || !existsSync(join(root, 'assay.yaml'))) return []
    const inner = relative(root, absolute) || '.'
    if (/^\.\.(\/|$)/.test(inner) || isAbsolute(inner)) return []
    const project = projects.get(root) ?? openProject({ ...caller, workingFolder: root })
    projects.set(root, project)
    return [{ project: await project, inner }]
  }
  return async (path) => {
    const named = resolve(caller.workingFolder, path)
    const real = existsSync(named) ? realpathSync(named) : undefined
    return [
      ...(real === undefined ? [] : await placeAt(findRoot(real), real)),
      ...(real === named ? [] : await placeAt(findRoot(caller.workingFolder), named)),
    ]
  }
}

function readBaseline(caller: Caller, path: string): Readonly<{ baseline?: Baseline; anchor?: Dataset }> {
  if (isTableName(path)) {
    const file = resolve(caller.workingFolder, path)
    if (!existsSync(file)) throw new DomainError('ERR_USAGE', `the baseline \`${path}\` is not there`)
    return { anchor: { kind: 'file', path: file, name: basename(file) } }
  }
  const folder = resolve(caller.workingFolder, path)
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) {
    const { files } = walkPlain(folder, { name: path })
    return { anchor: { kind: 'folder', path: folder, files: files.map(({ inner }) => inner).toSorted() } }
  }
  return { baseline: parseBaseline(readGiven(caller, path, 'baseline', maxBaselineBytes), path) }
}

/** A file that the user named. @throws ERR_USAGE when it is none, ERR_INPUT_TOO_LARGE, ERR_IO */
export function readGiven(caller: Caller, path: string, what: string, maxBytes: number): Uint8Array {
  const file = resolve(caller.workingFolder, path)
  try {
    const status = statSync(file)
    if (!status.isFile())
      throw new DomainError('ERR_USAGE', `the ${what} \`${path}\` is not a file`, { help: 'give the path of a file' })
    if (status.size > maxBytes)
      throw new DomainError('ERR_INPUT_TOO_LARGE', `\`${path}\` has ${status.size} bytes, the limit is ${maxBytes}`)
    return readFileSync(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new DomainError('ERR_USAGE', `the ${what} \`${path}\` is not there`, {
        help: 'give the path of a file',
      })
    throw ioFault(error, path)
  }
}

/** Of whatever is most secret of what is looked at. */
export async function classificationAmong(caller: Caller, paths: readonly string[]): Promise<Classification> {
  const open = opener(caller)
  const places: Place[] = []
  for (const path of paths) places.push(...(await open(path)))
  return mostSecretOf(places.map(({ project, inner }) => classificationAt(project, inner)))
}

type Room = Disposable & Readonly<{ validator: ValidatorOptions }>

/** Where the validator works: the project's own folder of state, else one that is removed afterwards. */
export function openRoom(caller: StoppableCaller): Room {
  const root = findRoot(caller.workingFolder)
  const folder = root === undefined ? mkdtempSync(join(tmpdir(), 'assay-')) : join(root, '.assay')
  if (root !== undefined) makeState(root)
  // not `tmp`, which a run sweeps when it starts
  const scratchRoot = join(folder, 'validate')
  mkdirSync(scratchRoot, { recursive: true })
  sweepOld(scratchRoot, caller.now())
  return {
    validator: { ...defaultLimits, runBox: boxRunner(join(folder, 'boxes')), scratchRoot, signal: caller.signal },
    [Symbol.dispose]: () => {
      if (root === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** LIMIT: what a killed validation left is removed after a day. */
const staleMs = 86_400_000

function sweepOld(folder: string, now: Date): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const status = statSync(path, { throwIfNoEntry: false })
    if (status !== undefined && now.getTime() - status.mtimeMs > staleMs) rmSync(path, { recursive: true, force: true })
  }
}

/** The real sandbox, as the validator asks for it. */
export function boxRunner(workFolder: string): BoxRunner {
  return (task) => runInBox({ ...task, workFolder })
}

/** Writes a report, over an earlier one too. */
export function writeReport(caller: Caller, path: string, html: string): void {
  const file = resolve(caller.workingFolder, path)
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, html, { mode: 0o600 })
  } catch (error) {
    throw ioFault(error, path)
  }
}

/** Writes what a person is going to edit or approve: what is there already is not overwritten. */
export function writeNewFile(caller: Caller, path: string, text: string): void {
  const file = resolve(caller.workingFolder, path)
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text, { flag: 'wx' })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST' && existsSync(file))
      throw new DomainError('ERR_USAGE', `\`${path}\` is there already`, {
        help: 'choose another name, or remove it first',
      })
    throw ioFault(error, path)
  }
}
