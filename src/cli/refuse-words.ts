/** Words of a command line that no verb can mean, whichever it is. */
import type { Command } from 'commander'
import { DomainError } from '../core/index.ts'

/** LIMIT: characters of one word: what is signed holds no more. */
const maxWord = 65_536

/**
 * A variable of a script that is not set: nothing is meant by it, and a verb would find out when half of its work is done.
 * Words of a list may be empty: a shell that completes asks with what is typed so far.
 *
 * @throws ERR_USAGE
 */
export function refuseWords(command: Command, given: readonly unknown[]): void {
  const words = [
    ...command.registeredArguments.map((argument, at) => ({ name: `<${argument.name()}>`, value: given[at] })),
    ...command.options.flatMap((option) =>
      [command.getOptionValue(option.attributeName())].flat().map((value: unknown) => ({ name: option.long, value })),
    ),
  ]
  for (const { name, value } of words) {
    if (value === '')
      throw new DomainError('ERR_USAGE', `\`${name}\` is empty`, { help: 'give it a value, or leave it out' })
    if (typeof value === 'string' && value.length > maxWord)
      throw new DomainError('ERR_USAGE', `\`${name}\` has ${value.length} characters, the limit is ${maxWord}`, {
        help: 'say it in fewer words',
      })
  }
}
