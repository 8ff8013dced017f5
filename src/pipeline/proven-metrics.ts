/** Metrics of a model, as evidence proves them. */
import { type ChainVerdict, type Metric, metricsIn } from '../attestation/index.ts'
import { isSha256, type Json } from '../core/index.ts'
import { makerOf } from './definition.ts'
import type { Project } from './project.ts'

/**
 * The metrics as the judge that the chain was judged by wrote them, whatever lies in the working tree.
 *
 * THREAT: good metrics of an earlier model, or of a run that earns nothing, stand for those of this one.
 *
 * @throws ERR_INPUT_MALFORMED when they are no JSON of one meaning
 */
export async function provenDocument(
  project: Project,
  path: string,
  chain: Pick<ChainVerdict, 'stages'>,
): Promise<Json | undefined> {
  const maker = makerOf(project.pipeline, path)
  const judge = project.lock.get(maker?.name ?? '')?.attestation
  const facts = chain.stages.find(({ attestation }) => attestation === judge)?.stage.facts
  const output = facts?.outputs.find((out) => out.path === path)
  if (output === undefined || !(isSha256(output.digest) && project.store.has(output.digest))) return undefined
  return await project.contents.readJson(output.digest, path)
}

/** Their numbers. @throws as `provenDocument` */
export async function provenMetrics(
  project: Project,
  path: string,
  chain: Pick<ChainVerdict, 'stages'>,
): Promise<readonly Metric[] | undefined> {
  const document = await provenDocument(project, path, chain)
  return document === undefined ? undefined : metricsIn(document)
}
