/**
 * The rules of `validate.ts` as a person would write them once, by hand: fused into one SELECT, the unique key beside it,
 * through the same binding. No sha256, no row numbers, nothing locked: what assay's own answer is compared with.
 *
 *     node bench/data/hand-sql.ts FILE.parquet
 */
import { DuckDBInstance } from '@duckdb/node-api'

const [file = ''] = process.argv.slice(2)
const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '400MB' })
const connection = await instance.connect()
const conditions = [
  'id IS NULL',
  'id < 0',
  'age IS NULL',
  'age < 18 OR age > 98',
  'income IS NULL',
  'income < 0 OR income > 100000',
  'score IS NULL',
  'score < 0 OR score > 1',
  'colour IS NULL',
  "colour NOT IN ('red', 'green', 'blue', 'black', 'white')",
  'length(colour) > 10',
  'email IS NULL',
  'length(email) > 40',
  "NOT regexp_matches(email, '^user[0-9]+@example\\.org$')",
  'active IS NULL',
  'day IS NULL',
  "day < DATE '2020-01-01' OR day > DATE '2030-01-01'",
  'seen IS NULL',
  "seen > TIMESTAMP '2030-01-01'",
  'city IS NULL',
  'city < 0 OR city > 1000',
]
const counts = conditions.map((condition) => `count_if(${condition})`).join(', ')
const fused = await connection.runAndReadAll(`SELECT count(*), ${counts} FROM read_parquet('${file}')`)
const unique = await connection.runAndReadAll(`SELECT count(id) - count(DISTINCT id) FROM read_parquet('${file}')`)
console.log(JSON.stringify([fused.getRowsJson(), unique.getRowsJson()]))
