/** A stage whose command failed, with all that helps to say why: nouns of `explain-failure.ts`. */
import { stringify } from 'yaml'
import type { Environment, StageOutcome } from '../compute/index.ts'
import type { ErrorCode } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'

/** What the machine knows of names that a stage asked for; told to the person who ran it, and to nobody else. */
export type HostFacts = Readonly<{
  /** Absolute real path of the project. */
  root: string
  home: string
  /** Of whoever called assay. */
  variables: Readonly<Record<string, string | undefined>>
  exists(path: string): boolean
  /** Absolute path of a program of this bare name on the caller's PATH. */
  programOnPath(name: string): string | undefined
}>

export type Failure = Readonly<{
  stage: StageDefinition
  outcome: StageOutcome
  environment: Environment
  /** The whole environment of the stage. */
  variables: Readonly<Record<string, string>>
  /** Project paths that the stage could see. */
  visible: readonly string[]
  /** Submodules whose files nobody sees. */
  absentSubmodules: readonly string[]
  host: HostFacts
}>

export type Explanation = Readonly<{ code: ErrorCode; because: string; help?: string }>

/** What to write for one stage, as one line of YAML. */
export function settingsLine({ name }: StageDefinition, settings: Readonly<Record<string, unknown>>): string {
  return flow({ stages: { [name]: settings } }).slice(1, -1)
}

/** One line of YAML. */
export function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim()
}

/** Where a person finds a stage: `dvc.yaml, under train`. */
export function placeOfStage({ name, file }: StageDefinition): string {
  return `${file}, under ${name.startsWith(`${file}:`) ? name.slice(file.length + 1) : name}`
}
