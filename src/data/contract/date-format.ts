/**
 * Patterns of dates: what contracts write, as strptime, which is what the engine reads.
 *
 * Source: java.time.format.DateTimeFormatter, the letters that stand for digits and fixed names; what is not here is
 * told as not evaluated.
 */

const letters: Readonly<Record<string, string>> = {
  yyyy: '%Y',
  uuuu: '%Y',
  yy: '%y',
  MM: '%m',
  MMM: '%b',
  MMMM: '%B',
  dd: '%d',
  DDD: '%j',
  EEE: '%a',
  EEEE: '%A',
  HH: '%H',
  hh: '%I',
  mm: '%M',
  ss: '%S',
  SSS: '%g',
  SSSSSS: '%f',
  a: '%p',
  XXX: '%z',
  xxx: '%z',
}

/** `yyyy-MM-dd'T'HH:mm:ss` -> `%Y-%m-%dT%H:%M:%S`; undefined for a letter that is not known. */
export function strptimeOfJava(pattern: string): string | undefined {
  let written = ''
  for (const [token] of pattern.matchAll(/'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']/g)) {
    if (token.startsWith("'")) written += token === "''" ? "'" : token.slice(1, -1).replaceAll("''", "'")
    else if (/^[A-Za-z]/.test(token)) {
      const known = letters[token]
      if (known === undefined) return undefined
      written += known
    } else written += token === '%' ? '%%' : token
  }
  return written
}

const strptimeLetters = /^(?:[^%]|%[YymdbBjaAHIMSgfpz%])*$/

/** A strptime pattern that is understood, as it is; undefined otherwise. */
export function knownStrptime(pattern: string): string | undefined {
  return strptimeLetters.test(pattern) ? pattern : undefined
}
