/** The input that a project path stands for, outside any stage: by what the working tree holds there. */
import { DomainError } from '../core/index.ts'
import type { Project } from './project.ts'
import type { ResolvedInput } from './view.ts'

/** A path inside data that is known as a whole stands for the whole, as in a stage. Undefined when nothing is there. */
export async function inputAt(project: Project, path: string): Promise<ResolvedInput | undefined> {
  const { anchors, tracked } = project.surroundings
  const [around] = anchors.around(path)
  const isCode = around === undefined && tracked.around(path).includes(path)
  const whole = around?.path ?? path
  const [committed] = isCode ? (await project.code.contents([path])).values() : []
  const content = committed ?? (await project.contents.ingest(whole))
  if (content === undefined) return undefined
  const origin = isCode ? { kind: 'code' as const } : (around ?? { kind: 'external' as const, path })
  const attestation = origin.kind === 'out' ? project.lock.get(origin.stage)?.attestation : undefined
  const ref = { path: whole, shows: [path], role: 'dep' as const, origin }
  return attestation === undefined ? { ref, content } : { ref, content, attestation }
}

/**
 * Data that is judged: in one piece.
 *
 * @param help what is to be done instead, of the path of the whole
 * @throws ERR_DATA_MISSING, ERR_USAGE for a part of it
 */
export async function wholeAt(project: Project, path: string, help: (whole: string) => string): Promise<ResolvedInput> {
  const input = await inputAt(project, path)
  if (input === undefined) {
    throw new DomainError('ERR_DATA_MISSING', `\`${path}\` is not there`, {
      help: 'name a source, or a file or folder of the project',
    })
  }
  if (input.ref.path === path) return input
  throw new DomainError('ERR_USAGE', `\`${path}\` is a part of \`${input.ref.path}\`, which is judged as a whole`, {
    help: help(input.ref.path),
  })
}
