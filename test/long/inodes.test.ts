/** Goal: a stage that makes files without end, each of them empty, is ended before it takes all inodes of the machine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import type { Document } from '../support/scratch.ts'

const many = `import os, sys
folder, count = sys.argv[1], int(sys.argv[2])
for i in range(count):
    if i % 10000 == 0: os.makedirs(f'{folder}/{i // 10000}')
    os.close(os.open(f'{folder}/{i // 10000}/{i}', os.O_CREAT))
`

test('two million empty files are over the limit, in an out and in memory; a few thousand are not', async (context) => {
  const made = (cmd: string, out: string) => ({ cmd: `python3 many.py ${cmd}`, outs: [out] })
  const stages = {
    disk: made('out/disk 2000000', 'out/disk'),
    memory: made('/tmp/many 2000000 && echo done > out/memory', 'out/memory'),
    honest: made('out/honest 3000 && python3 many.py /tmp/many 3000', 'out/honest'),
  }
  const project = await adopted(context, {
    'dvc.yaml': `${JSON.stringify({ stages })}\n`,
    'many.py': many,
    '.gitignore': '/out\n',
  })
  const limits = '{limits: {memory: 256MiB}}'
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}stages: {memory: ${limits}, honest: ${limits}}\n` })
  project.commit()
  const report = await project.json(3, 'run', '--keep-going')
  const told = Object.fromEntries(report.stages.map((stage: Document) => [stage.name, stage]))
  assert.deepEqual([told['disk'].code, told['memory'].code], ['ERR_STAGE_LIMIT', 'ERR_STAGE_LIMIT'])
  assert.match(told['disk'].because, /its output limit: it wrote more than 1000000 files and folders/)
  assert.match(told['memory'].because, /its memory limit/)
  assert.equal(told['honest'].status, 'ran', 'the honest twin')
})
