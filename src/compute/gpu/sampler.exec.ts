/** Looks at the GPUs of a stage while it runs, from outside of its sandbox, where `nvidia-smi` is. */
import { spawn } from 'node:child_process'
import type { Gpus } from '../sandbox.ts'
import { type GpuSample, smiArguments, smiReader } from './samples.ts'

export type GpuSampler = Disposable & Readonly<{ last(): GpuSample | undefined }>

/** @returns undefined without nvidia-smi, and for GPUs of another maker: nothing is sampled */
export function sampleGpus(
  gpus: Gpus | undefined,
  findSmi: () => string | undefined,
  everyMs: number,
): GpuSampler | undefined {
  if (gpus?.vendor !== 'nvidia' || gpus.busIds.length === 0) return undefined
  const program = findSmi()
  if (program === undefined) return undefined
  const reader = smiReader(gpus.busIds.length)
  const child = spawn(program, smiArguments(gpus.busIds, everyMs), {
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  child.on('error', () => undefined) // INVARIANT: without samples the profile has none of GPUs, and says so by leaving them out.
  child.stdout.setEncoding('latin1').on('data', reader.feed)
  return { last: reader.last, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}
