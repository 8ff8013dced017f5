/** Clean rows with the suspected triggers of a dataset in them: what a trained model is tried on. */
import type { Content } from '../../core/index.ts'
import type { ColumnType } from '../contract/index.ts'
import { formatFault } from './check.ts'
import { type Dataset, tableIn, tableOf } from './dataset.fs.ts'
import { type StampAnswer, type StatisticsRequest, stampAnswerShape } from './request.ts'
import { runValidator, type ValidatorOptions } from './run-validator.fs.ts'
import { whileDigested } from './validate-dataset.fs.ts'

export type StampQuestions = Readonly<{
  anchor?: Dataset
  types: Readonly<Record<string, ColumnType>>
  statistics: StatisticsRequest
  /** Rows of each kind for each trigger. */
  each: number
}>

export type StampedRows = StampAnswer & Readonly<{ of: Content; rowsOf: Content }>

/**
 * @param of absolute: the data that is suspected; @param rows absolute: rows that are not
 * @throws ERR_DATA_MISSING, ERR_DATA_CHANGED, ERR_DATA_LIMIT, ERR_DATA_VALIDATOR_FAILED
 */
export async function stampDataset(
  of: string,
  rows: string,
  { anchor, types, statistics, each }: StampQuestions,
  options: ValidatorOptions,
): Promise<StampedRows> {
  const { content, inner } = await whileDigested(of, {}, async (data) => ({
    inner: await whileDigested(rows, {}, (clean): Promise<StampAnswer> => {
      const [table, cleanTable] = [tableIn(data)?.table, tableIn(clean)?.table]
      if (table === undefined || cleanTable === undefined) {
        const checks = [formatFault('known', 'only tables have rows to be stamped')]
        return Promise.resolve({ checks, columns: [], stamps: [], rows: [] })
      }
      return runValidator(
        [table, cleanTable, ...(anchor === undefined ? [] : [tableOf(anchor)])],
        ([files = [], held = [], approved]) => ({
          task: 'stamp',
          files,
          rows: held,
          types,
          statistics,
          each,
          ...(approved === undefined ? {} : { anchor: approved }),
          limits: options.limits,
        }),
        stampAnswerShape,
        options,
      )
    }),
  }))
  const { content: rowsOf, ...answer } = inner
  return { ...answer, of: content, rowsOf }
}
