/** The worker that makes MD5s of what `digest-fd.fs.ts` reads: it sees shared buffers and nothing else. */
import { createHash } from 'node:crypto'
import { workerData } from 'node:worker_threads'
import { filled, md5Ring, taken } from './md5-ring.ts'

if (workerData instanceof SharedArrayBuffer) takeForEver(workerData)

/** Ends when the thread is ended. */
function takeForEver(shared: SharedArrayBuffer): never {
  const ring = md5Ring(shared)
  let hasher = createHash('md5')
  for (let number = 0; ; number = (number + 1) | 0) {
    while (Atomics.load(ring.counters, filled) === number) Atomics.wait(ring.counters, filled, number)
    const length = ring.lengths[ring.slot(number)] ?? 0
    if (length > 0) hasher.update(ring.chunk(number).subarray(0, length))
    else {
      ring.digest.set(hasher.digest())
      hasher = createHash('md5')
    }
    Atomics.store(ring.counters, taken, (number + 1) | 0)
    Atomics.notify(ring.counters, taken)
  }
}
