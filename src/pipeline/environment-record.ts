/** All that is recorded of how a stage ran, item by item with its tier, in an order for people: pure. */
import type { StageFacts } from '../attestation/index.ts'
import { formatSize, type Tier } from '../core/index.ts'

export type RecordedItem = Readonly<{ group: string; name: string; value: string; tier: Tier }>

type Items = readonly (readonly [name: string, value: string, tier: Tier])[]

/** Facts of the statement by the beginning of their names; what none of them takes is of the machine. */
const groupOfFact: readonly (readonly [prefix: string, group: string])[] = [
  ['determinism/seed', 'seeds'],
  ['determinism/', 'determinism'],
  ['environment/', 'environment'],
  ['gpu/', 'GPU'],
  ['system/', 'system'],
  ['sandbox/', 'sandbox'],
  ['outlived/', 'there before and after'],
  ['assay/', 'run'],
  ['source/', 'code'],
  ['credentials', 'sandbox'],
  ['machine/', 'machine'],
]

const order = [
  ...['run', 'code', 'commands', 'seeds', 'parameters', 'data', 'environment', 'packages', 'determinism', 'variables'],
  ...['machine', 'GPU', 'system', 'sandbox', 'limits', 'there before and after'],
]

export function environmentRecord(facts: StageFacts): readonly RecordedItem[] {
  const groups: readonly (readonly [group: string, items: Items])[] = [
    ['run', runOf(facts)],
    ['code', codeOf(facts)],
    ['commands', facts.commands.map((command, index) => [`${index + 1}`, command, 'declared'])],
    ['parameters', parametersOf(facts)],
    ['data', dataOf(facts)],
    ['environment', environmentOf(facts)],
    ['packages', packagesOf(facts)],
    ['variables', Object.entries(facts.variables).map(([name, value]) => [name, value, 'observed'])],
    ['GPU', facts.facts.some(({ name }) => name.startsWith('gpu/')) ? [] : [['given', 'none', 'observed']]],
    ['sandbox', [['engine', facts.sandbox.engine, 'observed']]],
    ['limits', limitsOf(facts)],
    ...facts.facts.map(({ name, value, tier }) => {
      const [prefix, group] = groupOfFact.find(([start]) => name.startsWith(start)) ?? ['', 'machine']
      const shown = prefix.endsWith('/') ? name.slice(prefix.length) : name.replace(/^determinism\//, '')
      return [group, [[shown, shownFact(name, value), tier]]] as const
    }),
  ]
  return groups
    .flatMap(([group, items]) => items.map(([name, value, tier]) => ({ group, name, value, tier })))
    .toSorted((one, other) => order.indexOf(one.group) - order.indexOf(other.group))
}

function shownFact(name: string, value: string): string {
  return name === 'machine/memory-bytes' ? `${value} (${formatSize(Number(value))})` : value
}

function runOf({ startedAt, finishedAt, principal, builderId, draft }: StageFacts): Items {
  return [
    ['started', startedAt, 'observed'],
    ['finished', finishedAt, 'observed'],
    ['builder', builderId, 'declared'],
    ['asked for by', `${principal.name} <${principal.email}>`, principal.tier],
    ...(draft ? ([['draft', 'yes', 'observed']] as const) : []),
  ]
}

function codeOf({ source, definition, overrides }: StageFacts): Items {
  return [
    ['commit', source.commit ?? 'none', 'observed'],
    ['tree', source.treeDigest ?? 'not known', 'observed'],
    ...(source.ref === undefined ? [] : ([['ref', source.ref, 'observed']] as const)),
    ['changed since the commit', source.dirty.length === 0 ? 'nothing' : source.dirty.join(', '), 'observed'],
    ...definition.map(({ path, digest }) => [path, digest, 'observed'] as const),
    ...overrides.map((given) => ['--set', given, 'declared'] as const),
  ]
}

function parametersOf({ parameters }: StageFacts): Items {
  return Object.entries(parameters).flatMap(([file, values]) =>
    Object.entries(values).map(([key, value]) => [`${file}:${key}`, JSON.stringify(value), 'observed'] as const),
  )
}

function dataOf({ dependencies }: StageFacts): Items {
  return dependencies
    .filter(({ origin }) => origin.kind !== 'code')
    .map(({ path, digest, origin }) => {
      const from =
        origin.kind === 'stage'
          ? `made by ${origin.stage}`
          : origin.kind === 'source'
            ? `source ${origin.id}`
            : origin.kind
      return [path, `${digest} (${from})`, 'observed']
    })
}

function environmentOf({ environment: { name, kind, digest, locked } }: StageFacts): Items {
  return [
    ['name', `${name} (${kind}, ${locked ? 'locked' : 'not locked'})`, 'declared'],
    ['digest', digest, locked ? 'verified' : 'observed'],
  ]
}

function packagesOf({ environment: { packages, locked } }: StageFacts): Items {
  return packages.map(({ name, version }) => [name, version, locked ? 'verified' : 'observed'])
}

function limitsOf({ limits }: StageFacts): Items {
  return Object.entries(limits).map(([name, value]) => {
    const shown = name.endsWith('Bytes') ? `${value} (${formatSize(value)})` : `${value}`
    return [name, shown, 'declared']
  })
}
