import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ArtifactVerdict } from '../../pipeline/index.ts'
import { tellVerdicts } from './verify.ts'

type Finding = ArtifactVerdict['findings'][number]

const finding = (subject: string, because: string): Finding => ({
  ...{ check: 'some', passed: true, code: 'OK', because, tier: 'verified', subject },
})

function verdictOn(path: string, level = 1): ArtifactVerdict {
  const digest = `sha256:${path.charCodeAt(0).toString(16).padStart(64, '0')}` as const
  return {
    ...{ trusted: true, level, whyNotHigher: ['nobody else'], subject: { path, digest }, commits: ['c'] },
    findings: [finding(path, 'its bytes are those'), finding('make', 'is signed')],
    properties: {
      ...{ isolated: true, hermetic: true, inputsApproved: false, locked: false, validated: true, reproduced: false },
    },
    requirements: [],
  }
}

function told(...verdicts: readonly ArtifactVerdict[]): readonly string[] {
  const lines: string[] = []
  tellVerdicts({ line: (text = '') => lines.push(text), style: (_, text) => text }, verdicts)
  return lines
}

test('what is the same of two outs of a stage is told once, and both are named', () => {
  const lines = told(verdictOn('a.txt'), verdictOn('b.txt'))
  const times = (text: string): number => lines.filter((line) => line.includes(text)).length
  assert.deepEqual(lines.slice(0, 4), [
    'trusted  a.txt  level 1',
    `  sha256:${'61'.padStart(64, '0')}`,
    'trusted  b.txt  level 1',
    `  sha256:${'62'.padStart(64, '0')}`,
  ])
  assert.deepEqual(['its bytes are those', 'is signed', 'nobody else', '+ isolated'].map(times), [2, 1, 1, 1])
})

test('TWIN outs of which something differs are told one after the other', () => {
  const lines = told(verdictOn('a.txt'), verdictOn('b.txt', 0))
  assert.equal(lines.filter((line) => line.includes('is signed')).length, 2)
  assert.deepEqual(lines.slice(lines.indexOf('trusted  b.txt  level 0')), told(verdictOn('b.txt', 0)))
})
