/** Two answers about one project, and whether they are the same. */
import { resolve } from 'node:path'
import { DomainError } from '../../src/core/index.ts'
import { definePipeline, planDocument } from '../../src/pipeline/define/index.ts'
import { openPlan } from '../../src/pipeline/index.ts'
import { openReader } from '../../src/pipeline/workspace.fs.ts'
import { isLockOfDvc1, isStricterOnPurpose } from './on-purpose.ts'
import type { Files } from './projects.ts'

export type Stage = Readonly<{ name: string }>
export type Answer = Readonly<{ stages: readonly Stage[] }> | Readonly<{ refused: Refusal }>
/** `details` are those of our error: the file and the place. */
export type Refusal = Readonly<{ class: string; message: string; details?: Readonly<Record<string, unknown>> }>

/**
 * What `assay status --json --plan` answers, through the functions behind it.
 *
 * @param usesGit false when no file of the project says what git ignores: then git is not asked, which is most of the time
 */
export async function askAssay(root: string, home: string, usesGit: boolean): Promise<Answer> {
  const environment = { PATH: process.env['PATH'] ?? '', HOME: home, GIT_CONFIG_NOSYSTEM: '1' }
  try {
    const plan = usesGit
      ? await openPlan({ workingFolder: root, environment, now: () => new Date(), version: '0' })
      : planDocument(definePipeline(await openReader(root, async () => new Set()), { root }))
    return JSON.parse(JSON.stringify(plan)) as Answer
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'bug'
    const message = error instanceof Error ? error.message : String(error)
    if (!(error instanceof DomainError))
      return { refused: { class: code, message: `${message}\n${(error as Error).stack}` } }
    return { refused: { class: code, message, details: error.details } }
  }
}

export type Comparison =
  | Readonly<{ kind: 'planned' | 'refused' | 'stricter on purpose' | 'read with a warning' }>
  | Readonly<{ kind: 'differs' | 'stricter' | 'laxer' | 'bug'; because: string }>

/** @param root of the project: a path that leads out of it is one, whether it is written from there or from `/` */
export function compare(dvc: Answer, assay: Answer, files: Files, root: string): Comparison {
  if ('refused' in assay && !assay.refused.class.startsWith('ERR_'))
    return { kind: 'bug', because: assay.refused.message }
  if ('refused' in dvc && 'refused' in assay) return { kind: 'refused' }
  if ('refused' in dvc && isLockOfDvc1(dvc.refused, files)) return { kind: 'read with a warning' }
  if ('refused' in dvc) return { kind: 'laxer', because: `${dvc.refused.class}: ${dvc.refused.message}` }
  if ('refused' in assay && isStricterOnPurpose(assay.refused, files)) return { kind: 'stricter on purpose' }
  if ('refused' in assay) return { kind: 'stricter', because: `${assay.refused.class}: ${assay.refused.message}` }
  const [theirs, ours] = [byName(outside(dvc.stages, root)), byName(outside(assay.stages, root))]
  const because = difference(theirs, ours)
  return because === undefined ? { kind: 'planned' } : { kind: 'differs', because }
}

function outside(stages: readonly Stage[], root: string): readonly Stage[] {
  const absolute = (value: string): string => (/^(?:\/|\.\.(?:\/|$))/.test(value) ? resolve(root, value) : value)
  const fields = (stage: Stage): Stage =>
    JSON.parse(JSON.stringify(stage), (key, value: unknown) =>
      typeof value === 'string' && key !== 'name' ? absolute(value) : value,
    ) as Stage
  return stages.map((stage) => ({ ...fields(stage), cmd: Reflect.get(stage, 'cmd') }))
}

/** DVC's order of stages is the order of its directory listing. */
const byName = (stages: readonly Stage[]): readonly Stage[] =>
  stages.toSorted((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0))

function difference(theirs: readonly Stage[], ours: readonly Stage[]): string | undefined {
  const names = (stages: readonly Stage[]): string => JSON.stringify(stages.map(({ name }) => name))
  if (names(theirs) !== names(ours)) return `names: dvc ${names(theirs)}, assay ${names(ours)}`
  for (const [index, stage] of theirs.entries()) {
    const own = ours[index] ?? { name: '' }
    for (const field of new Set([...Object.keys(stage), ...Object.keys(own)])) {
      const [left, right]: unknown[] = [Reflect.get(stage, field), Reflect.get(own, field)]
      const same = JSON.stringify(left) === JSON.stringify(right)
      if (!same) return `${field}: dvc ${JSON.stringify(left)}, assay ${JSON.stringify(right)}`
    }
  }
  return undefined
}
