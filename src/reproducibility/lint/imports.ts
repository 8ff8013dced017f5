/** Which files of the project a module imports: pure, over a question of what is there. */
import { join, normalize } from 'node:path/posix'
import type { Import } from './python-scope.ts'

type Exists = (path: string) => boolean

/** The paths of all modules that these imports run, in any of these folders. */
export function importedFiles(
  imports: readonly Import[],
  from: string,
  roots: readonly string[],
  exists: Exists,
): readonly string[] {
  const found = new Set<string>()
  for (const { module, level, names } of imports) {
    const folders = level === 0 ? roots : [join(from, ...Array.from({ length: level }, () => '..'))]
    for (const folder of folders) {
      const files = filesOf(folder, module === '' ? [] : module.split('.'), names, exists)
      for (const file of files) found.add(file)
      if (files.length > 0) break
    }
  }
  return [...found]
}

/** `a.b` runs `a/__init__.py` and `a/b.py`; `from a import b` may run `a/b.py`. */
function filesOf(
  folder: string,
  parts: readonly string[],
  names: readonly string[],
  exists: Exists,
): readonly string[] {
  const packages = parts.map((_, index) => parts.slice(0, index + 1))
  const members = names.map((name) => [...parts, ...name.split('.')])
  const candidates = [...packages, ...members].filter((path) => path.length > 0 && path.every((part) => part !== ''))
  return candidates.flatMap((path) => moduleFiles(join(folder, ...path), exists))
}

export function moduleFiles(path: string, exists: Exists): readonly string[] {
  const plain = normalize(path)
  if (plain.startsWith('..') || plain.startsWith('/')) return []
  const found = [`${plain}.py`, join(plain, '__init__.py')].find(exists)
  return found === undefined ? [] : [found]
}
