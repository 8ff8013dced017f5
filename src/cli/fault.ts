/** One fault, told to a person or to a program. */
import { DomainError, type ErrorCode, errorTable, oneLine, printable } from '../core/index.ts'
import type { Output } from './output.ts'

export type Fault = Readonly<{ code: ErrorCode; message: string; help: string; details: DomainError['details'] }>

/** What the machine lacks, wherever it was met: no bug of ours, and the next step is the user's. */
const lacks: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'ERR_DISK_FULL',
  EDQUOT: 'ERR_DISK_FULL',
  EROFS: 'ERR_IO',
  EIO: 'ERR_IO',
  EMFILE: 'ERR_IO',
  ENFILE: 'ERR_IO',
}

/** A `DomainError` as it is, a lack of the machine by its code; anything else is a bug and says so. */
export function faultOf(error: unknown): Fault {
  if (error instanceof DomainError) {
    return { code: error.code, message: error.message, help: error.help, details: error.details }
  }
  const errno = error instanceof Error && 'code' in error ? String(error.code) : ''
  const lack = lacks[errno]
  if (lack !== undefined) {
    const what = lack === 'ERR_DISK_FULL' ? 'there is no space left to write' : `the system refused (${errno})`
    const path = error instanceof Error && 'path' in error ? printable(`: \`${String(error.path)}\``) : ''
    return { code: lack, message: `${what}${path}`, help: errorTable[lack].help, details: {} }
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { code: 'ERR_INTERNAL', message, help: errorTable.ERR_INTERNAL.help, details: {} }
}

export function exitOf(fault: Fault): 1 | 2 | 3 | 4 {
  return errorTable[fault.code].exit
}

export function tellFault(output: Output, fault: Fault): void {
  if (output.json) {
    output.document({ error: fault })
    return
  }
  output.note(`${output.style(['bold', 'red'], 'error')}: ${oneLine(fault.message)} (${fault.code})`)
  output.note(`  next: ${printable(fault.help)}`)
}
