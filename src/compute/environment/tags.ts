/**
 * Which wheels fit an interpreter, best first.
 *
 * SOURCE: PEP 425 (tags), PEP 384 (abi3), PEP 600 and its legacy aliases (manylinux), PEP 656 (musllinux); the order is
 * that of `packaging.tags`, compared in the tests with what pip itself prints.
 */
import type { InterpreterProbe } from './interpreter.ts'

/** `cp311-cp311-manylinux_2_17_x86_64` -> its rank, 0 the best. */
export type TagRanks = ReadonlyMap<string, number>

type TagFacts = Pick<
  InterpreterProbe,
  'implementation' | 'version' | 'freeThreaded' | 'debug' | 'platform' | 'pointerBits' | 'libc'
>

export function rankTags(facts: TagFacts): TagRanks {
  const ranks = new Map<string, number>()
  for (const tag of compatibleTags(facts)) if (!ranks.has(tag)) ranks.set(tag, ranks.size)
  return ranks
}

export function* compatibleTags(facts: TagFacts): Generator<string> {
  const platforms = [...platformTags(facts)]
  const [major, minor] = facts.version
  const own = `cp${major}${minor}`
  yield* cpythonTags(facts, platforms)
  const pure = [`py${major}${minor}`, `py${major}`]
  for (let older = minor - 1; older >= 0; older -= 1) pure.push(`py${major}${older}`)
  for (const python of pure) for (const platform of platforms) yield `${python}-none-${platform}`
  yield `${own}-none-any`
  for (const python of pure) yield `${python}-none-any`
}

function* cpythonTags(facts: TagFacts, platforms: readonly string[]): Generator<string> {
  const [major, minor] = facts.version
  const own = `cp${major}${minor}`
  const threaded = facts.freeThreaded ? 't' : ''
  const abis = facts.debug ? [`${own}${threaded}d`, `${own}${threaded}`] : [`${own}${threaded}`]
  for (const abi of abis) for (const platform of platforms) yield `${own}-${abi}-${platform}`
  // A free-threaded build has no stable ABI.
  if (!facts.freeThreaded) for (const platform of platforms) yield `${own}-abi3-${platform}`
  for (const platform of platforms) yield `${own}-none-${platform}`
  if (facts.freeThreaded) return
  for (let older = minor - 1; older >= 2; older -= 1) {
    for (const platform of platforms) yield `cp${major}${older}-abi3-${platform}`
  }
}

const legacyAliases: Readonly<Record<string, string>> = {
  '2.17': 'manylinux2014',
  '2.12': 'manylinux2010',
  '2.5': 'manylinux1',
}

function* platformTags({ platform, pointerBits, libc }: TagFacts): Generator<string> {
  const linux = platform.replace(/[-.]/g, '_')
  const architecture = architectureOf(linux, pointerBits)
  const [name = '', number = ''] = libc.split(' ')
  const [major = 0, minor = 0] = number.split('.').map(Number)
  if (name === 'glibc' && major === 2) yield* manylinuxTags(minor, architecture)
  if (name === 'musl') {
    for (let older = minor; older >= 0; older -= 1) yield `musllinux_${major}_${older}_${architecture}`
  }
  yield `linux_${architecture}`
}

/** A 32-bit interpreter on a 64-bit kernel names the kernel. */
function architectureOf(linux: string, pointerBits: 32 | 64): string {
  const architecture = linux.replace(/^linux_/, '')
  if (pointerBits === 64) return architecture
  return { x86_64: 'i686', aarch64: 'armv8l' }[architecture] ?? architecture
}

function* manylinuxTags(minor: number, architecture: string): Generator<string> {
  const oldest = /^(x86_64|i686)$/.test(architecture) ? 5 : 17
  for (let older = minor; older >= oldest; older -= 1) {
    yield `manylinux_2_${older}_${architecture}`
    const alias = legacyAliases[`2.${older}`]
    if (alias !== undefined) yield `${alias}_${architecture}`
  }
}
