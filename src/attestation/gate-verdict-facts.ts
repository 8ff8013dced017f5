/** What a gate verdict says: what the gates of a model came to, on the metrics of which run. Plain JSON throughout. */
import type { Digest, Sha256, Tier } from '../core/index.ts'
import type { GateResult, Metric } from './gate.ts'

/** A stage, and the digest of the bundle that says what it did. */
export type StageOfModel = Readonly<{ stage: string; attestation: Sha256 }>

export type GateVerdict = Readonly<{
  /** Id of the project: a verdict counts in no other. */
  project: string
  /** What `assay.yaml` calls it. */
  model: string
  /** The subjects: what one stage made of the model. `list`: of a folder, the stored object that lists its files. */
  outputs: readonly Readonly<{ path: string; digest: Digest; sizeBytes: number; list?: Sha256 }>[]
  /** Who made the model. */
  made: StageOfModel
  /** Who wrote the metrics: the same, or one that read the model, itself or through others. */
  measured: StageOfModel
  metrics: Readonly<{ path: string; digest: Sha256; sizeBytes: number }>
  /** Where the gates stand; `commit` holds these bytes. */
  definition: Readonly<{ path: string; digest: Sha256; commit: string }>
  /** Numbers of the metrics, so that who asks for other gates can judge them. */
  values: readonly Metric[]
  gates: readonly GateResult[]
  /** Why the metrics could not be read. */
  fault?: string
  result: 'PASSED' | 'FAILED'
  /** Who triggered it. */
  principal: Readonly<{ name: string; email: string; tier: Tier }>
  builderId: string
  builderVersion: string
  /** RFC 3339, UTC. */
  at: string
}>
