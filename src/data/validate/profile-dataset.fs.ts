/** What a dataset is like: its profile for a baseline, and facts for the draft of a contract. Files that are no tables have neither. */
import type { Content } from '../../core/index.ts'
import type { Tally } from '../poison/index.ts'
import { parseTableProfile, type TableProfile } from '../statistics/index.ts'
import { marksTold } from '../table/job-marks.ts'
import type { DataCheck } from './check.ts'
import { namesOf, tableIn } from './dataset.fs.ts'
import { type ColumnFact, profileAnswerShape, type StatisticsRequest } from './request.ts'
import { runValidator, type ValidatorOptions } from './run-validator.fs.ts'
import { whileDigested } from './validate-dataset.fs.ts'

export type DatasetProfile = Readonly<{ content: Content; unseen: readonly string[] }> &
  (
    | Readonly<{ kind: 'unreadable'; checks: readonly DataCheck[] }>
    | Readonly<{
        kind: 'profile'
        rows: number
        profile: TableProfile
        facts: readonly ColumnFact[]
        poison: readonly Tally[]
      }>
    | Readonly<{ kind: 'files'; files: number }>
  )

export function profileDataset(
  path: string,
  statistics: StatisticsRequest,
  options: ValidatorOptions,
): Promise<DatasetProfile> {
  return whileDigested(path, {}, async (dataset) => {
    const found = tableIn(dataset)
    if (found === undefined) return { kind: 'files' as const, files: namesOf(dataset).length, unseen: [] }
    const answer = await runValidator(
      [found.table],
      ([files = []]) => ({ task: 'profile', files, types: {}, statistics, limits: options.limits }),
      profileAnswerShape,
      options,
    )
    const { rows, profile, facts, poison = [], checks } = answer
    const unseen = [...answer.unseen, ...marksTold(found.marks)]
    if (rows === undefined || profile === undefined || facts === undefined)
      return { kind: 'unreadable' as const, checks, unseen }
    return { kind: 'profile' as const, rows, profile: parseTableProfile(profile), facts, poison, unseen }
  })
}
