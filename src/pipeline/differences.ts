/** What two statements of one stage record otherwise: code, parameters, inputs, environment, system, machine, outputs. */
import type { StageFacts } from '../attestation/index.ts'
import { diffSystems } from '../compute/index.ts'
import { isSha256, type Sha256 } from '../core/index.ts'
import type { Difference } from '../reproducibility/index.ts'
import type { Project } from './project.ts'
import { recordedSystem, systemMaterial } from './systems.ts'

/**
 * Each thing under one name, though it is recorded in several places: a seed is a variable too.
 *
 * The first word says what kind of thing it is: `seed`, `code`, `parameter`, `command`, `input` (from outside), `made` (by
 * a stage before), `package`, `environment`, `threads`, `variable`, `limit`, `system`, `record`, `output`.
 */
export async function differencesOf(
  project: Project,
  left: StageFacts,
  right: StageFacts,
): Promise<readonly Difference[]> {
  const params = mapChanges('parameter', paramsOf(left), paramsOf(right))
  const seed = mapChanges('seed', { seed: `${left.seed}` }, { seed: `${right.seed}` })
  const threads = mapChanges('threads', threadsOf(left), threadsOf(right))
  return [
    ...seed,
    ...mapChanges('code', codeOf(left), codeOf(right)).filter(isNot(whollyTold(left, right, params))),
    ...params,
    ...mapChanges('command', { command: left.commands.join(' && ') }, { command: right.commands.join(' && ') }),
    ...mapChanges('input', externalOf(left), externalOf(right)),
    ...mapChanges('package', packagesOf(left), packagesOf(right)),
    ...mapChanges('environment', environmentOf(left), environmentOf(right)),
    ...threads,
    ...mapChanges('variable', variablesOf(left), variablesOf(right)).filter(
      isNot(new Set([...(seed.length > 0 ? ofSeed : []), ...(threads.length > 0 ? ofThreads : [])])),
    ),
    ...mapChanges('limit', limitsOf(left), limitsOf(right)),
    ...(await systemChanges(project, left, right)),
    ...mapChanges('record', recordOf(left), recordOf(right)).filter(isNotNew),
    ...mapChanges('made', madeOf(left), madeOf(right)),
    ...mapChanges('output', outsOf(left), outsOf(right)),
  ]
}

const ofSeed = ['ASSAY_SEED', 'PYTHONHASHSEED'].map((name) => `variable ${name}`)
const ofThreads = ['OMP', 'MKL', 'OPENBLAS', 'NUMEXPR'].map((name) => `variable ${name}_NUM_THREADS`)

function isNot(names: ReadonlySet<string>): (difference: Difference) => boolean {
  return ({ what }) => !names.has(what)
}

/** What an earlier version of assay did not record is not known to have been otherwise. */
function isNotNew({ what, before, after }: Difference): boolean {
  return !/^record (machine|determinism)\//.test(what) || (before !== 'none' && after !== 'none')
}

/** A params file is code too where the stage opens it; the keys say more. */
function whollyTold(left: StageFacts, right: StageFacts, params: readonly Difference[]): ReadonlySet<string> {
  const files = new Set([...Object.keys(left.parameters), ...Object.keys(right.parameters)])
  const told = [...files].filter((file) => params.some(({ what }) => what.startsWith(`parameter ${file}:`)))
  return new Set(told.map((file) => `code ${file}`))
}

/** What moved in the system, where the records of both are here; else the digests, among the facts of the record. */
async function systemChanges(project: Project, left: StageFacts, right: StageFacts): Promise<readonly Difference[]> {
  const [before, after] = [systemOf(left), systemOf(right)]
  if (before === undefined || after === undefined || before === after) return []
  const [then, now] = [await recordedSystem(project, before), await recordedSystem(project, after)]
  return then === undefined || now === undefined ? [] : diffSystems(then, now)
}

const systemOf = ({ environment: { materials } }: StageFacts): Sha256 | undefined =>
  materials.find(({ name }) => name === systemMaterial)?.digest

type Facts = Readonly<Record<string, string>>

function mapChanges(kind: string, left: Facts, right: Facts): readonly Difference[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].toSorted().flatMap((name) => {
    const [before, after] = [left[name] ?? 'none', right[name] ?? 'none']
    return before === after ? [] : [{ what: kind === name ? kind : `${kind} ${name}`, before, after }]
  })
}

/** Tracked files by path: those that it opened, and those that it declares. */
export function codeFilesOf({ code, dependencies }: StageFacts): ReadonlyMap<string, Sha256> {
  const declared = dependencies.flatMap(({ path, digest, origin, role }) =>
    origin.kind === 'code' && role === 'dep' && isSha256(digest) ? [[path, digest] as const] : [],
  )
  const opened = code.kind === 'opened' ? code.files.map(({ path, digest }) => [path, digest] as const) : []
  return new Map([...declared, ...opened])
}

const codeOf = (facts: StageFacts): Facts => ({
  ...Object.fromEntries(
    facts.dependencies.flatMap(({ path, digest, origin, role }) =>
      origin.kind === 'code' && role === 'dep' ? [[path, digest]] : [],
    ),
  ),
  ...Object.fromEntries(codeFilesOf(facts)),
  ...(facts.code.kind === 'opened' ? {} : { 'all visible files': facts.code.digest }),
})
const depsOf = (
  facts: StageFacts,
  takes: (kind: StageFacts['dependencies'][number]['origin']['kind']) => boolean,
): Facts =>
  Object.fromEntries(
    facts.dependencies.flatMap(({ path, digest, role, origin }) =>
      role !== 'params' && takes(origin.kind) ? [[path, digest]] : [],
    ),
  )
const externalOf = (facts: StageFacts): Facts => depsOf(facts, (kind) => kind !== 'code' && kind !== 'stage')
const madeOf = (facts: StageFacts): Facts => depsOf(facts, (kind) => kind === 'stage')
const outsOf = (facts: StageFacts): Facts => Object.fromEntries(facts.outputs.map(({ path, digest }) => [path, digest]))
const packagesOf = ({ environment: { packages } }: StageFacts): Facts =>
  Object.fromEntries(packages.map(({ name, version }) => [name, version]))
const environmentOf = ({ environment: { name, digest } }: StageFacts): Facts => ({ [name]: digest })
const threadsOf = ({ variables }: StageFacts): Facts => {
  const threads = variables['OMP_NUM_THREADS']
  return threads === undefined ? {} : { threads }
}
const variablesOf = ({ variables }: StageFacts): Facts => variables
const limitsOf = ({ limits }: StageFacts): Facts =>
  Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, `${value}`]))
/** Without what says when it was, not how: that differs each time. And without what has another name above. */
const recordOf = (facts: StageFacts): Facts =>
  Object.fromEntries(
    facts.facts
      .filter(({ name }) => !/^outlived\/|^determinism\/(seed|threads)$|^system\/accepted$/.test(name))
      .map(({ name, value }) => [name, value]),
  )
const paramsOf = (facts: StageFacts): Facts =>
  Object.fromEntries(
    Object.entries(facts.parameters).flatMap(([file, values]) =>
      Object.entries(values).map(([key, value]) => [`${file}:${key}`, JSON.stringify(value)] as const),
    ),
  )
