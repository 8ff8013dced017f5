import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DomainError } from '../core/index.ts'
import { eachTold, eachTried } from './each-tried.ts'

const failing = (message: string) => (): never => {
  throw new DomainError('ERR_IO', message)
}

test('every step of an ending is tried; the first fault is thrown, and those behind it are told', async () => {
  const [told, done]: [string[], string[]] = [[], []]
  const tell = (text: string): number => told.push(text.split('\n')[0] ?? '')
  const close = async (): Promise<{ level: number }> => {
    done.push('closed')
    return { level: 1 }
  }
  assert.deepEqual(await eachTried(tell, [() => done.push('log')], close), { level: 1 })
  await assert.rejects(eachTried(tell, [failing('dvc'), failing('log'), () => done.push('log')], close), {
    message: 'dvc',
  })
  await assert.rejects(eachTried(tell, [failing('log')], failing('record')), { message: 'log' })
  await assert.rejects(eachTried(tell, [], failing('record')), { message: 'record' })
  assert.deepEqual(done, ['log', 'closed', 'log', 'closed'])
  assert.deepEqual(told, ['besides: log (ERR_IO)', 'besides: record (ERR_IO)'])
})

test('where another fault ends the run, what goes wrong besides is told and hides it not', async () => {
  const told: string[] = []
  await eachTold((text) => told.push(text.split('\n')[0] ?? ''), [failing('dvc'), failing('log')])
  assert.deepEqual(told, ['besides: dvc (ERR_IO)', 'besides: log (ERR_IO)'])
})
