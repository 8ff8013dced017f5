/**
 * Compiles the JSON schemas of data contracts while bundling the command line: `src/data/contract/odcs-schemas.ts` is replaced
 * by functions that say the same. Compiling them at each start took 0.1 s of every validation with a contract.
 *
 * INVARIANT: for the command line alone, which reads them from files beside it. A closed bundle is one file, of which the digest
 * and the list of modules say all that runs; one that came to need the schemas would have the replaced module in it, and in its list.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import standalone from 'ajv/dist/standalone/index.js'
import type { Plugin } from 'rolldown'
import { schemaOptions, shippedSchemas } from '../src/data/contract/schema-options.ts'

export function compiledSchemas(root: string): Plugin {
  const replaced = join(root, 'src/data/contract/odcs-schemas.ts')
  const files = new Map(shippedSchemas.map((version) => [compiledFile(root, version), version]))
  return {
    name: 'assay-compiled-schemas',
    resolveId: (id) => (files.has(id) ? id : null),
    load(id) {
      if (id === replaced) return { code: loader, moduleType: 'js' }
      const version = files.get(id)
      return version === undefined ? null : { code: compiled(root, version), moduleType: 'js' }
    },
  }
}

/** Entries of the bundle that asks for them: a file each, since they are 1.6 MB that nearly no verb reads. */
export const compiledEntries = (root: string): Readonly<Record<string, string>> =>
  Object.fromEntries(shippedSchemas.map((version) => [`odcs-${version}`, compiledFile(root, version)]))

const compiledFile = (root: string, version: string): string =>
  join(root, `src/data/contract/schemas/odcs-${version}.compiled.cjs`)

const loader = `import { createRequire } from 'node:module'
const load = createRequire(import.meta.url)
export const schemaOf = (version) => load('./odcs-' + version + '.cjs')
`

function compiled(root: string, version: string): string {
  const schema = JSON.parse(
    readFileSync(join(root, `src/data/contract/schemas/odcs-${version}.json`), 'utf8'),
  ) as object
  const ajv = new Ajv2019({ ...schemaOptions, code: { source: true } })
  return standalone.default(ajv, ajv.compile(schema))
}
