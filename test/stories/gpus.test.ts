/** A stage that asks for GPUs gets just those, or does not start; this machine, like most that test, has none. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { scratch } from '../support/scratch.ts'

const hasGpu = ['/dev/nvidiactl', '/dev/kfd'].some((path) => existsSync(path))

test('refuses a stage that asks for a GPU where there is none; without asking it runs', {
  skip: hasGpu,
}, async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const settings = project.read('assay.yaml')
  project.write({ 'assay.yaml': `${settings}\nstages:\n  sort: {limits: {gpus: 1}}\n` })
  project.commit()
  const { stages, error } = await project.json(1, 'run')
  assert.deepEqual(
    stages.map(({ code }: { code: string }) => code),
    ['ERR_GPU_UNAVAILABLE', 'ERR_STAGE_UPSTREAM'],
  )
  assert.match(error.message, /`sort` asks for 1 GPU, and this machine has none that can be given to a stage/)
  const shell = await project.assay('shell', 'sort', '--', 'true')
  assert.match(shell.stderr, /ERR_GPU_UNAVAILABLE/)

  project.write({ 'assay.yaml': settings })
  project.commit()
  await project.json(0, 'run')
})
