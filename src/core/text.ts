/** Text from elsewhere, made safe to print: no escape sequence reaches a terminal. */

const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Tabs and line ends stay; every other control or bidi character becomes `\u{...}`. THREAT: OSC and CSI injection. */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/** A JSON text with the same meaning, printable too: of what JSON leaves raw, C1 controls and bidi characters as `\uXXXX`. */
export function printableJson(json: string): string {
  return json.replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A word for a command that a person is told to type. */
export function quotedForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** What a terminal shows in the end of a line that was written over (`10 %\\r20 %`), as progress bars do. */
export function shownLine(line: string): string {
  return line.split('\r').findLast((part) => part !== '') ?? ''
}

export function printableLine(line: string): string {
  return printable(shownLine(line))
}

/** A log, line by line as `printableLine` has it. */
export function printableLog(text: string): string {
  return text.split('\n').map(printableLine).join('\n')
}

/**
 * The same for what must stay one line, such as a name in a sentence.
 *
 * THREAT: a file name with a line end in it would write a line of its own, which looks like one of ours.
 */
export function oneLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

/** `*` is any text, `?` one character. Goes back to the last star alone, so that no pattern takes long. */
export function matchesName(name: string, pattern: string): boolean {
  let [at, place, star, restart] = [0, 0, -1, 0]
  while (at < name.length) {
    if (pattern[place] === '*') {
      star = place
      restart = at
      place += 1
    } else if (place < pattern.length && (pattern[place] === '?' || pattern[place] === name[at])) {
      at += 1
      place += 1
    } else if (star >= 0) {
      restart += 1
      at = restart
      place = star + 1
    } else return false
  }
  while (pattern[place] === '*') place += 1
  return place === pattern.length
}

/** How deep the brackets of code are, those in its texts too: cheaper than a grammar, which is slow where they are deep. */
export function bracketDepth(text: string): number {
  let [depth, deepest] = [0, 0]
  for (const char of text) {
    if (char === '(' || char === '[' || char === '{') depth += 1
    else if (char === ')' || char === ']' || char === '}') depth = Math.max(0, depth - 1)
    deepest = Math.max(deepest, depth)
  }
  return deepest
}
