/** The arguments of a call, asked for by name or place. */

import type { Argument } from './python-scope.ts'
import { isNone } from './python-values.ts'

/** By name, or by its place when it has no name; undefined when it is not given, or behind `*args`. */
export function argument(args: readonly Argument[], name: string, place?: number): Argument | undefined {
  const byName = args.find((arg) => arg.name === name)
  if (byName !== undefined || place === undefined) return byName
  const plain = args.filter((arg) => arg.name === undefined)
  return plain.slice(0, place + 1).some(({ star }) => star === true) ? undefined : plain[place]
}

/** The end of a text that is given, the whole of it where it is written out; else the empty text. */
export function textAt(args: readonly Argument[], name: string, place?: number): string {
  const value = argument(args, name, place)?.value
  return value?.kind === 'text' ? value.end : ''
}

export function isTrue(arg: Argument | undefined): boolean {
  return arg?.value?.kind === 'literal' && arg.value.value === true
}

export function isFalse(arg: Argument | undefined): boolean {
  return arg?.value?.kind === 'literal' && arg.value.value === false
}

/** `*args` or `**options`: what is given cannot be told. */
export function isOpen(args: readonly Argument[]): boolean {
  return args.some(({ star }) => star === true)
}

/** Nothing is given, or `None` alone. */
export function isBare(args: readonly Argument[]): boolean {
  return args.length === 0 || (args.length === 1 && isNone(args[0]?.value))
}
