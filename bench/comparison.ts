/**
 * Comparing two models: safetensors files of 2 GiB that are the same, differ in their last number, or in every number.
 *
 * In a process of its own, so that its memory and the time of its workers can be seen; the page cache is warm. The bytes
 * alone, by `cmp`, are the yardstick.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { heading, measure, row } from './measure.ts'
import { base, remove } from './scratch.ts'

const tensors = 64
const tensorBytes = 32 * 2 ** 20
const gigabytes = (tensors * tensorBytes) / 1e9

/** @param kind what differs from the first file */
function makeModel(path: string, kind: 'first' | 'last number' | 'every number'): void {
  const entries = Array.from({ length: tensors }, (_, index) => {
    const offsets = [index * tensorBytes, (index + 1) * tensorBytes]
    return [`layer.${index}`, { dtype: 'F32', shape: [tensorBytes / 4], data_offsets: offsets }]
  })
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const fd = openSync(path, 'w')
  writeSync(fd, length)
  writeSync(fd, header)
  const values = new Float32Array(tensorBytes / 4)
  for (let at = 0; at < values.length; at += 1) values[at] = Math.sin(at) * (kind === 'every number' ? 1.000001 : 1)
  for (let index = 0; index < tensors; index += 1) {
    if (kind === 'last number' && index === tensors - 1) values[values.length - 1] = 2
    writeSync(fd, Buffer.from(values.buffer))
  }
  closeSync(fd)
}

export async function comparison(): Promise<void> {
  heading('Comparing: two safetensors files of 2 GiB')
  const root = join(base, 'comparison')
  mkdirSync(root)
  const library = JSON.stringify(join(import.meta.dirname, '../src/reproducibility/index.ts'))
  const program = join(root, 'compare.mjs')
  writeFileSync(
    program,
    `import { compareFiles } from ${library}
const [, , left, right] = process.argv
const validator = { scratchRoot: '/nowhere', limits: { unpackedBytes: 0 } }
await compareFiles(left, right, { path: 'm.safetensors', tolerances: [], validator, signal: AbortSignal.any([]) })
`,
  )
  const [left, right] = [join(root, 'left'), join(root, 'right')]
  makeModel(left, 'first')
  for (const kind of ['first', 'last number', 'every number'] as const) {
    makeModel(right, kind)
    const [ours, theirs] = measure(
      [
        { name: 'ours', command: [process.execPath, program, left, right], cwd: root },
        { name: 'cmp', command: ['sh', '-c', `cmp -s ${left} ${right} || true`], cwd: root },
      ],
      3,
    )
    if (ours === undefined || theirs === undefined) throw new Error('nothing was measured')
    const speed = gigabytes / (ours.ms / 1000)
    row({
      what: kind === 'first' ? 'the same bytes' : `other in the ${kind}`.replace('the every', 'every'),
      ours,
      peer: 'cmp',
      theirs,
      goal: { text: '0.5 GB/s, under 300 MB', met: speed >= 0.5 && ours.peakKib < 300 * 1024 },
      note: `${speed.toFixed(2)} GB/s of each file, peak ${(ours.peakKib / 1024).toFixed(0)} MiB`,
    })
  }
  remove(root)
}
