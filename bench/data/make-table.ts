/**
 * A table of ten columns of the kinds that people have, with a few rows that break three rules.
 *
 *     node bench/data/make-table.ts FILE.parquet ROWS
 */
import { DuckDBInstance } from '@duckdb/node-api'

const [file = '', rows = '5000000'] = process.argv.slice(2)
const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
const connection = await instance.connect()
await connection.run('SELECT setseed(0.42)')
await connection.run(`COPY (
  SELECT i AS id,
    CASE WHEN i % 1000003 = 17 THEN 999 ELSE 18 + (random() * 80)::INT END AS age,
    random() * 100000 AS income,
    CASE WHEN random() < 0.02 THEN NULL ELSE random() END AS score,
    CASE WHEN i % 700001 = 5 THEN 'mauve' ELSE ['red', 'green', 'blue', 'black', 'white'][1 + (random() * 4.49)::INT] END AS colour,
    CASE WHEN i % 900001 = 9 THEN 'nobody' ELSE 'user' || (random() * 1000000)::INT || '@example.org' END AS email,
    random() < 0.3 AS active,
    DATE '2020-01-01' + (random() * 1500)::INT AS day,
    TIMESTAMP '2020-01-01' + to_seconds((random() * 100000000)::INT) AS seen,
    (random() * 1000)::BIGINT AS city
  FROM range(${Number(rows)}) t(i)) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`)
