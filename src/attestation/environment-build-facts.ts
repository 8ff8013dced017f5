/**
 * All that is said of an environment that was put together for stages to run in. Plain JSON throughout.
 * `predicates/environment-build.ts` gives each fact its place in SLSA Provenance v1.
 */
import type { StageFacts, StatedFact } from './stage-facts.ts'

type Environment = StageFacts['environment']

export type EnvironmentBuild = Pick<Environment, 'name' | 'kind' | 'digest' | 'materials' | 'packages'> &
  Readonly<{
    /** Id of the project: it counts in no other. */
    project: string
    /** Of the interpreter and the like, each with how it is known. */
    facts: readonly StatedFact[]
    principal: StageFacts['principal']
    builderId: string
    builderVersion: string
    /** When it was there, made or found again with every file as it was; RFC 3339, UTC. */
    at: string
  }>
