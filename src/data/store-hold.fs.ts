/**
 * Who may collect, and when: a hold is a file in `holds`, the collector's turn is `collector`; each names its process.
 *
 * INVARIANT: both write their own file first and look for the other's then, so that of two that come at once at least
 * one sees the other and gives way.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DomainError } from '../core/index.ts'
import { errnoOf } from './io-fault.ts'
import { holdFolder } from './object-files.fs.ts'
import type { StoreHold } from './object-store.ts'
import { isOwnerAlive, nameOfOwn } from './process-owner.fs.ts'

/** @throws ERR_STORE_BUSY while another process collects */
export function holdStore(root: string): StoreHold {
  mkdirSync(holdFolder(root), { recursive: true, mode: 0o700 })
  const file = join(holdFolder(root), nameOfOwn())
  closeSync(openSync(file, 'wx', 0o600))
  const release = (): void => rmSync(file, { force: true })
  if (isCollecting(root)) {
    release()
    throw new DomainError('ERR_STORE_BUSY', 'another assay process is collecting the objects of this store')
  }
  return { [Symbol.dispose]: release }
}

/** @throws ERR_STORE_BUSY when a process holds the store or collects it already */
export function takeCollectorsTurn(root: string): StoreHold {
  mkdirSync(holdFolder(root), { recursive: true, mode: 0o700 })
  const file = collectorFile(root)
  if (!isCollecting(root)) rmSync(file, { force: true })
  try {
    writeFileSync(file, nameOfOwn(), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    throw new DomainError('ERR_STORE_BUSY', 'another assay process is collecting the objects of this store')
  }
  const release = (): void => rmSync(file, { force: true })
  const holders = readdirSync(holdFolder(root)).filter((name) => isOwnerAlive(name) === true)
  if (holders.length > 0) {
    release()
    const pid = holders[0]?.split('.')[0] ?? ''
    throw new DomainError('ERR_STORE_BUSY', `the process ${pid} is using this store`)
  }
  return { [Symbol.dispose]: release }
}

function isCollecting(root: string): boolean {
  try {
    return isOwnerAlive(readFileSync(collectorFile(root), 'utf8')) === true
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return false
  }
}

function collectorFile(root: string): string {
  return join(root, 'collector')
}
