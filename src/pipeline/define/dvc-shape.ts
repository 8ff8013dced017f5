/**
 * What may stand in dvc.yaml, `.dvc` and dvc.lock.
 *
 * SOURCE: DVC 3.67.1 dvc/schema.py, dvc/annotations.py, dvc/output.py, dvc/dependency/*.py. Checked before templates are
 * filled in, as DVC does.
 */
import type { Place } from './fault.ts'
import { faultAt } from './fault.ts'
import {
  anyList,
  anyMap,
  anything,
  either,
  integer,
  listOf,
  mapOf,
  nothing,
  record,
  type Setting,
  type Shape,
  simple,
  text,
  truth,
} from './shape.ts'
import { isMap, type Value } from './value.ts'

const annotation = { desc: text, type: text, labels: listOf(text), meta: anything }
const outFlags = { ...annotation, cache: truth, persist: truth, checkpoint: truth, remote: text, push: truth }
const plotProperties = { template: text, x: text, y: text, x_label: text, y_label: text, title: text, header: truth }
const plotFlags = record({ ...outFlags, ...plotProperties })

const outEntry = either(text, mapOf(record(outFlags)))
const plotEntry = either(text, mapOf(either(plotFlags, listOf(plotFlags))))
const vars = listOf(either(text, anyMap))

const stage = record(
  {
    cmd: either(text, anyList),
    wdir: text,
    deps: listOf(text),
    params: listOf(either(text, anyMap)),
    vars,
    outs: listOf(outEntry),
    metrics: listOf(outEntry),
    plots: listOf(plotEntry),
    frozen: truth,
    always_changed: truth,
    desc: text,
    meta: anything,
    matrix: mapOf(either(text, anyList)),
  },
  ['cmd'],
)
const loop = record({ foreach: either(anyMap, anyList, text), do: stage }, ['foreach', 'do'])

const stageOrLoop: Shape = {
  wants: 'a map',
  check: (value, name, place, setting) => {
    const isLoop = isMap(value) && (value.has('foreach') || value.has('do'))
    const shape = isLoop ? loop : stage
    shape.check(value, `the stage ${name}`, place, setting)
  },
}

const topPlot = record({
  x: either(text, mapOf(text)),
  y: either(text, listOf(text), mapOf(either(text, listOf(text)))),
  x_label: text,
  y_label: text,
  title: text,
  template: text,
})

const pipelineFile = record({
  stages: mapOf(stageOrLoop),
  vars,
  params: listOf(text),
  metrics: listOf(text),
  plots: listOf(either(text, mapOf(either(topPlot, nothing)))),
  artifacts: mapOf(record({ path: text, ...annotation }, ['path'])),
  datasets: anything,
})

const checksum = simple('a digest', (value) => {
  if (value === null || value === '') return true
  return (typeof value === 'string' && value.length >= 3) || (typeof value === 'bigint' && value.toString().length >= 3)
})
const checksums = { md5: checksum, checksum, etag: checksum }
const fileMeta = { size: integer, nfiles: integer, isexec: truth, version_id: text }
const oneCloud: Shape = {
  wants: 'a map',
  check: (value, name, place, setting) => {
    mapOf(record({ ...fileMeta, ...checksums })).check(value, name, place, setting)
    if (isMap(value) && value.size > 1) throw faultAt(setting.code, place, `${name} names more than one remote`)
  },
}
const hash = simple('the name of a hash', (value) => typeof value === 'string' && value !== '')
const dataEntry = { ...checksums, ...fileMeta, path: text, persist: truth, cloud: oneCloud, hash }
const filesOfFolder = listOf(record({ ...checksums, ...fileMeta, relpath: text, cloud: oneCloud }, ['relpath']))
const repo = record(
  { url: text, rev: text, rev_lock: text, config: either(text, anyMap), remote: either(text, anyMap) },
  ['url'],
)
const database = record({ query: text, connection: text, file_format: text, table: text })

const dataFile = record({
  md5: checksum,
  wdir: either(text, nothing),
  deps: either(listOf(record({ ...dataEntry, repo, db: database, files: filesOfFolder, fs_config: anyMap })), nothing),
  outs: either(
    listOf(
      record(
        {
          ...dataEntry,
          ...annotation,
          cache: truth,
          remote: text,
          push: truth,
          files: filesOfFolder,
          fs_config: anyMap,
        },
        ['path'],
      ),
    ),
    nothing,
  ),
  locked: truth,
  frozen: truth,
  meta: anything,
  always_changed: truth,
  desc: text,
})

const lockEntry = record(
  { ...checksums, ...fileMeta, path: text, cloud: oneCloud, files: filesOfFolder, hash: text, dataset: anyMap },
  ['path'],
)
const lockFile = record(
  {
    schema: simple("'2.0'", (value) => value === '2.0'),
    datasets: anything,
    stages: mapOf(
      record(
        {
          cmd: either(text, anyList),
          deps: listOf(lockEntry),
          params: mapOf(mapOf(anything)),
          outs: listOf(lockEntry),
        },
        ['cmd'],
      ),
    ),
  },
  ['schema'],
)

/** @throws ERR_DEFINITION_INVALID with the place, and a suggestion for an unknown key */
export function refuseShapeOf(
  kind: 'dvc.yaml' | '.dvc' | 'dvc.lock',
  root: Value,
  start: Place,
  setting: Setting,
): void {
  const shapes = { 'dvc.yaml': pipelineFile, '.dvc': dataFile, 'dvc.lock': lockFile }
  shapes[kind].check(root, kind === '.dvc' ? 'a .dvc file' : kind, start, setting)
}
