/** `assay checkout`: data and outs of a commit or a run, out of the store into the working tree. */
import { oneLine, printable } from '../../core/index.ts'
import { type CheckoutReport, checkout as checkoutVersion, openProject } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import type { Output } from '../output.ts'
import { shortDigest } from '../render.ts'

export async function checkout(
  context: CliContext,
  [target]: readonly string[],
  options: Readonly<{ force?: boolean; dryRun?: boolean }>,
): Promise<Exit> {
  const { output } = context
  const report = await checkoutVersion(await openProject(context), target, {
    force: options.force === true,
    dryRun: options.dryRun === true,
    onProgress: (text) => output.progress(printable(text)),
  })
  output.document(report)
  tellCheckout(output, report)
  return 0
}

export function tellCheckout(output: Output, { restored, unchanged, left, missing, ...report }: CheckoutReport): void {
  for (const { path, digest } of restored) output.line(`${oneLine(path)}  ${shortDigest(digest)}`)
  for (const { path, to } of left) {
    const why = to === 'git' ? 'git tracks it' : `${oneLine(to)} pins other bytes: dvc checkout ${oneLine(to)}`
    output.line(`${oneLine(path)}  left as it is: ${why}`)
  }
  const without = missing.length === 0 ? '' : `, ${missing.length} not whole in the store`
  output.line(`${report.dryRun ? 'would restore' : 'restored'} ${restored.length}, unchanged ${unchanged}${without}`)
  const { commit, head } = report
  if (restored.length + unchanged + left.length + missing.length === 0)
    output.line('it names nothing: it has no stage in its assay.lock, and no source')
  if (commit === null || commit === head) return
  output.line(
    `HEAD is ${head === null ? 'no commit' : short(head)}: code, params and locks are git's; for those of ${short(commit)}: git checkout ${short(commit)}`,
  )
}

function short(commit: string): string {
  return oneLine(commit).slice(0, 12)
}
