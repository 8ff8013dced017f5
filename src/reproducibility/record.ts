/**
 * What must be known to run a stage again, each item with its tier.
 *
 * Observed: assay saw it itself. Declared: somebody said so. Verified: a digest or signature proves it. The statement
 * carries the list as it stands here, so that evidence cannot overclaim.
 */
import type { Tier } from '../core/index.ts'

export type RecordedFact = Readonly<{ name: string; value: string; tier: Tier }>

/** The machine, as `machine.fs.ts` observes it. Never a host name, a user name or an address. */
export type MachineFacts = Readonly<{
  kernel: string
  architecture: string
  cpuModel: string
  /** Digest of the sorted CPU flags: which kernels BLAS picks depends on them. */
  cpuFlags: string
  /** Those of them that arithmetic is chosen by, such as `avx2 fma`. */
  cpuFeatures: string
  /** Type of the one that the stages' folders lie on: folders are listed in its order. */
  fileSystem: string
  cpus: number
  memoryBytes: number
  libc: string
  distribution: string
  node: string
}>

export type RecordInput = Readonly<{
  machine: MachineFacts
  assayVersion: string
  /** Facts of the environment: interpreter, BLAS, packages. */
  environment: readonly RecordedFact[]
  /** Facts that are named already: the system layer, what outlived the run before. */
  beside: readonly RecordedFact[]
  /** Facts of the sandbox's recipe. */
  sandbox: Readonly<Record<string, string | number | boolean>>
  seed: number
  variables: Readonly<Record<string, string>>
}>

/** The whole record, sorted by name. */
export function recordFacts(input: RecordInput): readonly RecordedFact[] {
  const { machine } = input
  const observed: readonly (readonly [string, string | number | boolean])[] = [
    ['assay/version', input.assayVersion],
    ['machine/kernel', machine.kernel],
    ['machine/architecture', machine.architecture],
    ['machine/cpu-model', machine.cpuModel],
    ['machine/cpu-flags', machine.cpuFlags],
    ['machine/cpu-features', machine.cpuFeatures],
    ['machine/cpus', machine.cpus],
    ['machine/file-system', machine.fileSystem],
    ['machine/memory-bytes', machine.memoryBytes],
    ['machine/libc', machine.libc],
    ['machine/distribution', machine.distribution],
    ['machine/node', machine.node],
    ['determinism/locale', input.variables['LC_ALL'] ?? 'unset'],
    ['determinism/time-zone', input.variables['TZ'] ?? 'unset'],
    ['determinism/threads', input.variables['OMP_NUM_THREADS'] ?? 'unset'],
    ...Object.entries(input.sandbox).map(([name, value]) => [`sandbox/${name}`, value] as const),
  ]
  const facts: RecordedFact[] = observed.map(([name, value]) => ({ name, value: String(value), tier: 'observed' }))
  facts.push({ name: 'determinism/seed', value: String(input.seed), tier: 'declared' })
  facts.push(...input.environment.map((fact) => ({ ...fact, name: `environment/${fact.name}` })))
  facts.push(...input.beside)
  return facts.toSorted((left, right) => (left.name < right.name ? -1 : 1))
}
