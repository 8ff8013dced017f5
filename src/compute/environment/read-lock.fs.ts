/** What a lock means for the interpreter of this machine: nothing is fetched and nothing built. */
import { DomainError } from '../../core/index.ts'
import type { Mount } from '../sandbox.ts'
import type { Interpreter } from './interpreter.ts'
import { locateInterpreter, prefixesToMount } from './locate.fs.ts'
import { type LockChoice, type LockedArtefacts, type LockedRequirement, normaliseName } from './lock.ts'
import { parseLock } from './locks.ts'
import { type Asking, askInterpreter } from './probe.fs.ts'
import type { EnvironmentRequest } from './request.ts'
import { applicableRequirements, selectWheel } from './select-wheel.ts'
import { refuseStrangeSources } from './source-choice.ts'
import { rankTags, type TagRanks } from './tags.ts'

export type PythonDefinition = Extract<EnvironmentRequest['definition'], { kind: 'python' }>
export type PythonRequest = EnvironmentRequest & Readonly<{ definition: PythonDefinition }>

export type LockQuestion = Asking &
  Pick<EnvironmentRequest, 'caller' | 'adapters'> &
  Readonly<{ definition: PythonDefinition }>

export type LockHere = Readonly<{
  lock: LockedArtefacts
  choice: LockChoice
  /** Those that apply to the interpreter. */
  requirements: readonly LockedRequirement[]
  ranks: TagRanks
  interpreter: Interpreter
  /** Folders of the interpreter, mounted where they are. */
  mounts: readonly Mount[]
}>

/** @throws ERR_ENV_LOCK_INVALID, ERR_ENV_HASH_MISSING, ERR_ENV_UNPINNED, ERR_ENV_UNSUPPORTED, ERR_ENV_INTERPRETER */
export async function readLockHere(question: LockQuestion): Promise<LockHere> {
  const { definition, adapters } = question
  const choice = choiceOf(definition)
  const lock = parseLock(definition.lock, definition.lockBytes, {
    ...(adapters === undefined ? {} : { adapters }),
    choice,
  })
  const located = await locateInterpreter(definition.interpreter, question.caller, question.memory)
  if (located === undefined) throw new DomainError('ERR_ENV_INTERPRETER', 'there is no `python3` on PATH')
  // A locked environment stands on the base interpreter alone: nothing of a virtual environment may come in.
  const base = { ...located, prefix: located.basePrefix }
  const mounts = prefixesToMount(base).map((prefix) => ({ source: prefix, target: prefix }))
  const interpreter = await askInterpreter(base, question)
  const applicable = applicableRequirements(lock, interpreter.probe.markers, definition.lock)
  const { sources, without = [] } = definition
  if (sources !== undefined) refuseStrangeSources(sources.projects, lock, definition.lock)
  const requirements = applicable.filter(({ name }) => !without.includes(name))
  return { lock, choice, requirements, ranks: rankTags(interpreter.probe), interpreter, mounts }
}

/**
 * Whether a lock could be built here, as far as the lock itself says: a file that it names fits each package.
 *
 * @throws as `readLockHere`; ERR_ENV_SOURCE_DIST, ERR_ENV_NO_WHEEL
 */
export async function examineLock(question: LockQuestion): Promise<LockHere> {
  const here = await readLockHere(question)
  for (const requirement of here.requirements) {
    const offered = requirement.files?.map(({ fileName, sha256 }) => ({
      fileName,
      digest: sha256,
      url: '',
      yanked: false,
    }))
    if (offered !== undefined) selectWheel(requirement, offered, here.ranks, question.definition.lock)
  }
  return here
}

function choiceOf({ extras = [], groups = [] }: PythonDefinition): LockChoice {
  const sorted = (names: readonly string[]): readonly string[] => [...new Set(names.map(normaliseName))].toSorted()
  return { extras: sorted(extras), groups: sorted(groups) }
}
