/**
 * One target, fuzzed in slices of time: inputs are made of those that are known, and those that reach new code are kept.
 *
 * What is held of every input: a value or a coded refusal, soon, in bounded memory, and nothing believed that nobody signed.
 */
import { createHash } from 'node:crypto'
import type { Coverage } from './coverage.ts'
import { maxInputBytes, mutate } from './mutate.ts'
import type { Random } from './random.ts'
import { isRefusal, type Target } from './target.ts'
import type { Watchdog } from './watchdog.ts'

/** LIMIT: of one input, in processor time of the process; memory that the process grew by. */
const maxCpuMs = 2000
const maxGrowthKib = 512 * 1024
/** Inputs between two looks at what was reached. */
const batchSize = 48
/** LIMIT: inputs that are kept in memory for one target. */
const maxKept = 3000

export type Finding = Readonly<{ target: string; key: string; because: string; bytes: Buffer }>

export type Fuzzed = Readonly<{
  target: Target
  /** Until `untilMs` of `performance.now()`. */
  run(untilMs: number): Promise<void>
  state(): Readonly<{
    executions: number
    kept: readonly Buffer[]
    places: number
    findings: readonly Finding[]
    maxCpuMs: number
  }>
  /** The smallest of what was kept that reaches all that it reaches. */
  smallest(limit: number, maxBytes: number): Promise<readonly Buffer[]>
}>

type Tools = Readonly<{ coverage: Coverage; random: Random; watchdog: Watchdog }>

/** @param kept inputs of earlier runs */
export function fuzz(target: Target, kept: readonly Buffer[], { coverage, random, watchdog }: Tools): Fuzzed {
  const seeds = target.seeds.map((seed) => Buffer.from(seed))
  const corpus: Buffer[] = []
  const reached = new Set<number>()
  const findings = new Map<string, Finding>()
  let [executions, slowestMs, isStarted] = [0, 0, false]

  const faultOf = async (bytes: Buffer): Promise<string | undefined> => {
    watchdog.begin(target.name, bytes)
    const [cpu, memory] = [process.cpuUsage(), process.resourceUsage().maxRSS]
    const fault = await readOnce(target, Buffer.from(bytes))
    const cpuMs = process.cpuUsage(cpu).user / 1000
    executions += 1
    slowestMs = Math.max(slowestMs, cpuMs)
    if (fault !== undefined) return fault
    if (cpuMs > maxCpuMs) return 'it takes more than two seconds of the processor'
    return process.resourceUsage().maxRSS - memory > maxGrowthKib ? 'it takes more than 512 MiB' : undefined
  }

  const tryOne = async (bytes: Buffer): Promise<void> => {
    const fault = await faultOf(bytes)
    if (fault === undefined) return
    const key = keyOf(fault)
    if (findings.has(key)) return
    findings.set(key, { target: target.name, key, because: fault, bytes })
    const smaller = await shrink(bytes, async (candidate) => keyOf((await faultOf(candidate)) ?? '') === key)
    findings.set(key, { target: target.name, key, because: fault, bytes: smaller })
    console.log(
      `FOUND ${target.name}: ${fault}\n      ${smaller.length} bytes: ${smaller.toString('latin1').slice(0, 300)}`,
    )
  }

  const keepIfNew = async (bytes: Buffer): Promise<void> => {
    await tryOne(bytes)
    const places = await coverage.take()
    const before = reached.size
    for (const place of places) reached.add(place)
    if (reached.size > before && corpus.length < maxKept) corpus.push(bytes)
  }

  const start = async (): Promise<void> => {
    isStarted = true
    for (const seed of seeds) {
      const fault = await faultOf(seed)
      if (fault !== undefined) throw new Error(`the honest input of ${target.name} fails: ${fault}`)
    }
    await coverage.take()
    for (const bytes of [...seeds, ...kept]) await keepIfNew(bytes)
    if (corpus.length === 0) corpus.push(...seeds)
  }

  const next = (): Buffer => {
    const recent = corpus.slice(-12)
    const from = random.once(2) ? random.one(recent) : random.one(corpus)
    return mutate(random.once(6) ? random.one(seeds) : from, random.one(corpus), random)
  }

  return {
    target,
    run: async (untilMs) => {
      if (!isStarted) await start()
      await coverage.take()
      while (performance.now() < untilMs) {
        const batch = Array.from({ length: batchSize }, next)
        for (const bytes of batch) await tryOne(bytes)
        const places = await coverage.take()
        if ([...places].every((place) => reached.has(place))) continue
        for (const bytes of batch) await keepIfNew(bytes)
      }
    },
    state: () => ({
      executions,
      kept: corpus,
      places: reached.size,
      findings: [...findings.values()],
      maxCpuMs: slowestMs,
    }),
    smallest: async (limit, maxBytes) => {
      const covered = new Set<number>()
      const chosen: Buffer[] = []
      const reach = async (bytes: Buffer): Promise<boolean> => {
        await coverage.take()
        await faultOf(bytes)
        const before = covered.size
        for (const place of await coverage.take()) covered.add(place)
        return covered.size > before
      }
      for (const seed of seeds) await reach(seed)
      for (const bytes of corpus.toSorted((left, right) => left.length - right.length)) {
        if (chosen.length >= limit || bytes.length > maxBytes) break
        if ((await reach(bytes)) && !seeds.some((seed) => seed.equals(bytes))) chosen.push(bytes)
      }
      return chosen
    },
  }
}

/** What came of it that may not; undefined for a value or a coded refusal. */
export async function readOnce(target: Target, bytes: Buffer): Promise<string | undefined> {
  try {
    await target.read(bytes)
    return undefined
  } catch (error) {
    if (isRefusal(error)) return undefined
    if (!(error instanceof Error)) return `threw ${String(error)}`
    const place =
      error.stack?.split('\n').find((line) => line.includes('    at ') && !line.includes('/test/fuzz/')) ?? ''
    return `${error.name}: ${error.message.slice(0, 300)} ${place.trim().replace(/\(?file:\/\/.*?\/((?:src|node_modules)\/)/, '($1')}`
  }
}

/** The same fault by other numbers and names is the same fault. */
function keyOf(fault: string): string {
  return createHash('sha256')
    .update(fault.replace(/[`'"][^`'"]*[`'"]|\d+/g, ''))
    .digest('hex')
    .slice(0, 16)
}

/** LIMIT: 300 tries, 30 seconds. */
const maxShrinkMs = 30_000

async function shrink(bytes: Buffer, stillFails: (candidate: Buffer) => Promise<boolean>): Promise<Buffer> {
  let smallest = bytes.subarray(0, maxInputBytes)
  let tries = 0
  const endMs = performance.now() + maxShrinkMs
  for (let size = Math.ceil(smallest.length / 2); size >= 1 && tries < 300; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.length && tries < 300 && performance.now() < endMs; ) {
      const candidate = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)])
      tries += 1
      if (await stillFails(candidate)) smallest = candidate
      else at += size
    }
  }
  return smallest
}
