import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256Of } from '../core/index.ts'
import { pastVersions } from './past-versions.ts'
import type { Project } from './project.ts'

const anchor = sha256Of('anchor')

/** The places in the history that count, of versions of which each but the first names the one before it. */
async function historyOf(kept: readonly number[], marks = 0): Promise<readonly number[]> {
  const named = (version: number) => sha256Of(`version ${version}`)
  const verdictOf = (version: number) => ({
    dataset: { path: 't.csv', digest: named(version), sizeBytes: 1 },
    baseline: { anchor },
    result: 'PASSED',
    finishedAt: `2026-11-0${version}`,
    statistics: { version, ...(version === 1 ? {} : { previous: named(version - 1) }) },
  })
  const empty = Array.from({ length: marks }, (_, index) => sha256Of(`mark ${index}`))
  // as: all that is asked of a project; the marks' bundles are not there
  const project = {
    evidence: { byKey: () => [...empty, ...kept.map(named)], bundle: () => undefined },
    dataVerdicts: new Map(kept.map((version) => [named(version), verdictOf(version)])),
    contents: { stored: async ({ digest }: object & { digest: string }) => ({ kind: 'file', digest, sizeBytes: 1 }) },
    store: { fileOf: () => '', pathOf: () => '' },
  } as unknown as Project
  const { history } = await pastVersions(project, { path: 't.csv', content: { digest: named(9) }, anchor })
  return history.map((one) => (one as unknown as Readonly<{ version: number }>).version)
}

test('the history of versions counts whole; where one of it was taken away, all since the anchor counts at once', async () => {
  assert.deepEqual(await historyOf([1, 2, 3, 4]), [1, 2, 3, 4])
  for (const kept of [[4], [2, 3, 4], [1, 3, 4], []]) assert.deepEqual(await historyOf(kept), [], kept.join())
})

test('marks of verdicts that are not there, however many and new, hide none that are', async () => {
  assert.deepEqual(await historyOf([1, 2, 3], 1500), [1, 2, 3])
})
