/** Which tool a lock is of, by its name or, where that does not tell, by its text: pure. For what is looked at; what is built goes by names. */
import type { LockAdapter } from './lock.ts'
import { lockAdapters } from './locks.ts'
import { isPackageLock } from './package-lock.ts'

/** What the text of each has, and no other: asked in this order. */
const marks: readonly (readonly [name: string, ...RegExp[]])[] = [
  ['package-lock.json', /^\s*\{/, /"lockfileVersion"/],
  ['Pipfile.lock', /^\s*\{/, /"_meta"/],
  ['pylock.toml', /^\[\[packages\]\]/m],
  ['poetry.lock', /^\[\[package\]\]/m, /^lock-version *=/m],
  ['uv.lock', /^\[\[package\]\]/m],
  ['conda-lock.yml', /^package:/m, /^metadata:/m],
  ['requirements.lock', /^[\w.-]+(?:\[[^\]\n]*\])? *==/m],
]

/** The file's own name where a format knows it or none knows the text, else the name that its tool gives such a file. */
export function usualName(path: string, bytes: Uint8Array): string {
  const own = path.slice(path.lastIndexOf('/') + 1)
  if (lockAdapters.some(({ matches }) => matches(own)) || isPackageLock(own)) return own
  const text = Buffer.from(bytes).toString('latin1')
  return marks.find(([, ...every]) => every.every((mark) => mark.test(text)))?.[0] ?? own
}

/** The format of a lock of Python, whatever the file is called; all when it is of none, so that they are named. */
export function adaptersFor(path: string, bytes: Uint8Array): readonly LockAdapter[] {
  const name = usualName(path, bytes)
  const fitting = lockAdapters.find(({ matches }) => matches(name))
  return fitting === undefined ? lockAdapters : [{ ...fitting, matches: () => true }]
}
