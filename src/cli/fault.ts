/** One fault, told to a person or to a program. */
import { DomainError, type ErrorCode, errorTable, oneLine, printable } from '../core/index.ts'
import type { Output } from './output.ts'

export type Fault = Readonly<{ code: ErrorCode; message: string; help: string; details: DomainError['details'] }>

/** A `DomainError` as it is; anything else is a bug and says so. */
export function faultOf(error: unknown): Fault {
  if (error instanceof DomainError) {
    return { code: error.code, message: error.message, help: error.help, details: error.details }
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
