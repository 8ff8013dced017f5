/** `assay env accept-system`: which systems (packages, C library, interpreter) stages may run on. */
import { DomainError, isSha256, oneLine, printable } from '../../core/index.ts'
import { acceptSystem, openProject } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest, table } from '../render.ts'

export async function envAcceptSystem(
  { output, signal, ...caller }: CliContext,
  names: readonly string[],
  { only = false, digest }: Readonly<{ only?: boolean; digest?: string }>,
): Promise<Exit> {
  if (digest !== undefined && !isSha256(digest))
    throw new DomainError('ERR_USAGE', `\`${oneLine(digest)}\` is no digest`, {
      help: 'write sha256: and 64 hex digits',
    })
  const project = await openProject(caller)
  const accepted = await acceptSystem(project, names, {
    only,
    ...(digest === undefined ? {} : { digest }),
    onProgress: (text) => output.progress(printable(text)),
    signal,
  })
  output.document({ systems: accepted })
  for (const { environment, digest: of, text, moved = [], known, accepted: count } of accepted) {
    const more = count > 1 ? `  (${count} systems are accepted)` : ''
    output.line(
      `${oneLine(environment)}  ${known ? 'accepted before' : 'accepted'}  ${shortDigest(of)}  ${printable(text)}${more}`,
    )
    const rows = moved.slice(0, 20).map(({ what, before, after }) => ['  ', what, before, '->', after])
    for (const line of table(rows)) output.line(line)
    if (moved.length > rows.length) output.line(`   and ${moved.length - rows.length} more`)
  }
  if (accepted.some(({ known }) => !known)) output.line('next: git add assay.lock && git commit')
  return 0
}
