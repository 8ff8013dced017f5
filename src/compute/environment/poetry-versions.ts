/**
 * Poetry's ways to write which versions are meant, as PEP 440 writes them.
 *
 * SOURCE: Poetry, "Dependency specification": caret, tilde, wildcard. Alternatives (`||`) are refused: PEP 440 has none.
 */
import type { Refuse } from './lock-text.ts'
import { meetsAll } from './version.ts'

/** `^3.9` -> `>=3.9,<4`. @throws ERR_ENV_LOCK_INVALID */
export function poetrySpecifier(text: string, refuse: Refuse): string {
  const plain = text.replaceAll(/\s+/g, ' ').trim()
  const clauses = plain === '*' ? [] : plain.split(/,| (?=[<>=!~^*\d])/).filter((clause) => clause.trim() !== '')
  const specifier = clauses.map(clauseOf).join(',')
  if (meetsAll('0', specifier) !== undefined) return specifier
  throw refuse('ERR_ENV_LOCK_INVALID', `the Python versions \`${text.slice(0, 100)}\` are not understood`)
}

function clauseOf(written: string): string {
  const clause = written.trim().replace(/^([<>=!~^]+)\s+/, '$1')
  const [, sign, version = ''] = /^(\^|~)(\d+(?:\.\d+)*)$/.exec(clause) ?? []
  if (sign === undefined) return /^\d/.test(clause) ? `==${clause}` : clause
  const parts = version.split('.').map(Number)
  // `^3.9` goes up to the next change of the first part that is not 0, `~3.9` to the next minor version.
  const leading = parts.findIndex((part) => part !== 0)
  const kept = sign === '~' ? Math.min(parts.length, 2) : leading < 0 ? parts.length : leading + 1
  const next = parts.slice(0, kept).map((part, at) => (at === kept - 1 ? part + 1 : part))
  return `>=${version},<${next.join('.')}`
}
