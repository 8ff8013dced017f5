import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classificationOfDependency } from './data-question.ts'
import type { Project } from './project.ts'

test('a classification counts as it was stated, and one that no version of now knows as the most secret', () => {
  // as: all that is asked of a project that knows no source
  const project = { sources: new Map(), settings: { data: new Map() } } as unknown as Project
  const of = (classification: string): string => {
    const origin = { kind: 'source', id: 'digits', classification } as const
    return classificationOfDependency(project, { path: 'data/digits.csv', origin })
  }
  assert.deepEqual(['public', 'internal', 'confidential'].map(of), ['public', 'internal', 'confidential'])
  assert.deepEqual(['secret', 'Public', ' '].map(of), ['restricted', 'restricted', 'restricted'])
  assert.equal(classificationOfDependency(project, { path: 'data/x', origin: { kind: 'unlisted' } }), 'internal')
})

test('an out that no statement is about may be of any source of the project', () => {
  const patients = { source: { classification: 'restricted' } }
  // as: all that is asked of a project that knows one source
  const project = { sources: new Map([['patients', patients]]), settings: { data: new Map() } } as unknown as Project
  const of = (origin: Parameters<typeof classificationOfDependency>[1]['origin']): string =>
    classificationOfDependency(project, { path: 'out/features.csv', origin })
  assert.equal(of({ kind: 'not-made-here', stage: 'features' }), 'restricted')
  assert.equal(of({ kind: 'unlisted' }), 'internal')
})
