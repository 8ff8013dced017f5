/**
 * `poetry run`, `uv run`, `conda run` in front of a command: the environment from which assay was called must be the one
 * that the runner would have chosen; then a script stands for the runner, and the command stays as it is written. Pure.
 */
import { type Environment, isConda, type RunnerCall, runnersIn, runnersTarget } from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'

/**
 * The environment with the scripts in front, when a command of the stage needs them.
 *
 * @param scripts absolute folder of the scripts; asked for only then
 * @throws ERR_ENV_RUNNER when assay was called from another environment
 */
export function withRunners(stage: StageDefinition, environment: Environment, scripts: () => string): Environment {
  const calls = environment.kind === 'image' ? [] : runnersIn(stage.commands) // an image has its own
  if (calls.length === 0) return environment
  for (const call of calls) refuseOther(stage, environment, call)
  const names = [...new Set(calls.map(({ runner }) => runner))].toSorted()
  return {
    ...environment,
    mounts: [...environment.mounts, { source: scripts(), target: runnersTarget }],
    path: [runnersTarget, ...environment.path],
    facts: [
      ...environment.facts,
      ...names.map((name) => ({ name: 'runner', value: `${name} run: this environment`, tier: 'observed' as const })),
    ],
  }
}

/** A locked environment stands for any: what it holds is written down. */
function refuseOther(
  stage: StageDefinition,
  environment: Environment,
  { runner, environment: named }: RunnerCall,
): void {
  if (environment.locked) return
  const virtual = environment.variables['VIRTUAL_ENV']
  const conda = environment.variables['CONDA_PREFIX']
  const isRight = isConda(runner)
    ? conda !== undefined && (named === undefined || conda === named || conda.endsWith(`/${named}`))
    : (virtual ?? conda) !== undefined
  if (isRight) return
  const wanted = named === undefined ? `the environment of ${runner}` : `the environment \`${named}\` of ${runner}`
  throw new DomainError(
    'ERR_ENV_RUNNER',
    `the stage \`${stage.name}\` is started by \`${runner} run\`, and assay was not called from ${wanted}`,
    {
      help: isConda(runner)
        ? `activate it first: conda activate ${named ?? 'NAME'} && assay run`
        : `call assay through it: ${runner} run assay run`,
    },
  )
}
