/** What a stage used and what it asked for beyond, for people. Names are as hostile as the stage: `table` and `oneLine`. */
import { stringify } from 'yaml'
import { oneLine, quotedForShell } from '../core/index.ts'
import type { HermeticityReport } from '../pipeline/index.ts'

/** The parts of a report that say that something is amiss, in the order of how much it matters. */
const parts = [
  ['undeclaredReads', 'asked for, and hidden from it'],
  ['undeclaredFiles', 'read, and named by no dep'],
  ['unreadDeps', 'deps that it never read'],
  ['refusedWrites', 'could not write'],
  ['discardedWrites', 'wrote, and no out keeps it'],
  ['outsideReads', 'asked for, outside of the project'],
] as const satisfies readonly (readonly [keyof HermeticityReport, string])[]

const shortList = 3

/** A few lines below the end of a stage; none of a stage with nothing amiss. */
export function shortHermeticity(stage: string, report: HermeticityReport): readonly string[] {
  const lines = parts.flatMap(([part, words]) => {
    const paths = report[part]
    if (paths.length === 0) return []
    const more = paths.length > shortList ? ` and ${paths.length - shortList} more` : ''
    return [`${words}: ${paths.slice(0, shortList).map(oneLine).join(', ')}${more}`]
  })
  const seen = report.whole ? [] : ['not all that it did was seen']
  return [...lines, ...seen, `the whole: assay show --hermeticity ${oneLine(quotedForShell(stage))}`]
}

/** The whole report. */
export function wholeHermeticity(report: HermeticityReport): readonly string[] {
  const { usedFiles, network, dvc } = report
  const lists = [...parts, ['usedFiles', 'tracked files that it read'] as const].flatMap(([part, words]) =>
    report[part].length === 0 ? [] : [`${words}:`, ...report[part].map((path) => `  ${oneLine(path)}`)],
  )
  const attempts = `attempts to reach the network: ${network.deniedAttempts}`
  return [
    wayOf(report),
    ...lists,
    ...(usedFiles.length === 0 ? ['tracked files that it read: none was seen'] : []),
    network.destinations.length === 0 ? attempts : `${attempts}, to ${network.destinations.map(oneLine).join(', ')}`,
    ...linesToWrite(dvc),
  ]
}

function wayOf({ seenBy, whole }: HermeticityReport): string {
  if (seenBy === 'evidence') return 'not traced: only the tracked files that it opened are known'
  return whole ? 'every call was seen' : 'not all was seen: what is not listed may have happened too'
}

/** What a person puts into dvc.yaml. */
function linesToWrite({ place, add, remove }: HermeticityReport['dvc']): readonly string[] {
  const lines = (paths: readonly string[]): readonly string[] =>
    stringify({ deps: paths }, { lineWidth: 0 })
      .trimEnd()
      .split('\n')
      .map((line) => `  ${oneLine(line)}`)
  return [
    ...(add.length === 0 ? [] : [`add to ${oneLine(place)}:`, ...lines(add)]),
    ...(remove.length === 0 ? [] : [`take out of ${oneLine(place)}, when no other run reads them:`, ...lines(remove)]),
    ...(add.length === 0 && remove.length === 0 ? ['the deps in dvc.yaml are as they should be'] : []),
  ]
}
