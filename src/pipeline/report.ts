/** What a run came to: the shape that `assay run --json` prints, which other programs rely on. */
import type { StageFacts } from '../attestation/index.ts'
import type { Digest, ErrorCode, Sha256 } from '../core/index.ts'
import type { GatesReport } from './attest-gates.ts'
import type { HermeticityReport } from './hermeticity.ts'

export type OutputReport = Readonly<{ path: string; digest: Digest; sizeBytes: number }>

export type StageReport = Readonly<{
  name: string
  status: 'ran' | 'cached' | 'failed' | 'refused' | 'skipped'
  code?: ErrorCode
  because?: string
  /** The next step for the user, with a code. */
  help?: string
  /** The last lines that it printed, printable; of a stage that failed or was refused. */
  tail?: readonly string[]
  durationMs: number
  outputs: readonly OutputReport[]
  attestation?: Sha256
  /** Of a stage that was refused or failed; what another used stands in its evidence. */
  resources?: StageFacts['resources']
  /** Of a stage that was traced. */
  hermeticity?: HermeticityReport
}>

export type RunReport = Readonly<{
  runId: string
  status: 'succeeded' | 'failed' | 'refused'
  stages: readonly StageReport[]
  level: number
  whyNotHigher: readonly string[]
  /** What the gates of the model came to, signed; one for each stage that made a part of it. */
  gates?: readonly GatesReport[]
  error?: Readonly<{ code: ErrorCode; message: string; help: string; details: Readonly<Record<string, string>> }>
}>

/** The status of a run from those of its stages: a refusal by a check outweighs a failed command. */
export function statusOf(stages: readonly StageReport[]): RunReport['status'] {
  if (stages.some(({ status }) => status === 'refused')) return 'refused'
  return stages.some(({ status }) => status === 'failed' || status === 'skipped') ? 'failed' : 'succeeded'
}
