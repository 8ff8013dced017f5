/**
 * `${...}` in a text: where the expressions are and what they name. Nothing is looked up here.
 *
 * SOURCE: dvc/parsing/interpolate.py, KEYCRE and get_parser.
 */

/** One `${inner}` in a text. */
export type Expression = Readonly<{ start: number; end: number; inner: string }>

/** What to write instead of something malformed. */
export const templateHelp = `write \${name.key[0]}, or \\\${ for the text itself`

/** Every expression of a text; `\${` is none, and none spans a line end. */
export function expressionsOf(text: string): readonly Expression[] {
  if (!text.includes('${')) return []
  return [...text.matchAll(/(?<!\\)\$\{([^\n]*?)\}/g)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    inner: match[1] ?? '',
  }))
}

export function hasExpression(text: string): boolean {
  return expressionsOf(text).length > 0
}

/** `a.b[0]`: words between dots and brackets. Anything else (`${x:-y}` is a word, `${}` is none) fails. */
const grammar = /^[^.[\]]+(?:[ \n\t\r]*(?:\.[^.[\]]+|\[[^.[\]]+\]))*[ \n\t\r]*$/

export function isWellFormed(inner: string): boolean {
  return grammar.test(inner)
}

/** The names on the way: `a.b[0]` is `a`, `b`, `0`. */
export function namesOf(inner: string): readonly string[] {
  return inner
    .replaceAll('[', '.')
    .replaceAll(']', '')
    .split('.')
    .map((name) => name.trim())
}
