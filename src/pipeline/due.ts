/** Which artifacts of a project should be reproduced again: those that no counting reproduction speaks for. */
import { sha256Of } from '../core/index.ts'
import type { Project } from './project.ts'
import { finalOuts, verifyContent } from './verify.ts'

export type Due = Readonly<{
  /** To be reproduced now. */
  paths: readonly string[]
  /** Due, and left for another time by the share. */
  later: readonly string[]
  /** Reproduced, within what the policy asks for. */
  fresh: readonly string[]
  /** There is no evidence that could be reproduced. */
  without: readonly string[]
  /** They are not in the working tree, so that nobody can say which of their contents is meant. */
  missing: readonly string[]
}>

/**
 * Never reproduced, longer ago than `reproducedWithin` of the policy, or diverged; the project's model, else its final outs.
 *
 * @param options.share of what is due that is picked, above 0 and up to 1; one at least
 * @param options.seed the same seed picks the same
 */
export async function dueArtifacts(
  project: Project,
  { share, seed }: Readonly<{ share: number; seed: string }>,
): Promise<Due> {
  const due: string[] = []
  const fresh: string[] = []
  const without: string[] = []
  const missing: string[] = []
  for (const path of finalOuts(project)) {
    const digest = await project.contents.digest(path)
    if (digest === undefined) {
      missing.push(path)
      continue
    }
    const { properties } = await verifyContent(project, path, digest)
    const isProven = project.evidence.bySubject(digest).length > 0
    const list = !isProven ? without : properties.reproduced ? fresh : due
    list.push(path)
  }
  const drawn = due.toSorted((left, right) => (lot(seed, left) < lot(seed, right) ? -1 : 1))
  const count = Math.ceil(share * due.length)
  return { paths: drawn.slice(0, count).toSorted(), later: drawn.slice(count).toSorted(), fresh, without, missing }
}

function lot(seed: string, path: string): string {
  return sha256Of(JSON.stringify([seed, path]))
}
