// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDomainError } from '../../core/index.ts'
import { definePipeline, planDocument } from './index.ts'
import { projectOf } from './project.memory.ts'

type Files = Readonly<Record<string, string>>

const after = (files: Files): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(planDocument(definePipeline(projectOf(files))).stages.map((stage) => [stage.name, stage.after]))
const code = (files: Files): string => {
  try {
    definePipeline(projectOf(files))
  } catch (error) {
    if (isDomainError(error)) return error.code
    throw error
  }
  return 'accepted'
}

test('puts a stage after the makers of its deps, folders and params files', () => {
  const stages = `stages:
  a: {cmd: a, outs: [data/x.csv, p.yaml]}
  b: {cmd: b, outs: [data/y/z.csv, dir]}
  c: {cmd: c, deps: [data, dir/inside/f], params: [p.yaml: [k]], outs: [c.out]}
  d: {cmd: d, deps: [dat, c.out/../c.out]}
`
  assert.deepEqual(after({ 'dvc.yaml': stages }), { a: [], b: [], c: ['a', 'b'], d: ['c'] })
})

test('puts a stage after the .dvc file whose data it reads, apart from the stages', () => {
  const files = {
    'dvc.yaml': 'stages:\n  a: {cmd: a, deps: [data/raw.csv]}\n',
    'data/raw.csv.dvc': 'outs:\n- md5: D41D8CD98F00B204E9800998ECF8427E\n  size: 0\n  hash: md5\n  path: raw.csv\n',
  }
  const pipeline = definePipeline(projectOf(files))
  assert.deepEqual(pipeline.after.get('a'), [])
  assert.deepEqual(pipeline.afterData?.get('a'), ['data/raw.csv.dvc'])
  assert.deepEqual(after(files), { a: ['data/raw.csv.dvc'] })
  assert.deepEqual(pipeline.tracked, [
    {
      file: 'data/raw.csv.dvc',
      path: 'data/raw.csv',
      md5: 'd41d8cd98f00b204e9800998ecf8427e',
      sizeBytes: 0,
      isImport: false,
    },
  ])
})

test('names an import and does not tie one from elsewhere to this project', () => {
  const imported =
    'frozen: true\ndeps:\n- path: data\n  repo: {url: https://example.org/r, rev_lock: abc}\nouts:\n- path: in.csv\n'
  const files = { 'dvc.yaml': 'stages:\n  a: {cmd: a, outs: [data], deps: [in.csv]}\n', 'in.csv.dvc': imported }
  assert.equal(definePipeline(projectOf(files)).tracked[0]?.isImport, true)
  assert.deepEqual(after(files), { a: ['in.csv.dvc'] })
})

test('joins the dvc.yaml files of a project by path', () => {
  const files = {
    'dvc.yaml': 'stages:\n  a: {cmd: a, outs: [sub/in.csv]}\n',
    'sub/dvc.yaml': 'stages:\n  b: {cmd: "b ${v}", wdir: work, deps: [../in.csv], params: [v]}\n',
    'sub/params.yaml': 'v: 3\n',
  }
  assert.deepEqual(after(files), { a: [], 'sub/dvc.yaml:b': ['a'] })
  const [, b] = definePipeline(projectOf(files)).stages
  assert.deepEqual(
    [b?.workingDirectory, b?.deps, b?.params, b?.commands],
    ['sub/work', ['sub/in.csv'], { 'sub/work/params.yaml': ['v'] }, ['b 3']],
  )
})

test('does not look for definitions inside an out', () => {
  const files = { 'dvc.yaml': 'stages:\n  a: {cmd: a, outs: [made]}\n', 'made/dvc.yaml': '{ broken' }
  assert.deepEqual(after(files), { a: [] })
  assert.equal(code({ ...files, 'other/dvc.yaml': '{ broken' }), 'ERR_DEFINITION_INVALID')
})

test('refuses two makers of one path, and an out inside an out', () => {
  const stages = (outs: string): Files => ({
    'dvc.yaml': `stages:\n  a: {cmd: a, outs: [d]}\n  b: {cmd: b, outs: [${outs}]}\n`,
  })
  assert.equal(code(stages('./d')), 'ERR_OUT_OVERLAP')
  assert.equal(code(stages('d/x')), 'ERR_OUT_OVERLAP')
  assert.equal(code(stages('dx')), 'accepted')
  assert.equal(code({ ...stages('e'), 'd.dvc': 'outs:\n- path: d\n' }), 'ERR_OUT_OVERLAP')
})

test('refuses an out that holds its own definition', () => {
  assert.equal(code({ 'dvc.yaml': 'stages:\n  a: {cmd: a, outs: [.]}\n' }), 'ERR_DEFINITION_INVALID')
})

test('names the circle', () => {
  const circle =
    'stages:\n  a: {cmd: a, deps: [z], outs: [x]}\n  b: {cmd: b, deps: [x], outs: [y]}\n  c: {cmd: c, deps: [y], outs: [z]}\n'
  assert.throws(
    () => definePipeline(projectOf({ 'dvc.yaml': circle })),
    (error) => isDomainError(error, 'ERR_DEFINITION_CYCLE') && /`a` after `c` after `b` after `a`/.test(error.message),
  )
  assert.equal(code({ 'dvc.yaml': circle.replace('deps: [z]', 'deps: [w]') }), 'accepted')
  assert.equal(code({ 'dvc.yaml': 'stages:\n  a: {cmd: a, deps: [x], outs: [x]}\n' }), 'ERR_DEFINITION_CYCLE')
})

test('accepts paths outside the project, which only a run refuses', () => {
  const [stage] = planDocument(
    definePipeline(
      projectOf({ 'dvc.yaml': 'stages:\n  a: {cmd: a, wdir: .., deps: [x, /abs/y, "s3://b/k", /home/p/q]}\n' }),
      { root: '/home/p' },
    ),
  ).stages
  assert.deepEqual([stage?.wdir, stage?.deps], ['..', ['../x', '/abs/y', 's3://b/k', 'q']])
})

test('resolves 20,000 stages in a row without a stack of that depth', () => {
  const stages = Array.from(
    { length: 20_000 },
    (_, index) => ` s${index}: {cmd: x, deps: [o${index}], outs: [o${index + 1}]}`,
  )
  const { after: edges } = definePipeline(projectOf({ 'dvc.yaml': `stages:\n${stages.join('\n')}\n` }))
  assert.deepEqual(edges.get('s19999'), ['s19998'])
})
