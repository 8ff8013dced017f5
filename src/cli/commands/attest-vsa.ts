/** `assay attest vsa`: a verdict to hand on. */
import { resolve } from 'node:path'
import { DomainError, oneLine } from '../../core/index.ts'
import { summarizeVerdict, writeFile } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'

export async function attestVsa(
  context: CliContext,
  [artifact]: readonly string[],
  options: Readonly<{ out?: string; policy?: string; resourceUri?: string }>,
): Promise<Exit> {
  const { out, ...rest } = options
  if (out === undefined) throw new DomainError('ERR_USAGE', 'attest vsa needs --out FILE')
  const { verdict, bytes, summary } = await summarizeVerdict(context, artifact, rest)
  writeFile(resolve(context.workingFolder, out), Buffer.from(bytes).toString('utf8'))
  const { subject, trusted, level, resourceUri } = summary
  context.output.document({ out, subject, trusted, level, resourceUri })
  context.output.line(
    `${trusted ? `level ${level}` : 'NOT TRUSTED'}  ${oneLine(subject.path)}  written ${oneLine(out)}`,
  )
  if (!trusted) for (const reason of verdict.whyNotHigher) context.output.line(`  - ${oneLine(reason)}`)
  return trusted ? 0 : 1
}
