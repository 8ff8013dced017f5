/**
 * Runs stages in the order of the plan, side by side as far as the machine's limits allow.
 *
 * A failure stops what depends on it and nothing else. A second failure starts nothing new, unless `keepGoing`.
 */
import type { Plan } from './plan.ts'

export type Cost = Readonly<{ cpus: number; memoryBytes: number }>

export type ScheduleOptions<Result> = Readonly<{
  capacity: Cost
  costOf(stage: string): Cost
  /** INVARIANT: resolves with a result for every stage that it was called for; a rejection ends the whole run. */
  execute(stage: string): Promise<Result>
  /** The result of a stage that is not started; `upstream` is the one that failed, undefined when the run was stopped. */
  skip(stage: string, upstream: string | undefined): Result
  succeeded(result: Result): boolean
  keepGoing: boolean
  signal: AbortSignal
  /** Called when `execute` rejects: stops what runs beside it. */
  abandon(): void
}>

/**
 * One result for each stage of the plan, in the plan's order.
 *
 * INVARIANT: nothing runs any more when it resolves or rejects; a fault of one stage is thrown after the others ended.
 */
export async function runSchedule<Result>(
  plan: Plan,
  options: ScheduleOptions<Result>,
): Promise<ReadonlyMap<string, Result>> {
  const results = new Map<string, Result>()
  const waiting = new Set(plan.order.map((stage) => stage.name))
  const running = new Map<string, Promise<string>>()
  const used = { cpus: 0, memoryBytes: 0 }
  let failures = 0

  const stopped = (): boolean => options.signal.aborted || (failures > 1 && !options.keepGoing)
  const failedUpstream = (name: string): string | undefined =>
    plan.after.get(name)?.find((upstream) => {
      const result = results.get(upstream)
      return result !== undefined && !options.succeeded(result)
    })
  const isReady = (name: string): boolean => (plan.after.get(name) ?? []).every((upstream) => results.has(upstream))
  const fits = ({ cpus, memoryBytes }: Cost): boolean =>
    running.size === 0 ||
    (used.cpus + cpus <= options.capacity.cpus && used.memoryBytes + memoryBytes <= options.capacity.memoryBytes)

  const start = (name: string, cost: Cost): void => {
    used.cpus += cost.cpus
    used.memoryBytes += cost.memoryBytes
    const ended = options.execute(name).then((result) => {
      used.cpus -= cost.cpus
      used.memoryBytes -= cost.memoryBytes
      results.set(name, result)
      if (!options.succeeded(result)) failures += 1
      return name
    })
    running.set(name, ended)
  }

  while (waiting.size > 0 || running.size > 0) {
    for (const name of [...waiting]) {
      const failed = failedUpstream(name)
      if (stopped() || failed !== undefined) {
        if (failed === undefined && running.size > 0 && !isReady(name)) continue
        waiting.delete(name)
        results.set(name, options.skip(name, failed))
      } else if (isReady(name) && fits(options.costOf(name))) {
        waiting.delete(name)
        start(name, options.costOf(name))
      }
    }
    if (running.size === 0) continue
    try {
      running.delete(await Promise.race(running.values()))
    } catch (fault) {
      options.abandon()
      await Promise.allSettled(running.values())
      throw fault
    }
  }
  return new Map(plan.order.flatMap(({ name }) => [[name, results.get(name)] as const]).filter(isPresent))
}

function isPresent<Result>(entry: readonly [string, Result | undefined]): entry is readonly [string, Result] {
  return entry[1] !== undefined
}
