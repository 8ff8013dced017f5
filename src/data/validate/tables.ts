/** What an evaluation is given. */
import type { TableContract } from '../contract/index.ts'
import type { Relation } from '../table/relation.ts'

export type Tables = Readonly<{
  /** The table that is judged. */
  relation: Relation
  contract: TableContract
  /** Tables that foreign keys lead to, by their name in the contract. */
  others: ReadonlyMap<string, Relation>
  /** Names of views for SQL rules, or why there are none. */
  views: Readonly<{ names: ReadonlySet<string>; because?: string }>
}>
