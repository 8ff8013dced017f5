/**
 * The validator: the one process that parses hostile tables and images. It runs in a sandbox of its own, sees the
 * dataset read-only and one folder to write, and holds no key; scripts/bundles/validator.txt lists all that is in it.
 */
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Engine, openEngine } from '../../table/engine.duckdb.ts'
import type { ValidatorLimits, ValidatorRequest } from '../request.ts'
import { diff } from './diff.ts'
import { drawPictures } from './draw-pictures.ts'
import { validateFiles } from './files.ts'
import { measureImages } from './measure-images.ts'
import { measureTables } from './measure-tables.ts'
import { profile } from './profile.ts'
import { stamp } from './stamp.ts'
import { validateTable } from './validate.ts'

const folder = process.argv[2] ?? '/work'
const dataFolder = process.argv[3] ?? '/data'
const request = JSON.parse(readFileSync(join(folder, 'request.json'), 'utf8')) as ValidatorRequest // written by assay itself
const tables = join(folder, 'tables')
const spill = join(folder, 'spill')
mkdirSync(tables)
mkdirSync(spill)
const answer = await answerTo()
writeFileSync(join(folder, 'answer.json'), JSON.stringify(answer), { flag: 'wx' })

/** The engine is opened for tables only, the decoder for images only: each takes its time to load. */
async function answerTo(): Promise<unknown> {
  if (request.task === 'files') return await validateFiles(() => open(request.limits), request, folder)
  if (request.task === 'pictures') return await drawPictures(request)
  if (request.task === 'difference' && request.kind === 'image') return await measureImages(request)
  return await answerToTables(request)
}

function open(limits: ValidatorLimits): Promise<Engine> {
  return openEngine({
    folders: [realpathSync(tables), realpathSync(dataFolder)],
    spillFolder: spill,
    memoryBytes: limits.engineMemoryBytes,
    spillBytes: limits.spillBytes,
    threads: limits.threads,
  })
}

type TableRequest = Exclude<ValidatorRequest, { task: 'files' | 'pictures' }>

async function answerToTables(asked: TableRequest): Promise<unknown> {
  const engine = await open(asked.limits)
  try {
    return await answerFrom(engine, asked)
  } finally {
    engine.close()
  }
}

function answerFrom(engine: Engine, asked: TableRequest): Promise<unknown> {
  switch (asked.task) {
    case 'validate':
      return validateTable(engine, asked, folder)
    case 'profile':
      return profile(engine, asked, folder)
    case 'stamp':
      return stamp(engine, asked, folder)
    case 'diff':
      return diff(engine, asked, folder)
    case 'difference':
      return measureTables(engine, asked, tables)
  }
}
