/** `assay push`: what was made, and its evidence, to a remote. Read next: `pipeline/push.ts`. */
import { DomainError, formatSize, oneLine, printable } from '../../core/index.ts'
import { openProject, push as pushVersion } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'

type PushOptions = Readonly<{
  remote?: string
  environments?: boolean
  permittedOnly?: boolean
  rehash?: boolean
  dryRun?: boolean
  jobs: string
}>

export async function push(context: CliContext, [target]: readonly string[], options: PushOptions): Promise<Exit> {
  const { output, signal } = context
  const report = await pushVersion(await openProject(context), target, {
    ...(options.remote === undefined ? {} : { remote: options.remote }),
    environments: options.environments === true,
    permittedOnly: options.permittedOnly === true,
    rehash: options.rehash === true,
    dryRun: options.dryRun === true,
    jobs: parseJobs(options.jobs),
    signal,
    onProgress: (text) => output.progress(printable(text)),
  })
  output.document(report)
  const { named, sent, replaced, leftOut, remote, address } = report
  for (const { path, because } of leftOut) output.line(`${oneLine(path)}  left out: ${because}`)
  for (const name of replaced) output.line(`${oneLine(name)}  had other bytes there: sent again`)
  const there = named.files - sent.files
  output.line(
    report.dryRun
      ? `${sent.files} of ${named.files} files (${formatSize(sent.sizeBytes)}) are not at ${oneLine(remote)}`
      : `sent ${sent.files} files (${formatSize(sent.sizeBytes)}) to ${oneLine(remote)}, ${oneLine(address)}; ${there} were there`,
  )
  return 0
}

const mostJobs = 64

export function parseJobs(text: string): number {
  const jobs = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (jobs >= 1 && jobs <= mostJobs) return jobs
  throw new DomainError('ERR_USAGE', `\`--jobs ${text}\` is not a number of transfers`, { help: `1 to ${mostJobs}` })
}
