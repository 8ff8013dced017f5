/** After a stage: are the files that it ran with still those that were verified before it? */
import type { Environment } from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'

/** Whether the files of the environment are still those that were verified. */
export function askedOnce({ isUnchanged }: Environment): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined
  return () => {
    answer ??= isUnchanged?.() ?? Promise.resolve(true)
    return answer
  }
}

export function changedEnvironment({ name: stage }: StageDefinition, { name }: Environment): DomainError {
  return new DomainError(
    'ERR_ENV_CHANGED',
    `files of the environment \`${name}\` were changed while \`${stage}\` ran or before`,
  )
}
