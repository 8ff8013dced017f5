/** `assay init`: adopts a repository without an edit; writes what is missing, never over what is there. */
import { formatSize, oneLine, printable, quotedForShell } from '../../core/index.ts'
import { adoptHere, commitFiles, requireRepository } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'

export async function init(
  context: CliContext,
  _: readonly string[],
  options: Readonly<{ yes?: boolean; commit?: boolean }>,
): Promise<Exit> {
  const { output } = context
  if (options.commit === true) await requireRepository(context)
  const adoption = await adoptHere(context)
  const committed =
    options.commit === true && adoption.written.length > 0
      ? await commitFiles(adoption.root, adoption.written)
      : undefined
  output.document({
    root: adoption.root,
    project: adoption.projectId,
    written: adoption.written,
    commit: committed ?? null,
    key: adoption.key,
    stages: adoption.pipeline.stages.length,
    locks: { chosen: adoption.locks.lock ?? null, passedOver: adoption.locks.passedOver },
    unlisted: adoption.unlisted.map(({ path }) => path),
  })
  for (const path of adoption.written) output.line(`written  ${oneLine(path)}`)
  if (adoption.written.length === 0) output.line('everything was there already')
  output.line(
    `key      ${oneLine(adoption.key.path)}${adoption.key.encrypted ? '' : ', not encrypted (set ASSAY_KEY_PASSPHRASE before init for one that is)'}`,
  )
  if (adoption.locks.lock !== undefined)
    output.line(`locked   ${oneLine(adoption.locks.lock)}: stages run with its packages and no others`)
  for (const { path, because, help } of adoption.locks.passedOver) {
    output.line(`not used ${oneLine(path)}: ${printable(because)}`)
    if (help !== undefined) output.line(`         next: ${printable(help)}`)
  }
  if (committed !== undefined) output.line(`commit   ${committed.slice(0, 12)}`)
  else if (adoption.written.length > 0) output.line(`next: git add ${adoption.written.join(' ')} && git commit`)
  if (adoption.unlisted.length > 0) {
    output.line()
    output.line('inputs without a source; they run, and cap the level:')
    const rows = adoption.unlisted.map(({ path, sizeBytes }) => [
      '  ',
      path,
      sizeBytes === undefined ? 'not here' : formatSize(sizeBytes),
      `assay data add ID ${quotedForShell(path)}`,
    ])
    for (const line of table(rows)) output.line(line)
  }
  output.line()
  const count = adoption.pipeline.stages.length
  output.line(
    count === 0
      ? 'no stages yet; next: describe them in dvc.yaml, then assay run'
      : `${count} stage${count === 1 ? '' : 's'}; next: assay run`,
  )
  return 0
}
