/** What data is like, and how two of them differ, as far as that may be told of them. */
import { randomInt } from 'node:crypto'
import { basename, resolve } from 'node:path'
import { DomainError } from '../core/index.ts'
import {
  type Baseline,
  type DataCheck,
  diffDatasets,
  draftContract,
  hasTwoClasses,
  isTableName,
  profileDataset,
  stemOf,
} from '../data/index.ts'
import { hasSomethingToCompare, onlyTheseBytes } from './examine-anchor.ts'
import { classificationAmong, openRoom, type StoppableCaller, seedLimit } from './validate-data.fs.ts'
import { type ShownDiff, shown, shownBaseline, shownDiff, shownFact, withheldOf } from './withheld.ts'

type Found = Awaited<ReturnType<typeof profileDataset>>

/** `warned`: what whoever makes an anchor of it should have seen. */
type ProfiledData =
  | Extract<Found, { kind: 'unreadable' }>
  | (Extract<Found, { kind: 'files' }> & Readonly<{ baseline: Baseline; warned: readonly DataCheck[] }>)
  | (Omit<Extract<Found, { kind: 'profile' }>, 'profile'> &
      Readonly<{
        baseline: Baseline
        warned: readonly DataCheck[]
        /** Why values are missing. */
        withheld?: string
      }>)

/** What the data is like now, as a baseline; without values, where they must not be told. */
export async function profileData(
  caller: StoppableCaller,
  path: string,
  { label, source }: Readonly<{ label?: string; source?: string }>,
): Promise<ProfiledData> {
  const classification = await classificationAmong(caller, [path])
  using room = openRoom(caller)
  const statistics = {
    seed: randomInt(seedLimit),
    poison: label !== undefined,
    ...(label === undefined ? {} : { label }),
    ...(source === undefined ? {} : { source }),
  }
  const found = await profileDataset(resolve(caller.workingFolder, path), statistics, room.validator)
  if (found.kind === 'unreadable') {
    return { ...found, checks: found.checks.map((check) => shown(check, classification)) }
  }
  if (found.kind === 'files')
    return { ...found, ...comparedFiles(found, label), baseline: baselineOfFiles(found, label) }
  const { content, rows, poison, unseen } = found
  const { profile: _profile, facts, ...rest } = found
  const dataset = { digest: content.digest, rows }
  const baseline = { dataset, label: label ?? null, source: source ?? null, profile: found.profile, poison }
  const withheld = withheldOf(classification)
  return {
    ...rest,
    facts: facts.map((fact) => shownFact(fact, classification)),
    unseen: withheld === undefined ? unseen : [...unseen, withheld],
    baseline: shownBaseline(baseline, classification),
    warned: hasSomethingToCompare(baseline, []) ? [] : [onlyTheseBytes],
    ...(withheld === undefined ? {} : { withheld }),
  }
}

/** Nobody looks into files here: whether some are images is said when the anchor is made. */
function comparedFiles(
  { content }: Extract<Found, { kind: 'files' }>,
  label: string | undefined,
): Readonly<{ warned: readonly DataCheck[]; unseen: readonly string[] }> {
  const names = content.kind === 'folder' ? content.files.map(({ path }) => path) : []
  const mayHaveClasses = label !== undefined || hasTwoClasses(names) || names.some(isTableName)
  return !mayHaveClasses
    ? { warned: [onlyTheseBytes], unseen: [] }
    : { warned: [], unseen: ['whether it holds images of several classes, which alone are compared with an anchor'] }
}

/** Later files are compared with these themselves: the anchor keeps them. */
function baselineOfFiles({ content, files }: Extract<Found, { kind: 'files' }>, label: string | undefined): Baseline {
  const dataset = { digest: content.digest, rows: files }
  return { dataset, label: label ?? null, source: null, profile: null, poison: [] }
}

/** The draft of a contract, as YAML. @throws ERR_DATA_UNREADABLE */
export async function draftContractFor(caller: StoppableCaller, path: string): Promise<string> {
  const file = resolve(caller.workingFolder, path)
  const found = await profileData(caller, path, {})
  if (found.kind === 'unreadable') {
    const because = found.checks.find(({ verdict }) => verdict === 'fail')?.because ?? 'it has no verdict'
    throw new DomainError('ERR_DATA_UNREADABLE', `\`${path}\` cannot be read: ${because}`)
  }
  if (found.kind === 'files')
    throw new DomainError('ERR_DATA_UNREADABLE', `\`${path}\` is no table, and a contract is of tables`, {
      help: 'name a CSV, JSON Lines or Parquet file, or a folder of such files of one kind',
    })
  const of = { table: stemOf(basename(file)), file: basename(file), rows: found.rows }
  return draftContract(found.withheld === undefined ? of : { ...of, without: found.withheld }, found.facts)
}

export type DiffDataOptions = Readonly<{ key?: readonly string[]; label?: string; source?: string }>

export async function diffData(
  caller: StoppableCaller,
  left: string,
  right: string,
  options: DiffDataOptions,
): Promise<ShownDiff> {
  const classification = await classificationAmong(caller, [left, right])
  using room = openRoom(caller)
  const at = (path: string): string => resolve(caller.workingFolder, path)
  return shownDiff(await diffDatasets(at(left), at(right), options, room.validator), classification)
}
