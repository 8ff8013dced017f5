/** The thread of `watchdog.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { workerData } from 'node:worker_threads'
import { headerBytes, nameBytes } from './watchdog-memory.ts'

const { shared, folder, limitMs } = workerData as Readonly<{
  shared: SharedArrayBuffer
  folder: string
  limitMs: number
}>
const header = new Uint32Array(shared, 0, 2)
let last = 0
let sinceMs = Date.now()

setInterval(() => {
  const count = Atomics.load(header, 0)
  if (count !== last) {
    last = count
    sinceMs = Date.now()
  } else if (count > 0 && Date.now() - sinceMs > limitMs) end()
}, 1000)

function end(): void {
  const name = Buffer.from(shared, headerBytes, nameBytes).toString('utf8').replace(/\0+$/, '')
  const input = Buffer.from(shared, headerBytes + nameBytes).subarray(0, header[1])
  const file = join(folder, `endless-${name.replace(/[^a-z0-9]+/gi, '-')}-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, Buffer.from(input))
  console.error(`fuzz: an input of ${name} did not end in ${limitMs} ms: ${file}`)
  process.kill(process.pid, 'SIGKILL')
}
