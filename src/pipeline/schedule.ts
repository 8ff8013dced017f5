/**
 * Runs stages in the order of the plan, side by side as far as the machine's limits allow.
 *
 * A failure stops what depends on it and nothing else. A second failure starts nothing new, unless `keepGoing`.
 */
import type { Plan } from './plan.ts'

export type Cost = Readonly<{ cpus: number; memoryBytes: number; gpus?: number }>

export type ScheduleOptions<Result> = Readonly<{
  capacity: Cost
  costOf(stage: string): Cost
  /**
   * INVARIANT: resolves with a result for every stage that it was called for; a rejection ends the whole run.
   *
   * @param release called when the stage itself is over and only its evidence is still to be made: others may start
   */
  execute(stage: string, release: () => void): Promise<Result>
  /** The result of a stage that is not started; `upstream` is the one that failed, undefined when the run was stopped. */
  skip(stage: string, upstream: string | undefined): Result
  succeeded(result: Result): boolean
  keepGoing: boolean
  signal: AbortSignal
  /** Called when `execute` rejects: stops what runs beside it. */
  abandon(): void
}>

/** LIMIT: stages that are over and whose evidence is still being made, before another one starts. */
const maxSettling = 8

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
  const queue = openQueue(plan)
  const running = new Map<string, Promise<string>>()
  const holding = new Map<string, Cost>()
  const used = { cpus: 0, memoryBytes: 0, gpus: 0 }
  let failures = 0
  let wake = Promise.withResolvers<undefined>()

  const stopped = (): boolean => options.signal.aborted || (failures > 1 && !options.keepGoing)
  const isFull = (): boolean =>
    running.size - holding.size >= maxSettling || (holding.size > 0 && used.cpus >= options.capacity.cpus)
  const fits = ({ cpus, memoryBytes, gpus = 0 }: Cost): boolean =>
    holding.size === 0 ||
    (used.cpus + cpus <= options.capacity.cpus &&
      used.memoryBytes + memoryBytes <= options.capacity.memoryBytes &&
      used.gpus + gpus <= (options.capacity.gpus ?? 0))
  const settle = (name: string, result: Result): void => {
    results.set(name, result)
    queue.settle(name, options.succeeded(result))
  }
  const release = (name: string): void => {
    const cost = holding.get(name)
    if (cost === undefined || !holding.delete(name)) return
    used.cpus -= cost.cpus
    used.memoryBytes -= cost.memoryBytes
    used.gpus -= cost.gpus ?? 0
    wake.resolve(undefined)
  }
  const start = (name: string, cost: Cost): void => {
    queue.take(name)
    holding.set(name, cost)
    used.cpus += cost.cpus
    used.memoryBytes += cost.memoryBytes
    used.gpus += cost.gpus ?? 0
    const ended = options
      .execute(name, () => release(name))
      .then((result) => {
        release(name)
        if (!options.succeeded(result)) failures += 1
        settle(name, result)
        return name
      })
    running.set(name, ended)
  }
  const skipBelowFailures = (): void => {
    for (let name = queue.blocked(); name !== undefined; name = queue.blocked()) {
      const failed = plan.after.get(name)?.find((upstream) => {
        const result = results.get(upstream)
        return result !== undefined && !options.succeeded(result)
      })
      queue.take(name)
      settle(name, options.skip(name, failed))
    }
  }
  const skipAll = (names: readonly string[]): void => {
    for (const name of names) {
      queue.take(name)
      settle(name, options.skip(name, undefined))
    }
  }

  for (;;) {
    skipBelowFailures()
    if (stopped()) {
      // What waits for a stage that still runs is told its end first.
      skipAll(queue.ready())
      if (queue.blocked() !== undefined) continue
      if (running.size === 0) skipAll(queue.waiting())
    } else {
      for (const name of queue.next((name) => running.has(name) && !holding.has(name))) {
        if (isFull()) break
        const cost = options.costOf(name)
        if (fits(cost)) start(name, cost)
      }
    }
    if (running.size === 0 && queue.waiting().length === 0) break
    if (running.size === 0) continue
    try {
      const ended = await Promise.race([...running.values(), wake.promise])
      if (ended === undefined) wake = Promise.withResolvers()
      else running.delete(ended)
    } catch (fault) {
      options.abandon()
      await Promise.allSettled(running.values())
      throw fault
    }
  }
  return new Map(plan.order.flatMap(({ name }) => [[name, results.get(name)] as const]).filter(isPresent))
}

type Queue = Readonly<{
  /** Stages whose upstream has ended well, in the order of the plan. */
  ready(): readonly string[]
  /**
   * Of those the ones to start now: none that comes after a stage which only waits for stages that are over already, so
   * that stages start in the order of the plan, as they do when nothing overlaps.
   */
  next(isOver: (stage: string) => boolean): readonly string[]
  /** A stage below a failure. */
  blocked(): string | undefined
  /** All that were not taken, in the order of the plan. */
  waiting(): readonly string[]
  take(name: string): void
  settle(name: string, succeeded: boolean): void
}>

/** Which stages may start: kept as stages end, since to ask each one each time costs the square of their number. */
function openQueue(plan: Plan): Queue {
  const position = new Map(plan.order.map(({ name }, index) => [name, index]))
  const left = new Map(plan.order.map(({ name }) => [name, plan.after.get(name)?.length ?? 0]))
  const downstream = new Map<string, string[]>()
  for (const { name } of plan.order) {
    for (const upstream of plan.after.get(name) ?? [])
      downstream.set(upstream, [...(downstream.get(upstream) ?? []), name])
  }
  const inOrder = (names: Iterable<string>): readonly string[] =>
    [...names].sort((one, other) => (position.get(one) ?? 0) - (position.get(other) ?? 0))
  const waiting = new Set(left.keys())
  const ready = new Set([...left].flatMap(([name, count]) => (count === 0 ? [name] : [])))
  const blocked = new Set<string>()
  const ended = new Set<string>()
  return {
    ready: () => inOrder(ready),
    next: (isOver) => {
      const names = inOrder(ready)
      const last = names.at(-1)
      if (last === undefined) return names
      for (const name of waiting) {
        if (name === last) return names
        if (ready.has(name) || blocked.has(name)) continue
        const open = (plan.after.get(name) ?? []).filter((upstream) => !ended.has(upstream))
        if (open.every(isOver)) return names.filter((each) => (position.get(each) ?? 0) < (position.get(name) ?? 0))
      }
      return names
    },
    blocked: () => blocked.values().next().value,
    waiting: () => [...waiting],
    take(name) {
      for (const names of [waiting, ready, blocked]) names.delete(name)
    },
    settle(name, succeeded) {
      ended.add(name)
      for (const below of downstream.get(name) ?? []) {
        const count = (left.get(below) ?? 0) - 1
        left.set(below, count)
        if (!waiting.has(below)) continue
        if (!succeeded) blocked.add(below)
        else if (count === 0 && !blocked.has(below)) ready.add(below)
      }
    },
  }
}

function isPresent<Result>(entry: readonly [string, Result | undefined]): entry is readonly [string, Result] {
  return entry[1] !== undefined
}
