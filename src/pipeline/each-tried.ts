/** Steps of an ending: each is tried, whatever becomes of those before it, and no fault hides another. */
import { isDomainError } from '../core/index.ts'

type Step = () => unknown

/**
 * What `last` comes to, after the steps before it.
 *
 * @param tell is told of every fault but the first
 * @throws the first fault
 */
export async function eachTried<T extends object>(
  tell: (text: string) => void,
  steps: readonly Step[],
  last: () => Promise<T>,
): Promise<T> {
  const faults: unknown[] = []
  for (const step of steps) await tried(step, faults)
  const ended: T[] = []
  await tried(async () => ended.push(await last()), faults)
  const [first, ...others] = faults
  for (const fault of others) tell(`besides: ${wordsOf(fault)}`)
  const [result] = ended
  if (result === undefined || faults.length > 0) throw first
  return result
}

/** The same where another fault ends the run already: what goes wrong now is told. */
export async function eachTold(tell: (text: string) => void, steps: readonly Step[]): Promise<void> {
  const faults: unknown[] = []
  for (const step of steps) await tried(step, faults)
  for (const fault of faults) tell(`besides: ${wordsOf(fault)}`)
}

async function tried(step: Step, faults: unknown[]): Promise<void> {
  try {
    await step()
  } catch (fault) {
    faults.push(fault) // INVARIANT: told or thrown by the caller
  }
}

function wordsOf(fault: unknown): string {
  if (isDomainError(fault)) return `${fault.message} (${fault.code})\n  next: ${fault.help}`
  return fault instanceof Error ? fault.message : 'an unknown fault'
}
