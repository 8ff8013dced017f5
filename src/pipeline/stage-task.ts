/** The task that a sandbox is given for a stage, and the environment variables of the stage: pure. */
import {
  credentialIn,
  type Environment,
  type Gpus,
  type Limits,
  type NetworkRequest,
  parseSubnets,
  proxyVariables,
  type Secret,
  type StageTask,
} from '../compute/index.ts'
import { type Content, DomainError, quotedForShell } from '../core/index.ts'
import { deterministicVariables, type MachineFacts, portableKernels } from '../reproducibility/index.ts'
import type { StageDefinition, StageSettings } from './definition.ts'
import { type ResolvedInput, viewOf } from './view.ts'

/** LIMIT: what a stage gets when assay.yaml says nothing. */
export const defaultLimits: Limits = {
  cpus: 2,
  memoryBytes: 4 * 1024 ** 3,
  timeMs: 24 * 3600 * 1000,
  processes: 512,
  outputBytes: 64 * 1024 ** 3,
}

/** As assay.yaml names them. */
export const limitWords: Readonly<Record<keyof Limits, string>> = {
  cpus: 'cpus',
  memoryBytes: 'memory',
  timeMs: 'time',
  processes: 'processes',
  outputBytes: 'output',
  gpus: 'gpus',
  ioBytes: 'io',
  ioBytesPerSecond: 'ioRate',
  networkBytes: 'network',
  sentBytes: 'sent',
  connections: 'connections',
}

/** @param machine the machine's own cores and memory: a default is never above them */
export function limitsOf(settings: StageSettings, machine: Readonly<{ cpus: number; memoryBytes: number }>): Limits {
  return {
    ...defaultLimits,
    cpus: Math.min(defaultLimits.cpus, machine.cpus),
    memoryBytes: Math.min(defaultLimits.memoryBytes, machine.memoryBytes),
    ...settings.limits,
  }
}

/** THREAT: a reason stands in the evidence, and one may quote what it speaks of. @throws ERR_SECRET_LEAKED */
export function refuseTelling({ name }: StageDefinition, settings: StageSettings): void {
  const { harmlessAttempts = '', harmless = {}, harmlessCredentials = {}, tolerances = [] } = settings
  const reasons = [
    harmlessAttempts,
    ...Object.values(harmless).flatMap((rules) => Object.values(rules)),
    ...Object.values(harmlessCredentials),
    ...tolerances.map(({ because }) => because),
  ]
  for (const reason of reasons) {
    const kind = credentialIn(Buffer.from(reason))
    if (kind === undefined) continue
    throw new DomainError(
      'ERR_SECRET_LEAKED',
      `a reason that assay.yaml gives for the stage \`${name}\` holds ${kind}, and reasons stand in the evidence`,
      { help: 'say it in words, without the credential; whoever may have seen it: change it' },
    )
  }
}

/**
 * The whole environment of a stage: what is fixed, what its interpreter needs, what the definition gives.
 *
 * @throws ERR_SECRET_LEAKED for a credential in a value or a reason, which stand in the evidence
 * @throws ERR_ENV_VARIABLE_MISSING when `env: [NAME]` names a variable that the caller does not have
 */
export function variablesOf(
  stage: StageDefinition,
  settings: StageSettings,
  limits: Limits,
  environment: Environment,
  caller: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  refuseTelling(stage, settings)
  const given: Record<string, string> = {}
  for (const [name, value] of Object.entries(settings.env)) {
    const found = value ?? caller[name]
    if (found === undefined) {
      throw new DomainError(
        'ERR_ENV_VARIABLE_MISSING',
        `the stage \`${stage.name}\` passes \`${name}\` through, which is not set`,
      )
    }
    const kind = credentialIn(Buffer.from(found))
    if (kind !== undefined)
      throw new DomainError(
        'ERR_SECRET_LEAKED',
        `\`${name}\` of the stage \`${stage.name}\` is ${kind}, and variables stand in the evidence`,
        {
          help: `take it out of env, and give it as a secret: assay secret grant NAME --stage ${quotedForShell(stage.name)} --env ${name}`,
        },
      )
    given[name] = found
  }
  return {
    ...environment.variables, // an image has many, and what makes a stage repeat is not its to say
    ...deterministicVariables(settings.seed, settings.portable === true ? portableCpus(settings) : limits.cpus),
    ...(settings.portable === true ? portableVariables(stage.name) : {}),
    DVC_ROOT: '/project',
    DVC_STAGE: stage.name,
    HOME: '/home/stage',
    ...(settings.network === 'none' ? {} : proxyVariables),
    ...given,
    PATH: [...environment.path, '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
  }
}

/** As many threads on each machine, however many cores it has. */
function portableCpus({ limits }: StageSettings): number {
  return limits.cpus ?? defaultLimits.cpus
}

function portableVariables(stage: string): Readonly<Record<string, string>> {
  const kernels = portableKernels(process.arch)
  if (kernels !== undefined) return kernels.variables
  throw new DomainError(
    'ERR_ENV_UNSUPPORTED',
    `\`${stage}\` is to be portable, and what ${process.arch} has in common is not known`,
    {
      help: 'leave out portable: true, or run it on x64 or arm64',
    },
  )
}

/**
 * THREAT: a library that is told to take kernels which the processor does not have ends the stage in mid air.
 *
 * @throws ERR_ENV_UNSUPPORTED
 */
export function refuseUnportable(stage: string, { cpuFeatures }: Pick<MachineFacts, 'cpuFeatures'>): void {
  const has = new Set(cpuFeatures.split(' '))
  const lacks = (portableKernels(process.arch)?.needs ?? []).filter((unit) => !has.has(unit))
  if (lacks.length === 0) return
  throw new DomainError(
    'ERR_ENV_UNSUPPORTED',
    `\`${stage}\` is portable, and this processor lacks ${lacks.join(' and ')}`,
    {
      help: 'run it on another machine: without `portable: true` it would come to something else here',
    },
  )
}

/** Subnets of private networks that stages may reach; said by whoever runs assay, never by the repository. */
const permittedVariable = 'ASSAY_EGRESS_PERMIT'

/** @throws ERR_USAGE for what is no list of subnets */
export function networkOf(
  { network }: StageSettings,
  caller: Readonly<Record<string, string | undefined>>,
): NetworkRequest {
  if (network === 'none') return { allowed: [], permitted: [] }
  const permitted = (caller[permittedVariable] ?? '').split(/[\s,]+/).filter((text) => text !== '')
  try {
    parseSubnets(permitted)
  } catch (cause) {
    const because = cause instanceof Error ? cause.message : ''
    throw new DomainError('ERR_USAGE', `${permittedVariable}: ${because}`, {
      help: `give subnets: ${permittedVariable}=10.0.0.0/8,192.168.1.4`,
      cause,
    })
  }
  return { allowed: network, permitted }
}

export type TaskInput = Readonly<{
  runId: string
  stage: StageDefinition
  inputs: readonly ResolvedInput[]
  code: ReadonlyMap<string, Content>
  /** Previous content of `persist` outs, by path. */
  before: ReadonlyMap<string, Content>
  environment: Environment
  variables: Readonly<Record<string, string>>
  limits: Limits
  gpus?: Gpus
  network: NetworkRequest
  secrets: readonly Secret[]
  /** Fingerprints and outs, as assay.yaml declares them. */
  harmlessCredentials: readonly string[]
  scratch: readonly string[]
  trace: boolean
  hidden(): readonly string[]
}>

export function taskOf(input: TaskInput): StageTask {
  const { stage, before } = input
  return {
    runId: input.runId,
    stage: stage.name,
    commands: stage.commands,
    workingDirectory: stage.workingDirectory,
    view: viewOf(input.inputs, input.code, stage.deps),
    outs: stage.outs.map(({ path }) => {
      const previous = before.get(path)
      return previous === undefined ? { path } : { path, before: previous }
    }),
    scratch: input.scratch,
    mounts: input.environment.mounts,
    ...(input.environment.root === undefined ? {} : { root: input.environment.root }),
    variables: input.variables,
    limits: input.limits,
    ...(input.gpus === undefined ? {} : { gpus: input.gpus }),
    network: input.network,
    secrets: input.secrets,
    harmlessCredentials: new Set(input.harmlessCredentials),
    trace: input.trace,
    hidden: input.hidden,
  }
}
