import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sha256Of } from '../core/index.ts'
import { parseSources } from '../data/index.ts'
import type { Project } from './project.ts'
import { registerSource } from './register-source.fs.ts'

test('tells which files registering data has changed, and leaves what is on record word for word as it is', async (context) => {
  const root = mkdtempSync(join(tmpdir(), 'assay-register-'))
  context.after(() => rmSync(root, { recursive: true, force: true }))
  writeFileSync(join(root, 'assay.yaml'), 'assay: 1\nname: people\n')
  const text = (name: string): string => readFileSync(join(root, name), 'utf8')
  const owner = { name: 'Ada', email: 'ada@example.org' }
  const given = {
    ...{ id: 'people', path: 'data/people.csv', origin: 'data/people.csv', owner, kind: 'data' as const },
    ...{ classification: 'public' as const, licence: 'CC0-1.0' },
  }
  const add = async (day: number, bytes: string, facts: Partial<typeof given> = {}) => {
    const listed = day === 1 ? [] : parseSources(text('sources.yaml'))
    // as: all that is asked of a project
    const project = {
      ...{ root, now: () => new Date(Date.UTC(2026, 0, day)), pipeline: { stages: [] } },
      sources: new Map(listed.map((source) => [source.id, { source, status: 'proposed', because: '' }])),
      contents: { ingest: async () => ({ kind: 'file', digest: sha256Of(bytes), sizeBytes: 1, executable: false }) },
      store: { close: () => undefined },
    } as unknown as Project
    return await registerSource(project, { ...given, ...facts }, day > 1)
  }
  assert.deepEqual((await add(1, 'a')).written, ['sources.yaml', 'assay.yaml'])
  const before = [text('sources.yaml'), text('assay.yaml')]
  const again = await add(2, 'a')
  assert.deepEqual([again.written, again.source.addedAt], [[], '2026-01-01T00:00:00.000Z'])
  assert.deepEqual([text('sources.yaml'), text('assay.yaml')], before)
  assert.deepEqual((await add(3, 'b')).written, ['sources.yaml'], 'TWIN other bytes')
  const other = await add(4, 'b', { licence: 'CC-BY-4.0' })
  assert.deepEqual(
    [other.written, other.source.addedAt],
    [['sources.yaml'], '2026-01-04T00:00:00.000Z'],
    'TWIN another fact',
  )
})
