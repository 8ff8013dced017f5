/**
 * Compiles the JSON schemas of data contracts while bundling: `src/data/contract/odcs-schemas.ts` is replaced by functions
 * that say the same. Compiling them at each start took 0.1 s of every validation with a contract.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import standalone from 'ajv/dist/standalone/index.js'
import type { Plugin } from 'rolldown'
import { schemaOptions, shippedSchemas } from '../src/data/contract/schema-options.ts'

export function compiledSchemas(root: string): Plugin {
  const replaced = join(root, 'src/data/contract/odcs-schemas.ts')
  const files = new Map(
    shippedSchemas.map((version) => [join(root, `src/data/contract/schemas/odcs-${version}.compiled.cjs`), version]),
  )
  return {
    name: 'assay-compiled-schemas',
    resolveId: (id) => (files.has(id) ? id : null),
    load(id) {
      if (id === replaced) return { code: tableOf(files), moduleType: 'js' }
      const version = files.get(id)
      return version === undefined ? null : { code: compiled(root, version), moduleType: 'js' }
    },
  }
}

function tableOf(files: ReadonlyMap<string, string>): string {
  const entries = [...files].map(([file, version], index) => ({ file, version, name: `schema${index}` }))
  const imports = entries.map(({ file, name }) => `import ${name} from ${JSON.stringify(file)}`)
  const table = entries.map(({ version, name }) => `${JSON.stringify(version)}: ${name}`)
  return `${imports.join('\n')}\nconst schemas = { ${table.join(', ')} }\nexport const schemaOf = (version) => schemas[version]\n`
}

function compiled(root: string, version: string): string {
  const schema = JSON.parse(
    readFileSync(join(root, `src/data/contract/schemas/odcs-${version}.json`), 'utf8'),
  ) as object
  const ajv = new Ajv2019({ ...schemaOptions, code: { source: true } })
  return standalone.default(ajv, ajv.compile(schema))
}
