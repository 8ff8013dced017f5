/**
 * The shape of `StageFacts`: what the signer accepts, and what a statement must come to.
 *
 * Unknown keys are dropped, never signed and never believed; unknown kinds, roles and tiers are refused.
 */
import { z } from 'zod'
import { closedFolderFault } from '../core/index.ts'
import {
  areUnique,
  countShape,
  digestShape,
  factShape,
  gitIdShape,
  instantShape,
  jsonShape,
  nameShape,
  optionalText,
  pathShape,
  sha256Shape,
  textShape,
  tierShape,
  uriShape,
} from './shapes.ts'
import type { StageFacts } from './stage-facts.ts'
import { maxSubjects } from './statement.ts'

export const originShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stage'), stage: z.string().min(1), attestation: sha256Shape }),
  z.object({
    kind: z.literal('source'),
    id: z.string().min(1),
    classification: z.string().min(1),
    approval: sha256Shape.exactOptional(),
  }),
  z.object({ kind: z.literal('code') }),
  z.object({ kind: z.literal('unlisted') }),
  z.object({ kind: z.literal('not-made-here'), stage: z.string().min(1) }),
])

/** THREAT: who restores what a statement names would write hooks of git, or state of assay. */
export const contentPathShape = pathShape.refine((path) => closedFolderFault(path) === undefined, 'belongs to a tool')

const dependencyShape = z.object({
  path: contentPathShape,
  digest: digestShape,
  role: z.enum(['dep', 'params', 'persist']),
  origin: originShape,
  verdict: sha256Shape.exactOptional(),
})

export const codeShape = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('opened'),
    files: z.array(z.object({ path: pathShape, digest: sha256Shape })),
    folders: z.array(z.object({ path: pathShape, names: sha256Shape })),
  }),
  z.object({ kind: z.literal('visible'), digest: sha256Shape }),
])

const outputShape = z.object({
  path: contentPathShape,
  digest: digestShape,
  sizeBytes: countShape,
  list: sha256Shape.exactOptional(),
  executable: z.boolean().exactOptional(),
})

export const sourceShape = z.object({
  commit: gitIdShape.exactOptional(),
  treeDigest: sha256Shape.exactOptional(),
  uri: optionalText,
  ref: optionalText,
  shallow: z.boolean(),
  dirty: z.array(textShape),
})

const environmentShape = z.object({
  name: textShape,
  kind: textShape,
  digest: sha256Shape,
  locked: z.boolean(),
  build: sha256Shape.exactOptional(),
  materials: z.array(z.object({ name: textShape, digest: sha256Shape, build: sha256Shape.exactOptional() })),
  packages: z.array(z.object({ name: textShape, version: textShape, digest: sha256Shape.exactOptional() })),
})

export const sandboxShape = z.object({
  engine: textShape,
  digest: sha256Shape,
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
})
export const limitsShape = z.object({
  cpus: z.number().positive(),
  memoryBytes: countShape,
  timeMs: countShape,
  processes: countShape,
  outputBytes: countShape,
  gpus: countShape.exactOptional(),
  ioBytes: countShape.exactOptional(),
  ioBytesPerSecond: countShape.exactOptional(),
  networkBytes: countShape.exactOptional(),
  sentBytes: countShape.exactOptional(),
  connections: countShape.exactOptional(),
})
export const networkShape = z.object({
  deniedAttempts: countShape,
  destinations: z.array(textShape),
  tier: tierShape,
  allowed: z.array(textShape).exactOptional(),
  permitted: z.array(textShape).exactOptional(),
  harmless: optionalText,
  connections: z
    .array(
      z.object({
        host: textShape,
        port: countShape,
        address: textShape,
        at: textShape,
        sentBytes: countShape,
        receivedBytes: countShape,
        failed: optionalText,
      }),
    )
    .exactOptional(),
  more: countShape.exactOptional(),
})
export const resourcesShape = z.object({
  wallMs: z.number().nonnegative(),
  cpuMs: z.number().nonnegative().exactOptional(),
  memoryPeakBytes: countShape.exactOptional(),
  processesPeak: countShape.exactOptional(),
  ioReadBytes: countShape.exactOptional(),
  ioWrittenBytes: countShape.exactOptional(),
  sentBytes: countShape.exactOptional(),
  receivedBytes: countShape.exactOptional(),
  heldBy: textShape,
  ioHeldBy: optionalText,
  programs: z.array(textShape).exactOptional(),
  profile: z
    .object({
      everyMs: countShape,
      cpuMs: z.array(countShape).exactOptional(),
      memoryBytes: z.array(countShape).exactOptional(),
      processes: z.array(countShape).exactOptional(),
      writtenBytes: z.array(countShape).exactOptional(),
      gpuPercent: z.array(countShape).exactOptional(),
      gpuMemoryBytes: z.array(countShape).exactOptional(),
      ioReadBytes: z.array(countShape).exactOptional(),
      ioWrittenBytes: z.array(countShape).exactOptional(),
      sentBytes: z.array(countShape).exactOptional(),
      receivedBytes: z.array(countShape).exactOptional(),
    })
    .exactOptional(),
  unusual: z.array(textShape).exactOptional(),
})
export const principalShape = z.object({ name: textShape, email: textShape, tier: tierShape })
export const projectShape = z.strictObject({ id: nameShape, name: textShape })
export const parametersShape = z.record(z.string(), z.record(z.string(), jsonShape))
export const packageShape = environmentShape.shape.packages

export const runIdShape = nameShape
export const stageNameShape = z.string().min(1).max(1000)

const stageFactsObject = z.object({
  project: projectShape,
  runId: runIdShape,
  stage: stageNameShape,
  pipelineFile: pathShape,
  source: sourceShape,
  definition: z.array(z.object({ path: pathShape, digest: sha256Shape, gitBlob: gitIdShape.exactOptional() })),
  commands: z.array(z.string()),
  workingDirectory: pathShape,
  parameters: parametersShape,
  overrides: z.array(z.string()),
  variables: z.record(z.string(), z.string()),
  seed: z.int(),
  dependencies: z.array(dependencyShape),
  code: codeShape,
  environment: environmentShape,
  sandbox: sandboxShape,
  limits: limitsShape,
  secrets: z.array(textShape).exactOptional(),
  network: networkShape,
  resources: resourcesShape,
  log: z.object({ digest: sha256Shape, sizeBytes: countShape }),
  outputs: z.array(outputShape).max(maxSubjects),
  facts: z.array(factShape),
  key: sha256Shape,
  principal: principalShape,
  draft: z.boolean(),
  builderId: uriShape,
  builderVersion: textShape,
  startedAt: instantShape,
  finishedAt: instantShape,
})

/** How facts contradict themselves, each well formed; undefined when they do not. */
export function contradictionIn({
  outputs,
  dependencies,
  definition,
}: Pick<StageFacts, 'outputs' | 'dependencies' | 'definition'>): string | undefined {
  if (!areUnique(outputs.map(({ path }) => path))) return 'an output is named twice'
  if (!areUnique(dependencies.map(({ role, path }) => `${role} ${path}`))) return 'a dependency is named twice'
  if (!areUnique(definition.map(({ path }) => path))) return 'a definition file is named twice'
  return outputs.every(({ digest, list }) => digest.startsWith('dirHash1:') === (list !== undefined))
    ? undefined
    : 'a folder needs the digest of its list, and a file has none'
}

export const stageFactsShape: z.ZodType<StageFacts> = stageFactsObject.check(({ value, issues }) => {
  const fault = contradictionIn(value)
  if (fault !== undefined) issues.push({ code: 'custom', message: fault, input: value })
})
