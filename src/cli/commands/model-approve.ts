/** `assay model approve`: a promoter signs that these bytes may go to production. */
import { DomainError, oneLine } from '../../core/index.ts'
import { approveModel, openProject } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'

export async function modelApprove(
  context: CliContext,
  [artifact]: readonly string[],
  { because }: Readonly<{ because?: string }>,
): Promise<Exit> {
  if (because === undefined)
    throw new DomainError('ERR_USAGE', 'an approval needs its reason', { help: "--because 'reviewed the metrics'" })
  const { workingFolder } = context
  const signed = await approveModel(await openProject(context), artifact, { because, workingFolder })
  const { file, attestation, approval, standing } = signed
  context.output.document({ file, attestation, ...approval.subject, made: approval.made, standing })
  context.output.line(`approved ${oneLine(approval.subject.path)}: it ${oneLine(standing)}`)
  context.output.line(`next: commit ${oneLine(file)}; a policy demands it with require: [approved-model]`)
  return 0
}
