/** `assay verify`: the verdict on one artifact, with every finding. */
import { printable } from '../../core/index.ts'
import { type ArtifactVerdict, verifyArtifact } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import type { Output } from '../output.ts'
import { table } from '../render.ts'

type VerifyOptions = Readonly<{ policy?: string; key?: string; bundle?: string; evidence?: string; rehash?: boolean }>

export async function verify(
  context: CliContext,
  [artifact]: readonly string[],
  options: VerifyOptions,
): Promise<Exit> {
  const verdicts = await verifyArtifact(context, artifact, options)
  const [first] = verdicts
  if (verdicts.length === 1 && first !== undefined) context.output.document(first)
  else context.output.document({ trusted: verdicts.every(({ trusted }) => trusted), verdicts })
  for (const verdict of verdicts) tell(context.output, verdict)
  return verdicts.length > 0 && verdicts.every(({ trusted }) => trusted) ? 0 : 1
}

function tell(output: Output, verdict: ArtifactVerdict): void {
  const word = verdict.trusted
    ? output.style(['bold', 'green'], 'trusted')
    : output.style(['bold', 'red'], 'NOT TRUSTED')
  output.line(`${word}  ${printable(verdict.subject.path)}  level ${verdict.level}`)
  output.line(`  ${verdict.subject.digest ?? 'not there'}`)
  const properties = Object.entries(verdict.properties).map(([name, holds]) => `${holds ? '+' : '-'} ${wordsOf(name)}`)
  output.line(`  ${properties.join('   ')}`)
  output.line()
  const rows = verdict.findings.map(({ check, passed, because, tier, code }) => [
    passed ? '  ok' : '  NO',
    check,
    `${because}${passed ? '' : ` (${code})`}  [${tier}]`,
  ])
  for (const line of table(rows)) output.line(line.startsWith('  NO') ? output.style('red', line) : line)
  if (verdict.whyNotHigher.length > 0) {
    output.line()
    output.line('why not higher:')
    for (const reason of verdict.whyNotHigher) output.line(`  - ${printable(reason)}`)
  }
}

/** `inputsApproved` -> `inputs approved`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
