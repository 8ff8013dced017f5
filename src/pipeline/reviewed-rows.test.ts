import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256Of } from '../core/index.ts'
import { surroundingsOf } from './inputs.ts'
import type { Project } from './project.ts'
import { reviewedRows } from './reviewed-rows.ts'

test('data that is called something else keeps what was said of its bytes, or of what its anchor is of; else it is told', () => {
  const [reviewed, approved, other] = [sha256Of('reviewed'), sha256Of('approved'), sha256Of('other')]
  const review = {
    attestation: sha256Of('review'),
    decision: {
      subject: { path: 'old.csv', digest: reviewed },
      ...{ hash: 'sha256', at: '2026-11-01', rows: [{ hash: 'x', verdict: 'bad' }] },
    },
  }
  const project = (deps: readonly string[]): Project =>
    // as: all that is asked of a project
    ({
      dataDecisions: () => ({ 'data-review': [review] }),
      settings: { data: new Map() },
      pipeline: { stages: [{ name: 'train', deps, params: {}, outs: [] }], tracked: [] },
      surroundings: surroundingsOf([], []),
    }) as unknown as Project
  const found = (
    asked: Parameters<typeof reviewedRows>[1],
    deps = ['new.csv'],
  ): readonly [number, readonly string[]] => {
    const { judged, elsewhere } = reviewedRows(project(deps), asked)
    return [judged.length, elsewhere]
  }
  assert.deepEqual(found({ path: 'old.csv', digest: other }, ['old.csv']), [1, []])
  assert.deepEqual(found({ path: 'new.csv', digest: reviewed }), [1, []])
  assert.deepEqual(found({ path: 'new.csv', digest: other, anchored: { path: 'old.csv', digest: approved } }), [1, []])
  assert.deepEqual(found({ path: 'new.csv', digest: other, anchored: { path: 'older.csv', digest: reviewed } }), [
    1,
    [],
  ])
  assert.deepEqual(found({ path: 'new.csv', digest: other }), [0, ['old.csv']])
  // honest: other data beside what was reviewed
  assert.deepEqual(found({ path: 'new.csv', digest: other }, ['new.csv', 'old.csv']), [0, []])
})
