/** Commands that a text only names (`assay run --force`): their verb and options must exist, as `program.ts` has them. */
import { type Verb, verbs } from '../src/cli/program.ts'

const always: ReadonlySet<string> = new Set(['--json', '--help', '--version'])

/** Why `assay ...` as written would not be understood, or undefined. Words after the verb are not judged. */
export function unknownIn(command: string, known: readonly Verb[] = verbs): string | undefined {
  const words = command.trim().split(/\s+/).slice(1)
  const named = words.filter((word) => !word.startsWith('-'))
  if (named.length === 0) return optionsFault(words, [])
  const verb = known.find(({ usage }) => {
    const wanted = usage.split(' ').filter((word) => !/^[<[]/.test(word))
    return wanted.every((word, index) => named[index] === word)
  })
  if (verb !== undefined) return optionsFault(words, optionsOf(verb))
  const isGroup = named.length === 1 && known.some(({ usage }) => usage.startsWith(`${named[0]} `))
  return isGroup ? undefined : `there is no verb \`${named.slice(0, 2).join(' ')}\``
}

function optionsOf({ options = [], repeated = [] }: Verb): readonly string[] {
  return [...options, ...repeated].flatMap(([flags]) => flags.match(/--[a-z-]+/g) ?? [])
}

function optionsFault(words: readonly string[], options: readonly string[]): string | undefined {
  const unknown = words
    .filter((word) => word.startsWith('--') && word !== '--')
    .map((word) => word.replace(/=.*/, ''))
    .find((word) => !always.has(word) && !options.includes(word))
  return unknown === undefined ? undefined : `there is no option \`${unknown}\``
}
