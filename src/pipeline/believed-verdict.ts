/** A data verdict as far as the project's policy believes it. */
import { type DataVerdict, verifyDataVerdict } from '../attestation/index.ts'
import type { Sha256 } from '../core/index.ts'
import type { Project } from './project.ts'

/** Undefined when the bundle is missing, broken, not signed by a data-validator of the policy, or of another project. */
export function believedVerdict(project: Project, attestation: Sha256): DataVerdict | undefined {
  const known = project.dataVerdicts.get(attestation)
  if (known !== undefined) return known
  const bytes = project.evidence.bundle(attestation)
  if (bytes === undefined) return undefined
  const read = verifyDataVerdict(bytes, project.trust)
  if (!read.trusted || read.statement.verdict.project !== project.id) return undefined
  project.dataVerdicts.set(attestation, read.statement.verdict)
  return read.statement.verdict
}
