/** A28: bytes that somebody put there are not what a stage made, whatever they are called. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratch } from '../support/scratch.ts'

type Tensors = Readonly<Record<string, readonly number[]>>

function safetensors(tensors: Tensors, metadata: Readonly<Record<string, string>> = {}): Buffer {
  let end = 0
  const header: Record<string, unknown> = { __metadata__: metadata }
  const data = Object.entries(tensors).map(([name, values]) => {
    const bytes = Buffer.from(new Float32Array(values).buffer)
    header[name] = { dtype: 'F32', shape: [values.length], data_offsets: [end, end + bytes.length] }
    end += bytes.length
    return bytes
  })
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, ...data])
}

const base = { layer1: [1, 2, 3], layer2: [4, 5] }
const renamed = safetensors({ b: base.layer2, a: base.layer1 }, { by: 'us' })
const tuned = safetensors({ ...base, layer2: [4, 6] })
const half = 100

test('A28 a base model behind many files that are no models is found', async (context) => {
  const others = Object.fromEntries(
    Array.from({ length: 70 }, (_, at) => [`data/given/a${at}.txt`, `not a model ${at}\n`]),
  )
  const made = (name: string): string =>
    `  ${name}:\n    cmd: cat data/${name}1 data/${name}2 > ${name}.safetensors\n    deps: [data/${name}1, data/${name}2, data/given]\n    outs: [${name}.safetensors]\n`
  const project = scratch(context, { ...others, 'dvc.yaml': `stages:\n${made('renamed')}${made('tuned')}` })
  writeFileSync(join(project.root, 'data/given/z.safetensors'), safetensors(base))
  for (const [name, bytes] of Object.entries({ renamed, tuned })) {
    writeFileSync(join(project.root, `data/${name}1`), bytes.subarray(0, half))
    writeFileSync(join(project.root, `data/${name}2`), bytes.subarray(half))
  }
  project.commit('before assay')
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  const found = async (out: string): Promise<string | undefined> =>
    (await project.json(0, 'verify', out)).findings.find(
      ({ check }: Record<string, string>) => check === 'output-equals-input',
    )?.because
  assert.equal(
    await found('renamed.safetensors'),
    '`renamed.safetensors` holds no tensor that `data/given/z.safetensors` does not hold',
  )
  assert.equal(await found('tuned.safetensors'), undefined)
})

test('A28 a tracked file, a file of an input or the tensors of a base model is no out of its own', async (context) => {
  const made = (name: string, command: string, deps: string, out: string): string =>
    `  ${name}:\n    cmd: ${command}\n    deps: [${deps}]\n    outs: [${out}]\n`
  const project = scratch(context, {
    'weights.txt': 'these weights were trained elsewhere\n',
    'data/weights.txt': 'trained elsewhere, these weights were\n',
    'data/folder/one.bin': 'one of many\n',
    'data/folder/two.bin': 'two of many\n',
    'dvc.yaml': [
      'stages:\n',
      made('tracked', 'echo these weights were trained elsewhere > out.txt', 'data/weights.txt', 'out.txt'),
      made('part', 'cp data/folder/two.bin part.bin', 'data/folder', 'part.bin'),
      made('renamed', 'cat data/r1 data/r2 > m.safetensors', 'data/r1, data/r2, data/base.bin', 'm.safetensors'),
      made('tuned', 'cat data/t1 data/t2 > t.safetensors', 'data/t1, data/t2, data/base.bin', 't.safetensors'),
      made('honest', 'cat data/folder/one.bin data/folder/two.bin > both.bin', 'data/folder', 'both.bin'),
    ].join(''),
  })
  const pieces = { base: safetensors(base), r1: renamed.subarray(0, half), r2: renamed.subarray(half) }
  const more = { t1: tuned.subarray(0, half), t2: tuned.subarray(half) }
  for (const [name, bytes] of Object.entries({ ...pieces, ...more }))
    writeFileSync(join(project.root, 'data', name === 'base' ? 'base.bin' : name), bytes)
  project.commit('before assay')
  await project.json(0, 'init', '--yes', '--commit')
  await project.json(0, 'run')
  const found: Record<string, string | undefined> = {}
  for (const out of ['out.txt', 'part.bin', 'm.safetensors', 't.safetensors', 'both.bin']) {
    const { trusted, findings } = await project.json(0, 'verify', out)
    assert.equal(trusted, true, 'a finding, not a refusal')
    found[out] = findings.find(({ check }: Record<string, string>) => check === 'output-equals-input')?.because
  }
  assert.deepEqual(found, {
    'out.txt': 'equals the tracked file `weights.txt`',
    'part.bin': 'equals `data/folder/two.bin`, which the stage was given',
    'm.safetensors': '`m.safetensors` holds no tensor that `data/base.bin` does not hold',
    't.safetensors': undefined,
    'both.bin': undefined,
  })
  const { requirements } = await project.json(0, 'verify', 'out.txt')
  assert.equal(
    requirements.find(({ requirement }: Record<string, string>) => requirement === 'no laundering').held,
    false,
  )
})
