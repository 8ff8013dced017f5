/** `assay pull`: what others made, and its evidence, from a remote. Read next: `pipeline/pull.ts`. */
import { errorTable, formatSize, oneLine, printable } from '../../core/index.ts'
import { openProject, type PullReport, pull as pullVersion } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { type Fault, tellFault } from '../fault.ts'
import { tellCheckout } from './checkout.ts'
import { parseJobs } from './push.ts'

type PullOptions = Readonly<{
  remote?: string
  environments?: boolean
  storeOnly?: boolean
  rehash?: boolean
  force?: boolean
  dryRun?: boolean
  jobs: string
}>

export async function pull(context: CliContext, [target]: readonly string[], options: PullOptions): Promise<Exit> {
  const { output, signal } = context
  const report = await pullVersion(await openProject(context), target, {
    ...(options.remote === undefined ? {} : { remote: options.remote }),
    environments: options.environments === true,
    storeOnly: options.storeOnly === true,
    rehash: options.rehash === true,
    force: options.force === true,
    dryRun: options.dryRun === true,
    jobs: parseJobs(options.jobs),
    signal,
    onProgress: (text) => output.progress(printable(text)),
  })
  const { evidence, fetched, remote, address, checkout } = report
  const fault = faultOf(report)
  output.document(fault === undefined ? report : { ...report, error: fault })
  output.line(
    report.dryRun
      ? `${fetched.files} objects (${formatSize(fetched.sizeBytes)}) of ${oneLine(remote)} are not here`
      : `took ${fetched.files} objects (${formatSize(fetched.sizeBytes)}) and ${evidence} bundles of evidence from ${oneLine(remote)}, ${oneLine(address)}`,
  )
  if (checkout !== null) tellCheckout(output, checkout)
  if (fault === undefined) return 0
  if (!output.json) tellFault(output, fault)
  return 1
}

/** What the remote lacks is told when all else was taken. */
function faultOf({ missing, address }: PullReport): Fault | undefined {
  const [first] = missing
  if (first === undefined) return undefined
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : ''
  return {
    code: 'ERR_REMOTE_MISSING',
    message: `\`${first.path}\` (${first.digest})${more} is not at \`${address}\``,
    help: errorTable.ERR_REMOTE_MISSING.help,
    details: { digest: first.digest, missing: missing.length },
  }
}
