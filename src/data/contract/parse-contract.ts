/**
 * A contract file, in any of the languages that are read: Open Data Contract Standard, Frictionless, Great Expectations.
 *
 * Pure: bytes in, rules out. What the file is, its own words say; a version that is not known is refused, not guessed.
 */
import { z } from 'zod'
import { DomainError, sha256Of } from '../../core/index.ts'
import { parseShape, placeIn, readYamlFile, type YamlFile, yamlFault } from '../yaml-file.ts'
import { tableOfSchema, tableSchemaShape } from './frictionless.ts'
import { suiteShape, tableOfSuite } from './great-expectations.ts'
import { tablesOfOdcs } from './odcs.ts'
import { misfitOf, type Odcs, odcsVersions } from './odcs-shape.ts'
import type { Contract, ContractFormat, TableContract } from './rule.ts'

const code = 'ERR_DATA_CONTRACT_MALFORMED'

/**
 * Trust: `bytes` come from the project, or with the data from a stranger; nothing in them is executed here.
 *
 * @param name how errors call the file
 * @throws ERR_DATA_CONTRACT_MALFORMED, ERR_DATA_CONTRACT_VERSION, ERR_INPUT_TOO_LARGE
 */
export function parseContract(bytes: Uint8Array, name: string): Contract {
  const file = readYamlFile(textOf(bytes, name), name, code)
  const { value } = file
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DomainError(code, `\`${name}\` is not a contract: it holds no keys`)
  const head = { name: baseName(name), digest: sha256Of(bytes) }
  if ('apiVersion' in value || 'kind' in value) return { ...head, ...readOdcs(file, value) }
  if ('expectations' in value) {
    const suite = parseShape(file, suiteShape, code)
    return { ...head, ...as('great-expectations', '1', [tableOfSuite(baseName(name), suite)]) }
  }
  if ('fields' in value) {
    const schema = parseShape(file, tableSchemaShape, code)
    return { ...head, ...as('frictionless', '2', [tableOfSchema(baseName(name), schema)]) }
  }
  if ('resources' in value) return { ...head, ...as('frictionless', '2', packageTables(file)) }
  throw new DomainError('ERR_DATA_CONTRACT_VERSION', `\`${name}\` is in no language of contracts that is known`, {
    help: 'write an Open Data Contract (kind: DataContract), a Table Schema (fields) or an expectation suite (expectations)',
  })
}

function as(
  format: ContractFormat,
  formatVersion: string,
  tables: readonly TableContract[],
): Omit<Contract, 'name' | 'digest'> {
  return { format, formatVersion, tables }
}

function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new DomainError(code, `\`${name}\` is not UTF-8`, { cause })
  }
}

function readOdcs(file: YamlFile, value: object): Omit<Contract, 'name' | 'digest'> & { name?: string } {
  const version: unknown = Reflect.get(value, 'apiVersion')
  if (Reflect.get(value, 'kind') !== 'DataContract') {
    throw yamlFault(code, file.name, placeIn(file, ['kind'], 'value'), '`kind` must be DataContract')
  }
  if (typeof version !== 'string' || !odcsVersions.includes(version)) {
    throw new DomainError(
      'ERR_DATA_CONTRACT_VERSION',
      `\`${file.name}\`: apiVersion \`${String(version).slice(0, 50)}\` is not read`,
      { help: `assay reads ${odcsVersions.join(', ')}` },
    )
  }
  const misfit = misfitOf(value, version)
  if (misfit !== undefined) {
    const where = misfit.path.length === 0 ? 'the contract' : `\`${misfit.path.join('.').slice(0, 200)}\``
    const options = misfit.help === undefined ? {} : { help: misfit.help }
    throw yamlFault(code, file.name, placeIn(file, misfit.path, 'value'), `${where}: ${misfit.because}`, options)
  }
  const document = value as Odcs // has passed the schema of its version, of which these are parts
  refuseTwins(file.name, document.schema?.map(({ name }) => name) ?? [])
  const name = document.name ?? document.id
  return { name, ...as('odcs', version, tablesOfOdcs(document)) }
}

function refuseTwins(name: string, tables: readonly string[]): void {
  const twin = tables.find((table, index) => tables.indexOf(table) !== index)
  if (twin !== undefined) throw new DomainError(code, `\`${name}\` describes the table \`${twin.slice(0, 100)}\` twice`)
}

const packageShape = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string().min(1), schema: tableSchemaShape })).min(1),
})

function packageTables(file: YamlFile): readonly TableContract[] {
  const { resources } = parseShape(file, packageShape, code)
  refuseTwins(
    file.name,
    resources.map(({ name }) => name),
  )
  return resources.map(({ name, schema }) => tableOfSchema(name, schema))
}

/** `contracts/raw.odcs.yaml` -> `raw`. */
function baseName(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/(\.(odcs|schema|tableschema))?\.(ya?ml|json)$/i, '')
}
