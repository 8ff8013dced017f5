/** `assay review`: sign that the definition of this commit was read. */
import { oneLine } from '../../core/index.ts'
import { openProject, type ReviewOptions, reviewDefinition } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'

export async function review(context: CliContext, _: readonly string[], options: ReviewOptions): Promise<Exit> {
  const signed = await reviewDefinition(await openProject(context), options)
  const { commit, since, files, authors } = signed.review
  context.output.document({
    file: signed.file,
    attestation: signed.attestation,
    commit,
    since,
    files: files.length,
    authors,
  })
  context.output.line(`reviewed ${files.length} files of ${commit.slice(0, 12)}, by ${oneLine(authors.join(', '))}`)
  context.output.line(`next: commit ${oneLine(signed.file)}, then let a hosted builder run it`)
  return 0
}
