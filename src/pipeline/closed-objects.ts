/**
 * Bytes of secret data lie in the store in a folder of their own: what was taken in for a source, and what was made of it.
 * DECISION 0044.
 */
import { isSecret } from '../attestation/index.ts'
import type { Content, Sha256 } from '../core/index.ts'
import type { Classification } from '../data/index.ts'
import { classificationAt, mostSecret } from './data-question.ts'
import type { Contents, Project } from './project.ts'
import type { ResolvedInput } from './view.ts'

/** The project whose contents go, as they are taken in, where data as secret as they are is kept. */
export function withClosedObjects(project: Project): Project {
  const listed = [...project.sources.values(), ...(project.lentBy?.sources.values() ?? [])]
  if (!listed.some(({ source }) => isSecret(source.classification))) return project
  const { contents } = project
  const ingest: Contents['ingest'] = async (path) => {
    const content = await contents.ingest(path)
    if (content !== undefined) closeContent(project, content, classificationAt(project, path))
    return content
  }
  return { ...project, contents: { ...contents, ingest } }
}

/** What a stage made, and said, is as secret as the most secret of its inputs. */
export function closeMade(
  project: Project,
  inputs: readonly ResolvedInput[],
  made: Readonly<{ outs: ReadonlyMap<string, Content>; log: Readonly<{ digest: Sha256 }> }>,
): void {
  close(project, [made.log.digest, ...[...made.outs.values()].flatMap(digestsOf)], mostSecret(inputs, project))
}

/** What is taken in for a source, which may be new. */
export function closeContent(project: Pick<Project, 'store'>, content: Content, classification: Classification): void {
  close(project, digestsOf(content), classification)
}

/** Objects of something that is as secret. */
export function close(
  { store }: Pick<Project, 'store'>,
  digests: readonly Sha256[],
  classification: Classification,
): void {
  if (classification === 'restricted' || classification === 'confidential') store.closeOff(digests, classification)
}

function digestsOf(content: Content): readonly Sha256[] {
  return content.kind === 'file' ? [content.digest] : content.files.map(({ digest }) => digest)
}
