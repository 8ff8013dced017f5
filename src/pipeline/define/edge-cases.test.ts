// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
/**
 * 62 cases that DVC 3.67.1 itself answered, one rule of the reader each.
 * SOURCE: test/vectors/dvc/SOURCE.txt.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isDomainError, type Json } from '../../core/index.ts'
import type { PipelineDefinition, StageDefinition } from '../definition.ts'
import { definePipeline, planDocument } from './index.ts'
import { projectOf } from './project.memory.ts'

type ExpectedStage = Readonly<Record<string, Json>> & Readonly<{ name: string; cmd: readonly Json[] }>
type Expected = Readonly<{
  stages?: readonly ExpectedStage[]
  top?: Readonly<Record<string, Json>>
  project_error?: Json
  error?: Json
}>
type Case = Readonly<{
  id: string
  config: string
  files: Readonly<Record<string, string>>
  expected: Readonly<Record<string, Expected>>
}>

const vectors = new URL('../../../test/vectors/dvc/edge-cases.jsonl', import.meta.url)
const cases = readFileSync(vectors, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case) // our own vectors, of this shape

function read(one: Case): PipelineDefinition {
  const files = one.config === '' ? one.files : { ...one.files, '.dvc/config': one.config }
  // The caller filters what git ignores; the one case about it says so by its answer.
  const ignored = Object.keys(one.expected).filter((file) => one.expected[file]?.error !== undefined)
  return definePipeline(projectOf(files, ignored))
}

/** Our stage in the words of the expectation: only the fields that it has. */
function inWordsOf(expected: ExpectedStage, stage: StageDefinition, pipeline: PipelineDefinition): object {
  const planned = planDocument(pipeline).stages.find(({ name }) => name === stage.name)
  const outs = planned?.outs.map(({ path, cache, persist }) => ({ path, cache, persist }))
  const whole = { ...planned, outs, cmd_is_list: true }
  return Object.fromEntries(Object.keys(expected).map((field) => [field, Reflect.get(whole, field)]))
}

function checkStages(one: Case, pipeline: PipelineDefinition): void {
  const wanted = Object.values(one.expected).flatMap((file) => file.stages ?? [])
  assert.deepEqual(
    pipeline.stages.map(({ name }) => name),
    wanted.map(({ name }) => name),
  )
  for (const expected of wanted) {
    const stage = pipeline.stages.find(({ name }) => name === expected.name)
    assert.ok(stage)
    assert.deepEqual(inWordsOf(expected, stage, pipeline), expected)
    // A list is run as it stands; a text would be split into lines.
    if (expected['cmd_is_list'] === true) assert.deepEqual(stage.commands, expected.cmd)
  }
}

function checkTop(one: Case, pipeline: PipelineDefinition): void {
  for (const [file, { top }] of Object.entries(one.expected)) {
    if (top === undefined) continue
    const declared = pipeline.topLevel?.get(file)
    const named = { ...declared, artifacts: Object.keys(declared?.artifacts ?? {}) }
    for (const [section, value] of Object.entries(top)) assert.deepEqual(Reflect.get(named, section), value)
  }
}

assert.equal(cases.length, 62)
for (const one of cases) {
  const isRefused = Object.values(one.expected).some((file) => file.project_error !== undefined)
  test(`${isRefused ? 'refuses' : 'resolves'} as DVC: ${one.id}`, () => {
    if (isRefused) {
      assert.throws(
        () => read(one),
        (error) => isDomainError(error) && /^`[a-z.]+`/.test(error.message),
      )
      return
    }
    const pipeline = read(one)
    checkStages(one, pipeline)
    checkTop(one, pipeline)
  })
}
