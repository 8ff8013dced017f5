/**
 * What is shipped: `dist/assay.cjs` with a chunk for each verb, and one closed file for each process or worker that is
 * started by URL (the signer, the hashers). DECISION 0007.
 *
 * `scripts/build.ts` runs it and compares the modules of the closed bundles with `scripts/bundles/*.txt`.
 */
import { join } from 'node:path'
import type { RolldownOptions } from 'rolldown'
import { compiledEntries, compiledSchemas } from './scripts/compiled-schemas.ts'
import { lazyPython } from './scripts/lazy-python.ts'
import { slimZod } from './scripts/slim-zod.ts'
import { bundleNameOf, startedFiles, workerUrls } from './scripts/worker-urls.ts'

const root = import.meta.dirname

const shared = {
  platform: 'node',
  plugins: [workerUrls(root)],
  treeshake: { moduleSideEffects: false },
  // have a binary beside them: runtime dependencies, mounted into the validator's sandbox
  external: ['@duckdb/node-api', 'sharp'],
  resolve: { conditionNames: ['node', 'import', 'default'], mainFields: ['module', 'main'] },
} satisfies RolldownOptions

const output = {
  dir: 'dist',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
} satisfies RolldownOptions['output']

/** CommonJS: an ES module that imports Node's own modules has every export of each looked up first. DECISION 0016. */
const commandLine: RolldownOptions = {
  ...shared,
  plugins: [...shared.plugins, compiledSchemas(root), lazyPython(root)],
  input: { assay: join(root, 'src/cli/main.ts'), ...compiledEntries(root) },
  output: { ...output, format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name]-[hash].cjs' },
}

/** Closed: no chunk is shared, so that the list of modules is all that runs in that process. */
const signer = join(root, 'src/attestation/signer/main.ts')
const started: readonly RolldownOptions[] = [...new Set([signer, ...startedFiles(root)])].map((file) => ({
  ...shared,
  input: { [bundleNameOf(root, file)]: file },
  output: { ...output, codeSplitting: false },
}))

/** `assay/verify`: for browsers too, so what Node gives is replaced. */
const library = join(root, 'src/attestation/library')
const verifier: RolldownOptions = {
  input: { verify: join(library, 'index.ts') },
  platform: 'browser',
  plugins: [slimZod()],
  treeshake: { moduleSideEffects: false, propertyReadSideEffects: false, unknownGlobalSideEffects: false },
  resolve: {
    alias: {
      [join(root, 'src/core/error-codes.ts')]: join(library, 'browser-error-codes.ts'),
      [join(root, 'src/core/nearest.ts')]: join(library, 'browser-nearest.ts'),
      'node:crypto': join(library, 'browser-crypto.ts'),
      canonicalize: join(library, 'browser-canonicalize.ts'),
      zod$: join(library, 'browser-zod.ts'),
      [join(root, 'src/attestation/base64.ts')]: join(library, 'browser-base64.ts'),
    },
  },
  // Hints for bundlers would be 4 kB; licences stand in THIRD-PARTY-NOTICES.txt.
  output: { ...output, codeSplitting: false, minify: true, comments: false },
}

export default [commandLine, verifier, ...started]
