/** One program: a script with all that it imports from the project. Which of its generators are seeded when they draw? */
import type { Generator } from './generators.ts'
import type { Found, ModuleFacts } from './python-rules.ts'
import { around, type PyNode, textOf } from './python-tree.ts'
import { lastOf } from './python-values.ts'
import type { PythonSource } from './source.ts'

/** Also of other lines in the same file that one change mends. */
export type ProgramFound = Found & Readonly<{ source: PythonSource; also: readonly PyNode[] }>
type Module = Readonly<{ source: PythonSource; facts: ModuleFacts; isEntry: boolean }>

export function judgeProgram(sources: readonly PythonSource[]): readonly ProgramFound[] {
  const modules = sources.flatMap((source, index): Module[] =>
    source.facts === undefined ? [] : [{ source, facts: source.facts, isEntry: index === 0 }],
  )
  const loaded = new Set(modules.flatMap(({ facts }) => [...facts.walk.loaded]))
  const seeded = seedsOf(modules, loaded)
  const isTrained = modules.some(({ facts }) => facts.trains)
  const isLoaded = modules.some(({ facts }) => facts.loadsWeights)
  return [
    ...modules.flatMap((module) => {
      const runs = (node: PyNode): boolean => isRun(module, node, loaded)
      const draws = module.facts.ifUnseeded.filter(
        ({ node, generator, isLayer }) =>
          runs(node) && !(isLayer === true && isLoaded && !isTrained) && !seeded(module, node, generator),
      )
      const direct = module.facts.found.filter(({ node }) => runs(node))
      const [clocks, others] = [direct.filter(isClock), direct.filter((found) => !isClock(found))]
      return [
        ...others.map((found) => ({ ...found, source: module.source, also: [] })),
        ...together([...draws, ...clocks], module.source),
      ]
    }),
    ...gpuFound(modules, isTrained),
  ]
}

const isClock = ({ rule }: Found): boolean => rule === 'wall-clock'

/** One missing seed is one finding a file, however often is drawn; readings of the clock are one in each function. */
function together(found: readonly Found[], source: PythonSource): readonly ProgramFound[] {
  const first = new Map<string, { found: Found; also: PyNode[] }>()
  for (const each of found.toSorted((left, right) => left.node.from - right.node.from)) {
    const key =
      each.rule === 'missing-seed'
        ? String(each.node.from)
        : `${each.rule} ${isClock(each) ? around(each.node, 'FunctionDefinition')?.from : ''}`
    const before = first.get(key)
    if (before === undefined) first.set(key, { found: each, also: [] })
    else before.also.push(each.node)
  }
  return [...first.values()].map(({ found: each, also }) => ({ ...each, source, also }))
}

function gpuFound(modules: readonly Module[], isTrained: boolean): readonly ProgramFound[] {
  if (!isTrained || modules.some(({ facts }) => facts.isDeterministic)) return []
  const found = modules.flatMap(({ facts: { gpu }, source }) =>
    gpu === undefined ? [] : [{ ...gpu, source, also: [] }],
  )
  return found.slice(0, 1)
}

/** Code below `if __name__ == "__main__"` of an imported module does not run, nor does a function that nothing names. */
function isRun({ facts, isEntry }: Module, node: PyNode, loaded: ReadonlySet<string>): boolean {
  for (let each: PyNode | undefined = node; each !== undefined; each = each.parent) {
    if (!isEntry && facts.walk.guards.has(each)) return false
    if (each.name === 'FunctionDefinition' && isDead(each, facts.walk.text, loaded)) return false
  }
  return true
}

function isDead(definition: PyNode, text: string, loaded: ReadonlySet<string>): boolean {
  const name = nameOf(definition, text)
  return !name.startsWith('__') && definition.parent?.name !== 'DecoratedStatement' && !loaded.has(name)
}

/** A seed in a class that nothing names sets nothing, whatever its method is called; one that is registered may. */
function isInUnusedClass({ facts: { walk } }: Module, node: PyNode, loaded: ReadonlySet<string>): boolean {
  const definition = around(node, 'ClassDefinition')
  if (definition === undefined || definition.parent?.name === 'DecoratedStatement') return false
  const hasBases = definition.children.some(({ name }) => name === 'ArgList')
  return !hasBases && !loaded.has(nameOf(definition, walk.text))
}

function nameOf(definition: PyNode, text: string): string {
  const name = definition.children.find((child) => child.name === 'VariableName')
  return name === undefined ? '' : textOf(name, text)
}

type Seeded = (module: Module, node: PyNode, generator: Generator) => boolean
type Seed = Readonly<{ generators: readonly Generator[]; node: PyNode; module: Module; inside: PyNode | undefined }>

/**
 * Is the generator seeded when this draws?
 *
 * In a function any seed of the program counts that is ever set, since when it is called is not known; at the top of a
 * module one that stands before it, or a call before it of a function that seeds.
 */
function seedsOf(modules: readonly Module[], loaded: ReadonlySet<string>): Seeded {
  const seeds = modules.flatMap((module) =>
    module.facts.seeds
      .filter(({ node }) => isRun(module, node, loaded) && !isInUnusedClass(module, node, loaded))
      .map((seed): Seed => ({ ...seed, module, inside: around(seed.node, 'FunctionDefinition') })),
  )
  const known = new Map<Generator, SeedTimes>()
  return (module, node, generator) => {
    const times =
      known.get(generator) ??
      seedTimes(
        modules,
        seeds.filter(({ generators }) => generators.includes(generator)),
      )
    known.set(generator, times)
    const inside = around(node, 'FunctionDefinition')
    if (inside === undefined) return times.firstSeen(module) < node.from
    const own = times.within.get(inside)
    return times.count > (own?.count ?? 0) || (own !== undefined && own.first < node.from)
  }
}

type SeedTimes = Readonly<{
  count: number
  /** Function -> seeds that stand in it, and where the first is. */
  within: ReadonlyMap<PyNode, Readonly<{ count: number; first: number }>>
  /** The offset in a module from which on the generator is seeded, however it came to be. */
  firstSeen(module: Module): number
}>

function seedTimes(modules: readonly Module[], seeds: readonly Seed[]): SeedTimes {
  const within = new Map<PyNode, { count: number; first: number }>()
  for (const { inside, node } of seeds) {
    if (inside === undefined) continue
    const before = within.get(inside) ?? { count: 0, first: node.from }
    within.set(inside, { count: before.count + 1, first: Math.min(before.first, node.from) })
  }
  const top = seeds.filter(({ inside }) => inside === undefined)
  const names = seedingNames(modules, seeds)
  const known = new Map<Module, number>()
  const firstIn = (module: Module): number => {
    if (top.some((seed) => seed.module !== module)) return -1
    const calls = names.size === 0 ? [] : module.facts.walk.calls.filter(({ path }) => names.has(lastOf(path)))
    const outside = calls.filter(({ node }) => around(node, 'FunctionDefinition') === undefined)
    return [...top, ...outside].reduce((least, { node }) => Math.min(least, node.from), Number.POSITIVE_INFINITY)
  }
  return {
    count: seeds.length,
    within,
    firstSeen: (module) => {
      const first = known.get(module) ?? firstIn(module)
      known.set(module, first)
      return first
    },
  }
}

/** Functions and classes that set a seed, or call one that does. */
function seedingNames(modules: readonly Module[], seeds: readonly Seed[]): ReadonlySet<string> {
  const names = new Set<string>()
  const add = (node: PyNode, text: string): void => {
    for (const kind of ['FunctionDefinition', 'ClassDefinition']) {
      const definition = around(node, kind)
      if (definition !== undefined) names.add(nameOf(definition, text))
    }
  }
  for (const { node, module } of seeds) add(node, module.source.text)
  // LIMIT: calls of calls of calls; a longer way to a seed is not followed
  for (let round = 0; round < 4; round += 1) {
    const size = names.size
    for (const { facts } of modules) {
      for (const call of facts.walk.calls) if (names.has(lastOf(call.path))) add(call.node, facts.walk.text)
    }
    if (size === names.size) break
  }
  return names
}
