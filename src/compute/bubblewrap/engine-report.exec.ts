/** What an engine tells while a stage runs, read line by line as it comes: a stage that makes it tell much fills no disk. */
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { type Listener, maxReportLine, type Told } from './box-engine.ts'
import type { Fifo } from './supplies.exec.ts'

export type EngineReport = Readonly<{
  /** Given to the engine; `handedOver` closes ours. */
  writeEnd: number
  handedOver(): void
  /** When every writer is gone. */
  finished: Promise<void>
  told(): Told
  close(): void
}>

export function openReport(fifo: Fifo, listener: Listener): EngineReport {
  const socket = new Socket({ fd: fifo.readEnd, readable: true, writable: false })
  let rest = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(0, maxReportLine)
    for (const line of lines) listener.take(line.slice(0, maxReportLine))
  })
  const finished = new Promise<void>((resolve, reject) => {
    socket.once('error', reject).once('close', () => {
      if (rest !== '') listener.take(rest)
      resolve()
    })
  })
  finished.catch(() => undefined) // whoever waits for it is told
  return {
    writeEnd: fifo.writeEnd,
    handedOver: () => closeSync(fifo.writeEnd),
    finished,
    told: listener.told,
    close: () => void socket.destroy(),
  }
}
