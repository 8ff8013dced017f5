/** A part of the source as it is shipped: bundled, its workers too, so that no thread starts from TypeScript. */
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import configured from '../rolldown.config.ts'
import { bundleNameOf } from '../scripts/worker-urls.ts'
import { base, repository } from './scratch.ts'

type Data = typeof import('../src/data/index.ts')

/** `src/data/index.ts`, with the worker that hashes beside it. */
export async function shippedData(): Promise<Data> {
  const [main] = Array.isArray(configured) ? configured : [configured]
  const dir = join(base, 'shipped')
  for (const source of ['src/data/index.ts', 'src/data/hash-worker.fs.ts']) {
    const file = join(repository, source)
    await using bundle = await rolldown({ ...main, input: { [bundleNameOf(repository, file)]: file } })
    await bundle.write({ dir, format: 'esm', entryFileNames: '[name].js', codeSplitting: false })
  }
  return (await import(join(dir, 'data-index.js'))) as Data // what was bundled a moment ago
}
