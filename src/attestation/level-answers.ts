/** Answers of the rows of a level, in words: whose fault it is that one does not hold. */
import type { JudgedBuild } from './chain-builds.ts'
import type { JudgedStage } from './chain-stage.ts'

export type Answer = Readonly<{ held: boolean; because: string }>

export function answer(held: boolean, yes: string, no: string): Answer {
  return { held, because: held ? yes : no }
}

/** The same of environments, and of the wheels that were built from source. */
export function eachBuild(
  stages: Answer,
  builds: readonly JudgedBuild[],
  faultOf: (build: JudgedBuild['build']) => string | undefined,
): Answer {
  const [first] = builds.flatMap(({ name, build }) => {
    const fault = faultOf(build)
    return fault === undefined ? [] : [`the build of \`${name}\` ${fault}`]
  })
  if (first === undefined) return stages
  return answer(false, '', stages.held ? first : `${stages.because}; ${first}`)
}

/** Held when no stage has a fault; stages with the same fault are named together. */
export function each(
  stages: readonly JudgedStage[],
  yes: string,
  faultOf: (judged: JudgedStage) => string | undefined,
): Answer {
  const faults = new Map<string, string[]>()
  for (const judged of stages) {
    const fault = faultOf(judged)
    if (fault !== undefined) faults.set(fault, [...(faults.get(fault) ?? []), `\`${judged.stage.facts.stage}\``])
  }
  const texts = [...faults].map(([fault, names]) =>
    names.length === 1 ? `${names[0]} ${fault}` : `each of ${list(names)} ${fault}`,
  )
  return answer(texts.length === 0, yes, list(texts))
}

export function list(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}
