/** Goal: a stage is given what makes it repeat, and all that it ran with can be read afterwards. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import type { Document, Scratch } from '../support/scratch.ts'

const settings: Readonly<Record<string, string>> = {
  'dvc.yaml': `stages:
  plain: {cmd: env > out/plain.txt, outs: [out/plain.txt]}
  held: {cmd: env > out/held.txt, outs: [out/held.txt]}
`,
  'assay.yaml': 'assay: 1\nname: fixed\nstages:\n  held: {portable: true, seed: 7, limits: {cpus: 1}}\n',
  '.gitignore': '/out\n',
}

/** What assay fixes, by what a stage printed: without where it is, and where programs are. */
function printedBy(project: Scratch, stage: string): Readonly<Record<string, string>> {
  const lines = project.read(`out/${stage}.txt`).trimEnd().split('\n')
  const { DVC_ROOT, DVC_STAGE, HOME, PATH, PWD, ...fixed } = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  assert.deepEqual([DVC_ROOT, DVC_STAGE, HOME, PWD], ['/project', stage, '/home/stage', '/project'])
  assert.match(PATH ?? '', /:\/bin$/)
  return fixed
}

/** Written out, so that a variable which is no longer set is missed. */
const fixed = (seed: string, threads: string): Readonly<Record<string, string>> => ({
  ASSAY_SEED: seed,
  CUBLAS_WORKSPACE_CONFIG: ':4096:8',
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
  MKL_NUM_THREADS: threads,
  MPLBACKEND: 'Agg',
  NUMEXPR_NUM_THREADS: threads,
  OMP_NUM_THREADS: threads,
  OPENBLAS_NUM_THREADS: threads,
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONHASHSEED: seed,
  PYTHONNOUSERSITE: '1',
  PYTHONUNBUFFERED: '1',
  SOURCE_DATE_EPOCH: '315532800',
  TF_DETERMINISTIC_OPS: '1',
  TZ: 'UTC',
})

const heldOnX64: Readonly<Record<string, string>> = {
  ATEN_CPU_CAPABILITY: 'avx2',
  BLIS_ARCH_TYPE: 'haswell',
  MKL_CBWR: 'COMPATIBLE',
  MKL_DYNAMIC: 'FALSE',
  NPY_DISABLE_CPU_FEATURES:
    'AVX512F AVX512CD AVX512_KNL AVX512_KNM AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4 FMA4 XOP',
  NUMBA_CPU_NAME: 'haswell',
  OMP_DYNAMIC: 'FALSE',
  ONEDNN_MAX_CPU_ISA: 'AVX2',
  OPENBLAS_CORETYPE: 'Haswell',
  TF_ENABLE_ONEDNN_OPTS: '0',
  XLA_FLAGS: '--xla_cpu_max_isa=AVX2',
}

/** Of a stage on the machine's own tools, in bubblewrap; what each machine has others of is left out: packages, BLAS. */
const recordedOfEach = [
  ...['run/started', 'run/finished', 'run/builder', 'run/asked for by', 'run/version'],
  ...['code/commit', 'code/tree', 'code/ref', 'code/changed since the commit', 'code/author', 'code/committer'],
  ...['code/assay.yaml', 'code/dvc.yaml', 'code/trust.yaml', 'commands/1', 'seeds/seed'],
  ...['environment/name', 'environment/digest', 'environment/libc', 'environment/recipe'],
  ...['binary', 'build', 'implementation', 'library', 'platform', 'version'].map(
    (name) => `environment/python/${name}`,
  ),
  ...['environment/system/packages', 'environment/system/packages-digest'],
  ...['locale', 'portable', 'threads', 'time-zone'].map((name) => `determinism/${name}`),
  ...['architecture', 'cpu-features', 'cpu-flags', 'cpu-model', 'cpus', 'distribution', 'file-system', 'kernel'].map(
    (name) => `machine/${name}`,
  ),
  ...['machine/libc', 'machine/memory-bytes', 'machine/node', 'GPU/given'],
  ...['system/accepted', 'system/digest', 'system/is'],
  ...['engine', 'architecture', 'bubblewrap', 'dropsUid', 'isolated', 'limitsHeldBy', 'network', 'observesOpens'].map(
    (name) => `sandbox/${name}`,
  ),
  ...['sandbox/seccomp', 'sandbox/credentials/searched'],
  ...['cpus', 'memoryBytes', 'timeMs', 'processes', 'outputBytes'].map((name) => `limits/${name}`),
  ...['environment', 'kernel', 'remembered digests', 'root', 'store'].map((name) => `there before and after/${name}`),
]

test('a stage gets every variable that makes it repeat, and all that it ran with is recorded', async (context) => {
  const project = await adopted(context, settings)
  await project.json(0, 'run')
  const [plain, held] = [printedBy(project, 'plain'), printedBy(project, 'held')]
  assert.deepEqual(plain, fixed('42', plain['OMP_NUM_THREADS'] ?? ''))
  if (process.arch === 'x64') assert.deepEqual(held, { ...fixed('7', '1'), ...heldOnX64 })

  const { stages } = await project.json(0, 'show', '--environment')
  const itemsOf = (stage: string): readonly Document[] =>
    stages.find((one: Document) => one.stage === stage).items.filter(({ group }: Document) => group !== 'packages')
  const portable = (stage: string): unknown =>
    itemsOf(stage).find(({ group, name }) => group === 'determinism' && name === 'portable')?.value
  assert.equal(portable('plain'), 'no: kernels are chosen by the processor')
  if (process.arch === 'x64') assert.equal(portable('held'), 'yes: kernels for AVX2 and FMA, threads as declared')

  const recorded = itemsOf('plain').map(({ group, name }) => `${group}/${name}`)
  const given = [...Object.keys(plain), 'DVC_ROOT', 'DVC_STAGE', 'HOME', 'PATH'].map((name) => `variables/${name}`)
  assert.deepEqual(
    recorded.filter((name) => !/^(system\/blas |environment\/blas$)/.test(name)).toSorted(),
    [...recordedOfEach, ...given].toSorted(),
  )
  for (const item of itemsOf('plain')) assert.ok(item.value !== '' && item.value !== 'undefined', item.name)
})
