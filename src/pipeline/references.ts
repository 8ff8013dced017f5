/**
 * The other tables of a contract that its rules look into (foreign keys, SQL), found in the project: an input, an out of
 * a stage or a tracked file that is called like the schema object.
 *
 * A reference is an input like any other: one with a source has to be approved for its bytes. What is not found is not at
 * hand, and the rules that need it are not evaluated, which never passes.
 */
import { z } from 'zod'
import { type Content, DomainError, isDomainError, type Sha256 } from '../core/index.ts'
import { chooseTable, isCalledLike, jsonFact, otherTables, parseContract } from '../data/index.ts'
import { inputAt } from './input-at.ts'
import type { Project } from './project.ts'
import { refuseInput } from './refuse-input.ts'
import { partOf, type ResolvedInput } from './view.ts'

export type Reference = Readonly<{
  /** Name in the contract. */
  table: string
  /** Of the file or folder: it tells the format. */
  name: string
  content: Content
  /** What it is, or is a part of. */
  input: ResolvedInput
}>

/** In the store. */
type ContractFile = Readonly<{ path: string; digest: Sha256 }>

const namedShape = z.array(z.strictObject({ name: z.string(), physicalName: z.string().exactOptional() }))
type Named = Readonly<{ name: string; physicalName?: string }>

/** LIMIT: a contract has at most 16 MiB, a baseline 64. */
export const maxContractBytes = 16 * 1024 * 1024
export const maxBaselineBytes = 64 * 1024 * 1024

/**
 * @param path of the dataset that the contract is of
 * @throws ERR_USAGE when two paths are called like a table and neither lies beside the data, ERR_SOURCE_*
 */
export async function referencesOf(
  project: Project,
  path: string,
  contract: ContractFile | undefined,
): Promise<readonly Reference[]> {
  const found: Reference[] = []
  const needed = contract === undefined ? [] : await tablesNeeded(project, contract, baseOf(path))
  for (const table of needed) {
    const place = placeOf(project, table, path)
    if (place === undefined) continue
    const input = await inputAt(project, place)
    if (input === undefined) continue
    const { origin } = input.ref
    if (origin.kind === 'external') refuseInput(project, input.ref.path, origin.source, input.content.digest)
    const content = partOf(input.content, input.ref.path, place)
    if (content !== undefined) found.push({ table: table.name, name: baseOf(place), content, input })
  }
  return found
}

/** Asked before each stage, so it is remembered by the bytes of the contract. */
async function tablesNeeded(
  { hints, statCache, store }: Project,
  contract: ContractFile,
  base: string,
): Promise<readonly Named[]> {
  const key = `tables that ${base} looks into by ${contract.digest}`
  const known = namedShape.safeParse(jsonFact(statCache, key))
  if (known.success) return known.data
  const needed = tablesOf(await store.read(contract.digest, maxContractBytes), contract.path, base)
  hints.recordFact(key, JSON.stringify(needed))
  return needed
}

function tablesOf(bytes: Uint8Array, path: string, base: string): readonly Named[] {
  try {
    const parsed = parseContract(bytes, path)
    return otherTables(parsed, chooseTable(parsed, base)).map(({ name, physicalName }) =>
      physicalName === undefined ? { name } : { name, physicalName },
    )
  } catch (error) {
    // INVARIANT: the validation itself refuses such a contract
    if (isDomainError(error) && error.code.startsWith('ERR_DATA_CONTRACT_')) return []
    throw error
  }
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The path that the contract's physicalName spells, else one beside the data, else the only one of the project. */
function placeOf({ surroundings }: Project, table: Named, path: string): string | undefined {
  const { anchors, tracked } = surroundings
  const paths = new Set([...anchors.within('.').map((anchor) => anchor.path), ...tracked.within('.')])
  const called = [...paths].filter((each) => each !== path && isCalledLike(table, baseOf(each)) && isData(each))
  const exact = called.find((each) => each === table.physicalName)
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const beside = called.filter((each) => each === folder + baseOf(each))
  const [only, ...others] = beside.length > 0 ? beside : called
  if (exact !== undefined || others.length === 0) return exact ?? only
  throw new DomainError('ERR_USAGE', `\`${table.name}\` of the contract could be ${called.slice(0, 3).join(' or ')}`, {
    help: `say which in the contract: physicalName: ${called[0]}`,
  })
}

/** A folder called like a table has no ending; `countries.yaml` is no table. */
function isData(path: string): boolean {
  const base = baseOf(path)
  return !base.includes('.') || /\.(csv|tsv|jsonl|ndjson|parquet)(\.gz)?$/i.test(base)
}

/** As a verdict states them. */
export function statedReferences(
  references: readonly Reference[],
): readonly Readonly<{ path: string; digest: Content['digest'] }>[] {
  const all = new Map(references.map(({ input: { ref, content } }) => [ref.path, content.digest]))
  return [...all]
    .map(([path, digest]) => ({ path, digest }))
    .toSorted((left, right) => (left.path < right.path ? -1 : 1))
}
