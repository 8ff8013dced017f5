/** `assay data profile` and `data contract`: what data is like, to be approved and to be asked for. */
import { DomainError, oneLine, printable, quotedForShell } from '../../core/index.ts'
import { draftContractFor, printBaseline, profileData, writeNewFile } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest, table } from '../render.ts'
import { tellCheck } from './data-validate.ts'

const word = (name: string): string => oneLine(quotedForShell(name))

export async function dataProfile(
  context: CliContext,
  [path = '']: readonly string[],
  options: Readonly<{ out?: string; label?: string; source?: string }>,
): Promise<Exit> {
  const { output } = context
  output.progress(`looking at ${printable(path)}`)
  const found = await profileData(context, path, options)
  if (found.kind === 'unreadable') {
    output.document({ verdict: 'fail', checks: found.checks })
    output.line(`${output.style(['bold', 'red'], 'FAILED')}  ${printable(path)} cannot be read`)
    for (const check of found.checks) tellCheck(output, check)
    return 1
  }
  const { baseline, warned } = found
  if (options.out !== undefined) writeNewFile(context, options.out, printBaseline(baseline))
  const checks = warned.length === 0 ? {} : { checks: warned }
  output.document({
    ...baseline,
    ...checks,
    unseen: found.unseen,
    ...(options.out === undefined ? {} : { written: options.out }),
  })
  const what = found.kind === 'files' ? `${found.files} files` : `${found.rows} rows`
  output.line(`${printable(path)}  ${what}  ${shortDigest(found.content.digest)}`)
  const facts = found.kind === 'files' ? [] : found.facts
  const rows = facts.map(({ name, kind, nulls, isUnique, min, max, values }) => [
    `  ${name}`,
    kind,
    nulls === 0 ? 'no nulls' : `${nulls} nulls`,
    isUnique ? 'unique' : values === null ? '' : `${values.length} values`,
    min === null ? (values?.slice(0, 6).join(', ') ?? '') : `${min} to ${max}`,
  ])
  for (const line of table(rows)) output.line(line)
  for (const each of warned) tellCheck(output, each)
  for (const each of found.unseen) output.line(output.style('dim', `  not seen: ${printable(each)}`))
  output.line(
    options.out === undefined
      ? 'next: keep it as a baseline with --out BASELINE'
      : `written: ${printable(options.out)}; compare later data with: assay data validate FILE --baseline ${word(options.out)}, or fix it as the anchor of a project: assay data anchor ${word(options.out)} --of ${word(path)}`,
  )
  return 0
}

export async function dataContract(
  context: CliContext,
  _positional: readonly string[],
  options: Readonly<{ from?: string; out?: string }>,
): Promise<Exit> {
  const { output } = context
  if (options.from === undefined)
    throw new DomainError('ERR_USAGE', 'a draft needs data to be made from', {
      help: 'assay data contract --from FILE',
    })
  output.progress(`looking at ${printable(options.from)}`)
  const text = await draftContractFor(context, options.from)
  if (options.out !== undefined) writeNewFile(context, options.out, text)
  output.document({ contract: text, ...(options.out === undefined ? {} : { written: options.out }) })
  if (options.out === undefined) output.line(printable(text).trimEnd())
  else
    output.line(
      `written: ${printable(options.out)}; edit it, then: assay data validate ${word(options.from)} --contract ${word(options.out)}`,
    )
  return 0
}
