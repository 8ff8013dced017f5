/** `assay attest`: the statements behind an artifact, to read and to hand on. */
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { DomainError, oneLine, printable, type Sha256 } from '../../core/index.ts'
import {
  chainOfArtifact,
  evidenceAt,
  evidenceInRegistry,
  evidenceShownAt,
  exportedEvidence,
  exportToRegistry,
  importEvidence,
  isOciAddress,
  logFolderAt,
  logFolderOf,
  logPlaceOf,
  networkRouteOf,
  openProject,
  type Project,
  parseOciAddress,
  readStage,
  subjectsOf,
  writeEvidence,
  writeLinks,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest, table } from '../render.ts'
import { stageRows, tellEvidence } from './show-bundle.ts'

export async function attestShow(
  context: CliContext,
  [artifact]: readonly string[],
  options: Readonly<{ raw?: boolean }>,
): Promise<Exit> {
  const { output } = context
  const evidence = artifact === undefined ? undefined : await evidenceShownAt(context, artifact)
  if (evidence !== undefined) {
    tellEvidence(output, evidence, options.raw === true)
    return 0
  }
  const project = await openProject(context)
  const chain = await chainOfArtifact(project, artifact, context.workingFolder)
  if (options.raw === true) {
    const bundles = chain.map((attestation) => Buffer.from(project.evidence.bundle(attestation) ?? []).toString('utf8'))
    output.document({ bundles: bundles.map((text) => JSON.parse(text) as unknown) })
    for (const text of bundles) output.line(printable(text))
    return 0
  }
  const stages = chain.map((attestation) => ({ attestation, facts: readStage(project, attestation) }))
  output.document({ stages: stages.map(({ attestation, facts }) => ({ attestation, ...facts })) })
  for (const { attestation, facts } of stages) {
    output.line(`${output.style('bold', oneLine(facts.stage))}  ${shortDigest(attestation)}`)
    for (const line of table(stageRows(facts))) output.line(line)
  }
  return 0
}

export async function attestExport(
  context: CliContext,
  [artifact]: readonly string[],
  options: Readonly<{ out?: string; inToto?: boolean; log?: readonly string[] }>,
): Promise<Exit> {
  const { out } = options
  if (out === undefined)
    throw new DomainError('ERR_USAGE', 'attest export needs --out PATH', {
      help: 'a PATH that ends in .jsonl is one file, oci://host/repository:tag a registry, anything else a folder',
    })
  const address = isOciAddress(out) ? parseOciAddress(out) : undefined
  const project = await openProject(context)
  const chain = await chainOfArtifact(project, artifact, context.workingFolder)
  if (options.inToto === true) return exportLinks(context, project, { chain, artifact, out })
  const places = await logFolders(context, project, options.log ?? [])
  const evidence = exportedEvidence(project, chain, places)
  const logProofs = [...evidence.proofs.inclusions.values()].flat().length
  const told = { ...evidence.counted, logProofs, logGrowths: evidence.proofs.growths.length }
  if (address !== undefined) {
    const [path = '', ...more] = subjectsOf(project, artifact, context.workingFolder)
    if (more.length > 0)
      throw new DomainError('ERR_USAGE', 'a registry takes one artifact', { help: 'name one of the outs' })
    const digest = await project.contents.rehash(path)
    if (digest === undefined) throw new DomainError('ERR_ARTIFACT_MISSING', `\`${path}\` is not there`)
    const sent = await exportToRegistry(project, context, address, { path, digest, chain, evidence })
    context.output.document({ path: out, ...told, ...sent })
    const name = `oci://${address.registry}/${address.repository}@${sent.manifest}`
    context.output.line(
      `${sent.pushed ? `${oneLine(path)} and ` : ''}${sent.referrers} pieces of evidence are at ${name}`,
    )
    context.output.line(`next: assay verify ${name} --policy trust.yaml`)
    return 0
  }
  const path = resolve(context.workingFolder, out)
  writeEvidence(path, evidence)
  context.output.document({ path, ...told })
  const { stages, verdicts, gates, approvals } = evidence.counted
  context.output.line(
    `${stages} statements of stages, ${verdicts} data verdicts, ${gates} gate verdicts and ${approvals} approvals in ${oneLine(out)}`,
  )
  return 0
}

/** The project's own log, and those in object stores that are named. */
async function logFolders(
  context: CliContext,
  project: Project,
  addresses: readonly string[],
): Promise<readonly string[]> {
  const { environment, signal } = context
  const remote = { route: networkRouteOf(environment, environment['HOME'] ?? homedir()), signal }
  const folders = [logFolderOf(project.root)]
  for (const address of addresses) folders.push(await logFolderAt(project, logPlaceOf(address, remote)))
  return folders
}

async function exportLinks(
  context: CliContext,
  project: Project,
  { chain, artifact, out }: Readonly<{ chain: readonly Sha256[]; artifact: string | undefined; out: string }>,
): Promise<Exit> {
  const folder = resolve(context.workingFolder, out)
  const { layout, links } = await writeLinks(project, chain, {
    folder,
    subjects: subjectsOf(project, artifact, context.workingFolder),
  })
  context.output.document({ path: folder, layout, links })
  context.output.line(`${links.length} links and ${layout} in ${oneLine(out)}`)
  context.output.line(
    `next: in-toto-verify --layout ${layout} --verification-keys KEY.pem (assay key export --out KEY.pem)`,
  )
  return 0
}

export async function attestImport(context: CliContext, [path = '']: readonly string[]): Promise<Exit> {
  const project = await openProject(context)
  const evidence = isOciAddress(path)
    ? await evidenceInRegistry(context, parseOciAddress(path))
    : evidenceAt(resolve(context.workingFolder, path))
  const { stages, logProofs, histories } = importEvidence(project, evidence, path)
  context.output.document({ path, stages, logProofs, histories })
  context.output.line(`${stages.length} statements of stages are believed and kept; verify what they are about`)
  for (const { origin, checkpoints, grown } of histories)
    context.output.line(
      `${oneLine(origin)} has signed ${checkpoints} checkpoints that are here, ${grown} times shown to have grown`,
    )
  return 0
}
