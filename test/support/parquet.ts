/** Parquet files, honest ones and altered ones. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

/** @param options of COPY, `COMPRESSION zstd` */
export async function parquetOf(query: string, options = ''): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-parquet-'))
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  try {
    const connection = await instance.connect()
    const file = join(folder, 't.parquet')
    await connection.run(`COPY (${query}) TO '${file}' (FORMAT parquet${options === '' ? '' : `, ${options}`})`)
    connection.closeSync()
    return readFileSync(file)
  } finally {
    instance.closeSync()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The footer lies before its length and the magic bytes. */
export function withFooterLength(file: Buffer, length: number): Buffer {
  const altered = Buffer.from(file)
  altered.writeUInt32LE(length, altered.length - 8)
  return altered
}

/** The places in the footer where it spells the number 1000 (Thrift, compact: 0xd0 0x0f), spelling 900 instead. */
export function claimingFewerRows(file: Buffer, which: (places: readonly number[]) => readonly number[]): Buffer {
  const altered = Buffer.from(file)
  const start = altered.length - 8 - altered.readUInt32LE(altered.length - 8)
  const places: number[] = []
  for (let at = start; at < altered.length - 9; at += 1) {
    if (altered[at] === 0xd0 && altered[at + 1] === 0x0f) places.push(at)
  }
  for (const at of which(places)) altered.set([0x88, 0x0e], at)
  return altered
}
