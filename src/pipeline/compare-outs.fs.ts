/** An out of then beside the one of now: by digest, then by what the bytes say. */
import { join } from 'node:path'
import type { OutComparison, StatedOutput } from '../attestation/index.ts'
import { type Digest, isSha256, type Json } from '../core/index.ts'
import { defaultLimits } from '../data/index.ts'
import {
  type Compared,
  compareOuts,
  type OutFiles,
  outFilesAt,
  type Tolerance,
  worstVerdict,
} from '../reproducibility/index.ts'
import { boxesOf } from './environment-request.ts'
import type { Project } from './project.ts'
import type { Place } from './reproduction-place.fs.ts'
import { boxRunner } from './validate-data.fs.ts'

/** `digest` is that of now. */
export type OutPair = Readonly<{ stage: string; output: StatedOutput; digest: Digest }>

/** LIMIT: files of one folder that are told of. */
const maxFiles = 1000
const maxDetailCharacters = 500

/**
 * @param settings of the stage, as they are now: what may differ is a matter of who judges, not of who made it
 * @returns first one entry for the out, then one for each of its files that has other bytes
 */
export async function compareOut(
  { project, scratch }: Pick<Place, 'project' | 'scratch'>,
  { stage, output, digest }: OutPair,
  { reproducible, signal }: Readonly<{ reproducible: Json | undefined; signal: AbortSignal }>,
): Promise<readonly OutComparison[]> {
  const { path } = output
  if (digest === output.digest) return [{ stage, path, verdict: 'identical', detail: 'the same bytes' }]
  const then = await filesOf(project, output)
  if (then === undefined) {
    return [{ stage, path, verdict: 'diverged', detail: 'other bytes, and those of then are no longer in the store' }]
  }
  const compared = await compareOuts(then, outFilesAt(join(project.root, path)), {
    path,
    tolerances: tolerancesOf(reproducible),
    validator: { ...defaultLimits, runBox: boxRunner(boxesOf(project)), scratchRoot: scratch, signal },
    signal,
  })
  const told = compared.map((one) => toldOf(stage, one))
  if (isSha256(output.digest)) return told
  const others = told.filter(({ verdict }) => verdict !== 'identical')
  const worst = verdictOf(worstVerdict(compared.map(({ verdict }) => verdict)))
  const detail = `${others.length} of ${told.length} files have other bytes`
  return [{ stage, path, verdict: worst, detail }, ...others.slice(0, maxFiles)]
}

/** Every object re-hashed. */
async function filesOf({ store }: Project, { digest, list }: StatedOutput): Promise<OutFiles | undefined> {
  if (isSha256(digest)) {
    return (await store.verify([digest])).length === 0 ? new Map([['.', store.pathOf(digest)]]) : undefined
  }
  if (list === undefined || (await store.verify([list])).length > 0) return undefined
  const { files } = await store.readFolder(list)
  if ((await store.verify(files.map((file) => file.digest))).length > 0) return undefined
  return new Map(files.map((file) => [file.path, store.pathOf(file.digest)]))
}

function toldOf(stage: string, { path, verdict, detail }: Compared): OutComparison {
  const why = verdict === 'incomparable' ? `could not be compared: ${detail}` : detail
  return { stage, path, verdict: verdictOf(verdict), detail: why.slice(0, maxDetailCharacters) }
}

/** INVARIANT: what cannot be compared has diverged. */
function verdictOf(verdict: Compared['verdict']): OutComparison['verdict'] {
  return verdict === 'incomparable' ? 'diverged' : verdict
}

/**
 * `{tolerance: {metrics.json: {accuracy: 0.005}, model.safetensors: 1e-9}, because}` of assay.yaml: path -> how much, or
 * name of a key, tensor or column -> how much.
 */
export function tolerancesOf(reproducible: Json | undefined): readonly Tolerance[] {
  if (typeof reproducible !== 'object' || reproducible === null || Array.isArray(reproducible)) return []
  const { tolerance = {}, because } = reproducible as Readonly<{ tolerance?: Record<string, unknown>; because: string }>
  return Object.entries(tolerance).flatMap(([path, given]) =>
    typeof given === 'number'
      ? [{ path, abs: given, because }]
      : Object.entries(given as Record<string, number>).flatMap(([name, abs]) =>
          (['tensor', 'metric', 'column'] as const).map((part) => ({ path, [part]: name, abs, because })),
        ),
  )
}
