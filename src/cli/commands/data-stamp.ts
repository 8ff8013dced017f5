/** `assay data stamp`: from a suspicion in the data to a question to the model. */
import { DomainError, oneLine, printable, quotedForShell } from '../../core/index.ts'
import { stampData } from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'
import { tellCheck } from './data-validate.ts'

const maxEach = 1000
const word = (name: string): string => oneLine(quotedForShell(name))

export async function dataStamp(
  context: CliContext,
  [id = '', path = '']: readonly string[],
  options: Readonly<{ rows?: string; out?: string; label?: string; each: string; replace?: boolean }>,
): Promise<Exit> {
  const { output } = context
  const { rows, out, label } = options
  if (rows === undefined || out === undefined)
    throw new DomainError('ERR_USAGE', 'stamping needs clean rows, and a place for the stamped ones', {
      help: `assay data stamp ${word(id)} ${word(path)} --rows HELD_OUT --out STAMPED.csv`,
    })
  const each = Number(options.each)
  if (!Number.isInteger(each) || each < 1 || each > maxEach)
    throw new DomainError('ERR_USAGE', `\`--each\` is a number of rows from 1 to ${maxEach}`)
  output.progress(`looking for triggers in ${printable(path)}`)
  const replace = options.replace === true
  const asked = { id, rows, out, each, replace, ...(label === undefined ? {} : { label }) }
  const found = await stampData(context, path, asked)
  const { source, written = [], stamps, checks } = found
  const isTold = found.classification === 'public' || found.classification === 'internal'
  const told = stamps.map(({ what, target, carriers, controls }, index) => ({
    ...{ stamp: `t${index + 1}`, what, carriers, controls },
    ...(isTold ? { target } : {}),
  }))
  output.document({ stamps: told, rows: found.rows, checks, ...(source === undefined ? {} : { source }) })
  if (source === undefined) {
    output.line(`${output.style(['bold', 'red'], 'FAILED')}  ${printable(path)} or the clean rows cannot be read`)
    for (const check of checks) tellCheck(output, check)
    return 1
  }
  output.line(`${oneLine(source.id)}  ${oneLine(source.path)}  ${found.rows} rows  ${stamps.length} triggers`)
  const lines = told.map((one) => [
    `  ${one.stamp}`,
    printable(one.what),
    `${one.carriers} rows carry it`,
    one.controls === 0 ? 'no control: all rows of its label carry it' : `${one.controls} controls`,
    'target' in one ? `label ${printable(one.target)}` : '',
  ])
  for (const line of table(lines)) output.line(line)
  output.line(
    `written: ${[oneLine(source.path), ...written].join(', ')}; commit, then: assay data approve ${word(source.id)}`,
  )
  return 0
}
