import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256Of } from '../core/index.ts'
import { heldData } from './held-data.ts'
import { surroundingsOf } from './inputs.ts'
import type { Project } from './project.ts'

test('every file is looked at for the reviews of the bytes, and by nobody where there are none', async () => {
  const digest = sha256Of('reviewed')
  const review = {
    attestation: sha256Of('review'),
    decision: {
      subject: { path: 'old.csv', digest },
      ...{ hash: 'sha256', at: '2026-11-01', rows: [{ hash: 'x', verdict: 'bad' }] },
    },
  }
  const look = async (reviews: readonly object[]): Promise<readonly [number, readonly string[]]> => {
    const looked: string[] = []
    // as: all that is asked of a project
    const project = {
      dataDecisions: () => ({ 'data-review': reviews, 'data-anchor': [], 'data-waiver': [] }),
      contents: {
        see: async (path: string) => {
          looked.push(path)
          return { content: { digest } }
        },
      },
      ...{ goldenSets: [], settings: { data: new Map() }, surroundings: surroundingsOf([], []) },
      pipeline: { stages: [], tracked: [] },
    } as unknown as Project
    const { questions } = await heldData(project, 'new.csv', {})
    return [questions.judged?.length ?? 0, looked]
  }
  assert.deepEqual(await look([]), [0, []])
  assert.deepEqual(await look([review]), [1, ['new.csv']])
})
