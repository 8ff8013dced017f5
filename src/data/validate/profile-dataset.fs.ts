/** What a dataset is like: its profile for a baseline, and facts for the draft of a contract. */
import type { Content } from '../../core/index.ts'
import type { Tally } from '../poison/index.ts'
import { parseTableProfile, type TableProfile } from '../statistics/index.ts'
import { type DataCheck, formatFault } from './check.ts'
import { type ColumnFact, profileAnswerShape, type StatisticsRequest } from './request.ts'
import { runValidator, type ValidatorOptions } from './run-validator.fs.ts'
import { isTables, whileDigested } from './validate-dataset.fs.ts'

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
  )

export function profileDataset(
  path: string,
  statistics: StatisticsRequest,
  options: ValidatorOptions,
): Promise<DatasetProfile> {
  return whileDigested(path, {}, async (dataset) => {
    if (!isTables(dataset)) {
      const fault = formatFault('known', 'only tables have a profile')
      return { kind: 'unreadable' as const, checks: [fault], unseen: [] }
    }
    const answer = await runValidator(
      [dataset],
      ([files = []]) => ({ task: 'profile', files, types: {}, statistics, limits: options.limits }),
      profileAnswerShape,
      options,
    )
    const { rows, profile, facts, poison = [], checks, unseen } = answer
    if (rows === undefined || profile === undefined || facts === undefined)
      return { kind: 'unreadable' as const, checks, unseen }
    return { kind: 'profile' as const, rows, profile: parseTableProfile(profile), facts, poison, unseen }
  })
}
