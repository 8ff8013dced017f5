/**
 * The version of what `.assay` holds, in `.assay/format`: a number on a line.
 *
 * Each part has its own care too: the stat cache and environments are built again when they are of another version, and
 * evidence names its types itself. This number is for what could be *misread*: it is raised when an older assay must not
 * touch what a newer one wrote. docs/formats/state.md
 */
import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DomainError, isDomainError } from '../core/index.ts'
import { ioFault } from '../data/index.ts'
import { writeDurably } from './evidence.fs.ts'

const currentFormat = 1

type Step = (state: string) => void
/** What makes format N + 1 of format N, at index N - 1. Each may be killed and run again. */
const steps: readonly Step[] = []

/** Before the number was written: 0.1.0 and its like. */
const unmarkedFormat = 1
const maxMarkBytes = 64

/**
 * Brings `.assay` forward to the format of this assay.
 *
 * @param state absolute folder
 * @throws ERR_FORMAT_NEWER when a newer assay wrote it, or nobody knows who; nothing is touched then
 */
export function migrateState(state: string): void {
  const mark = join(state, 'format')
  const found = readMark(mark)
  if (found === currentFormat) return
  if (found !== undefined && (Number.isNaN(found) || found > currentFormat)) throw newer(found)
  const pending = steps.slice((found ?? unmarkedFormat) - 1)
  for (const step of pending) step(state)
  try {
    writeDurably(mark, Buffer.from(`${currentFormat}\n`))
  } catch (error) {
    // INVARIANT: where nothing had to be changed, a folder without the mark is of the same format as one with it
    if (pending.length > 0 || !isDomainError(error)) throw error
  }
}

/** @returns NaN for what is no number. THREAT: a link or a pipe in its place */
function readMark(file: string): number | undefined {
  try {
    const status = lstatSync(file, { throwIfNoEntry: false })
    if (status === undefined) return undefined
    if (!status.isFile() || status.size > maxMarkBytes) return Number.NaN
    const text = readFileSync(file, 'utf8')
    return /^[1-9]\d{0,8}\n$/.test(text) ? Number(text) : Number.NaN
  } catch (error) {
    throw ioFault(error, file)
  }
}

function newer(found: number): DomainError {
  const said = Number.isNaN(found) ? 'a format that cannot be read' : `format ${found}`
  return new DomainError('ERR_FORMAT_NEWER', `\`.assay\` has ${said}, and this assay knows ${currentFormat}`, {
    help: 'update assay; or put the folder aside (mv .assay .assay-newer) and let assay make its own',
  })
}
