/** What could come next on a command line: pure, from the table of verbs and the names of a project. */
import { engineNames } from '../core/index.ts'
import type { ProjectNames } from '../pipeline/index.ts'
import type { Verb } from './program.ts'

export type Candidate = Readonly<{ value: string; description: string }>

export type Completing = Readonly<{
  verbs: readonly Verb[]
  groups: Readonly<Record<string, string>>
  /** Asked only when a name of the project is to come. */
  names(): Promise<ProjectNames>
}>

/** What stands for an argument or the value of an option, by the word in the table. */
const kinds: Readonly<Record<string, keyof ProjectNames>> = {
  stage: 'stages',
  stages: 'stages',
  artifact: 'outs',
  id: 'sources',
  ids: 'sources',
  run: 'runs',
  version: 'runs',
  left: 'runs',
  right: 'runs',
  environments: 'environments',
  before: 'environments',
  after: 'environments',
}
const what: Readonly<Record<keyof ProjectNames, string>> = {
  stages: 'a stage',
  outs: 'made by a stage',
  sources: 'a source',
  runs: 'a run',
  environments: 'an environment',
}
/** `--stage <name>`: the option says more than the word. */
const optionKinds: Readonly<Record<string, keyof ProjectNames>> = { '--stage': 'stages', '--hermeticity': 'stages' }
const choices: Readonly<Record<string, readonly string[]>> = {
  '--engine': engineNames,
  '--classification': ['public', 'internal', 'confidential', 'restricted'],
  '--kind': ['data', 'model', 'golden'],
  '--require-level': ['0', '1', '2', '3', '4'],
  shell: ['bash', 'zsh', 'fish'],
}

/**
 * THREAT: a candidate goes onto the command line of a shell as it is, and names come from the repository: a stage called
 * `$(...)` must not be one. So only characters that no shell reads anything into.
 */
const plain = /^[\p{L}\p{N}_@%+=:,./-]+$/u

/**
 * @param words the command line up to the cursor, `assay` first; the last one is being typed and may be empty
 * @returns in the order of the table; none means that a file may be meant
 */
export async function complete(words: readonly string[], completing: Completing): Promise<readonly Candidate[]> {
  const typed = words.at(-1) ?? ''
  const found = await candidatesFor(words.slice(1, -1), typed, completing)
  // a stage called `-f` would be an option to whoever runs the line
  const isOption = typed.startsWith('-')
  return found.filter(({ value }) => value.startsWith(typed) && plain.test(value) && (isOption || value[0] !== '-'))
}

async function candidatesFor(
  before: readonly string[],
  typed: string,
  { verbs, groups, names }: Completing,
): Promise<readonly Candidate[]> {
  if (before.includes('--')) return []
  const first = before.find((word) => !word.startsWith('-'))
  if (first === undefined) return firstWords(verbs, groups)
  const isGroup = Object.hasOwn(groups, first)
  const second = before.filter((word) => !word.startsWith('-'))[1]
  if (isGroup && second === undefined) return subVerbs(verbs, first)
  const verb = verbs.find(({ usage }) =>
    isGroup ? usage.startsWith(`${first} ${second} `) || usage === `${first} ${second}` : usage.split(' ')[0] === first,
  )
  if (verb === undefined) return []
  const taking = takesValue(verb, before.at(-1))
  if (taking !== undefined && !typed.startsWith('-')) return valuesOf(taking, names)
  if (typed.startsWith('-')) return optionsOf(verb)
  return positional(verb, before, isGroup ? 2 : 1, names)
}

function firstWords(verbs: readonly Verb[], groups: Completing['groups']): readonly Candidate[] {
  const seen = new Map<string, string>()
  for (const { usage, summary } of verbs) {
    const [name = ''] = usage.split(' ')
    seen.set(name, groups[name] ?? summary)
  }
  return [...seen].map(([value, description]) => ({ value, description }))
}

function subVerbs(verbs: readonly Verb[], group: string): readonly Candidate[] {
  return verbs.flatMap(({ usage, summary }) => {
    const [first, second = ''] = usage.split(' ')
    return first === group ? [{ value: second, description: summary }] : []
  })
}

type Option = Readonly<{ name: string; value: string | undefined; description: string }>

function optionTable({ options = [], repeated = [] }: Verb): readonly Option[] {
  const own = [...options, ...repeated].map(([flags, description]) => {
    const [name = ''] = flags.split(' ')
    return { name, value: /[<[]([\w=-]+)[>\]]/.exec(flags)?.[1], description }
  })
  const always = [
    ['--json', 'one JSON document on stdout'],
    ['--help', 'how it is used'],
  ] as const
  return [...own, ...always.map(([name, description]) => ({ name, value: undefined, description }))]
}

function optionsOf(verb: Verb): readonly Candidate[] {
  return optionTable(verb).map(({ name, description }) => ({ value: name, description }))
}

function takesValue(verb: Verb, word: string | undefined): Option | undefined {
  return optionTable(verb).find(({ name, value }) => name === word && value !== undefined)
}

async function valuesOf({ name }: Option, names: Completing['names']): Promise<readonly Candidate[]> {
  const kind = optionKinds[name]
  if (kind !== undefined) return described((await names())[kind], what[kind])
  return described(choices[name] ?? [], '')
}

/** @param skip words of the verb's own name */
async function positional(
  verb: Verb,
  before: readonly string[],
  skip: number,
  names: Completing['names'],
): Promise<readonly Candidate[]> {
  const given = before.filter(
    (word, index) => !word.startsWith('-') && takesValue(verb, before[index - 1]) === undefined,
  )
  const wanted = verb.usage.split(' ').slice(skip)
  const place = wanted[Math.min(given.length - skip, wanted.length - 1)]
  if (place === undefined || (given.length - skip >= wanted.length && !place.includes('...'))) return []
  const word = place.replaceAll(/[<>[\].]/g, '')
  const kind = kinds[word]
  // an id that is to be registered is a new one, and what two versions of data are called is a file
  const isOther = verb.usage.startsWith('data add') || (verb.usage.startsWith('data ') && kind !== 'sources')
  if (kind === undefined || isOther) return described(choices[word] ?? [], '')
  return described((await names())[kind], what[kind])
}

function described(values: readonly string[], description: string): readonly Candidate[] {
  return values.map((value) => ({ value, description }))
}
