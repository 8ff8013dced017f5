/** `assay bom`: verifies an artifact, and says what it was made of. */
import { basename, relative, resolve } from 'node:path'
import { type ChainVerdict, isSecret } from '../attestation/index.ts'
import { DomainError, type Json } from '../core/index.ts'
import { bomFactsOf, type CycloneDxVersion, cycloneDxOf, spdxOf } from './bom/index.ts'
import { classificationBehind, classificationOfDependency } from './data-question.ts'
import { openProject } from './project.fs.ts'
import type { Caller, Project } from './project.ts'
import { provenDocument } from './proven-metrics.ts'
import { finalOuts, judgeContent } from './verify.ts'
import { outAt } from './verify-artifact.fs.ts'

export type BomFormat = Readonly<{ kind: 'cyclonedx'; version: CycloneDxVersion }> | Readonly<{ kind: 'spdx' }>

export type WrittenBom = Readonly<{
  document: Json
  trusted: boolean
  level: number
  datasets: number
  packages: number
}>

/**
 * A bill of what verified statements say; of what is not trusted too, and then it says so.
 *
 * @throws ERR_USAGE when it is not one artifact, ERR_ARTIFACT_MISSING, ERR_EVIDENCE_MISSING
 */
export async function writeBom(caller: Caller, artifact: string | undefined, format: BomFormat): Promise<WrittenBom> {
  const project = await openProject(caller)
  const path = artifactPath(project, artifact, caller.workingFolder)
  const digest = await project.contents.rehash(path)
  if (digest === undefined) throw new DomainError('ERR_ARTIFACT_MISSING', `\`${path}\` is not there`)
  const { chain, verdict } = await judgeContent(project, path, digest)
  if (chain.stages.length === 0) throw new DomainError('ERR_EVIDENCE_MISSING', `there is no evidence for \`${path}\``)
  const { trusted, level } = verdict
  const { model } = project.settings
  const metrics = model?.metrics === undefined ? undefined : await toldMetrics(project, model.metrics, chain)
  const facts = bomFactsOf({
    name: model !== undefined && outAt(project, model.path) === outAt(project, path) ? model.name : basename(path),
    path,
    digest,
    trusted,
    level: trusted ? level : 0,
    version: project.version,
    stages: chain.stages,
    sources: project.sources,
    classificationOf: (dependency) => classificationOfDependency(project, dependency),
    ...(metrics === undefined ? {} : { metrics }),
  })
  const document = format.kind === 'spdx' ? spdxOf(facts) : cycloneDxOf(facts, format.version)
  return { document, trusted, level: facts.level, datasets: facts.datasets.length, packages: facts.packages.length }
}

/** THREAT: a metric of secret data may be as telling as the data. The judge is one of the chain's stages. */
async function toldMetrics(project: Project, path: string, chain: ChainVerdict): Promise<Json | undefined> {
  const stages = chain.stages.map(({ attestation }) => attestation)
  return isSecret(classificationBehind(project, ...stages)) ? undefined : provenDocument(project, path, chain)
}

function artifactPath(project: Project, artifact: string | undefined, workingFolder: string): string {
  if (artifact !== undefined) {
    const path = relative(project.root, resolve(workingFolder, artifact))
    return outAt(project, path) ?? path
  }
  const [only, ...more] = finalOuts(project)
  if (only === undefined || more.length > 0)
    throw new DomainError('ERR_USAGE', 'a bill of materials is of one artifact', { help: 'name one of the outs' })
  return outAt(project, only) ?? only
}
