/**
 * Whether the first stage that came to something else repeats itself: what differs in each run, on the same machine and the
 * same records, differs by its code; what repeats and is not as it was then, differs by what is recorded.
 */
import { isDomainError } from '../core/index.ts'
import { believedStage } from './believe.ts'
import type { StagePair } from './causes.fs.ts'
import { type Again, pairsOf, type Tried } from './judge-reproduction.ts'
import type { Original } from './originals.fs.ts'
import type { Project } from './project.ts'
import type { ReproduceOptions } from './reproduce.ts'

export type RunAgain = (stages: readonly Original[]) => Promise<Again>

/** LIMIT: a stage that takes longer is not run once more only to learn this; `--times 2` does. */
const maxExtraMs = 60_000

type Asked = Readonly<{
  chosen: readonly Original[]
  tried: readonly Tried[]
  worst: Tried
  run: RunAgain
  options: Pick<ReproduceOptions, 'signal' | 'onEvent'>
}>

/** The stages beside themselves, in the order of the pipeline. @throws ERR_RUN_CANCELLED */
export async function withRepeats(project: Project, asked: Asked): Promise<readonly StagePair[]> {
  const { chosen, worst } = asked
  const pairs = pairsOf(project, chosen, worst.again.reports)
  const first = pairs.find((pair) => !isSame(pair.left, pair.right))
  const original = chosen.find(({ facts }) => facts === first?.left)
  if (first === undefined || original === undefined) return pairs
  const other = await anotherRun(project, asked, original, first)
  if (other === undefined) return pairs
  return pairs.map((pair) => (pair === first ? { ...pair, repeats: isSame(first.right, other) } : pair))
}

async function anotherRun(
  project: Project,
  { tried, worst, run, options }: Asked,
  original: Original,
  { right }: StagePair,
): Promise<StagePair['right'] | undefined> {
  const { signal, onEvent } = options
  const earlier = tried.find((one) => one !== worst)
  if (earlier !== undefined) return madeBy(project, earlier.again, original)
  if (Date.parse(right.finishedAt) - Date.parse(right.startedAt) > maxExtraMs) return undefined
  onEvent({
    kind: 'notice',
    text: `\`${right.stage}\` came to something else: once more, to see whether it repeats itself`,
  })
  try {
    return madeBy(project, await run([original]), original)
  } catch (error) {
    if (!isDomainError(error) || signal.aborted) throw error
    return undefined // the verdict stands without it
  }
}

function madeBy(project: Project, { reports }: Again, { attestation }: Original): StagePair['right'] | undefined {
  const made = reports.get(attestation)?.attestation
  return made === undefined ? undefined : believedStage(project, made)
}

function isSame({ outputs: left }: StagePair['left'], { outputs: right }: StagePair['right']): boolean {
  const digests = new Map(right.map(({ path, digest }) => [path, digest]))
  return left.length === right.length && left.every(({ path, digest }) => digests.get(path) === digest)
}
