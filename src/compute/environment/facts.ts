/** What an environment tells for the record: interpreter, libc, BLAS. */
import type { Environment } from '../environment.ts'
import { type Interpreter, versionText } from './interpreter.ts'

type Facts = Environment['facts']

export function interpreterFacts({ binary, library, probe }: Interpreter): Facts {
  return [
    { name: 'python/version', value: versionText(probe), tier: 'observed' },
    { name: 'python/implementation', value: probe.implementation, tier: 'observed' },
    { name: 'python/build', value: probe.build.replaceAll('\n', ' '), tier: 'observed' },
    { name: 'python/binary', value: binary, tier: 'observed' },
    ...(library === undefined ? [] : [{ name: 'python/library', value: library, tier: 'observed' as const }]),
    { name: 'python/platform', value: probe.platform, tier: 'observed' },
    { name: 'libc', value: probe.libc === '' ? 'unknown' : probe.libc, tier: 'observed' },
  ]
}

const blasLibrary = /(?:^|\/)(lib[\w-]*(?:openblas|blas|mkl_rt|blis|flexiblas|accelerate)[\w.-]*\.so[\w.]*)$/i

/** The linear algebra that packages bring with them, by the names of their libraries; each has its own numbers. */
export function blasFact(paths: readonly string[]): Facts {
  const libraries = paths.filter((path) => path.toLowerCase().includes('.so'))
  const names = libraries.map((path) => blasLibrary.exec(path)?.[1]).filter((name) => name !== undefined)
  const distinct = [...new Set(names)].toSorted()
  return distinct.length === 0 ? [] : [{ name: 'blas', value: distinct.join(', '), tier: 'observed' }]
}
