import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStageOutput } from './stage-output.ts'

type Push = readonly [stage: string, bytes: string | Buffer, beside?: boolean]

function told(...pushes: readonly Push[]): readonly string[] {
  const lines: string[] = []
  const output = openStageOutput({ line: (text) => lines.push(text), growing: (text) => lines.push(`~${text}`) })
  for (const [stage, bytes, beside = false] of pushes) output.push(stage, Buffer.from(bytes), beside)
  for (const stage of new Set(pushes.map(([name]) => name))) output.end(stage)
  return lines
}

test('lines come as they end, what is not ended grows, and nothing is lost at the end', () => {
  assert.deepEqual(told(['a', 'one\ntw'], ['a', 'o\nthree']), ['one', '~tw', 'two', '~three', 'three'])
})

test('stages that run at once are told in whole lines, each with its name', () => {
  const pushes: readonly Push[] = [
    ['a', 'x', true],
    ['b', 'y', true],
    ['a', '1\n', true],
    ['b', '2\n', true],
  ]
  assert.deepEqual(
    told(...pushes).filter((line) => !line.startsWith('~')),
    ['a | x1', 'b | y2'],
  )
})

test('a progress bar is told as a terminal would show it, and a letter that two chunks share is one letter', () => {
  const letter = Buffer.from('\u00e9')
  assert.deepEqual(told(['a', '\r10 %\r20 %'], ['a', '\r30 %\r\n']), ['~20 %', '30 %'])
  assert.deepEqual(told(['a', letter.subarray(0, 1)], ['a', letter.subarray(1)], ['a', '\n']), ['~\u00e9', '\u00e9'])
})

test('no escape sequence reaches a terminal, and a line without an end is told in parts', () => {
  assert.deepEqual(told(['a', '\u001b]52;c;x\u0007\n']), ['\\u{1b}]52;c;x\\u{7}'])
  const [first = '', ...rest] = told(['a', 'x'.repeat(70_000)])
  assert.deepEqual([first.length, rest.at(-1)?.length], [65_536, 70_000 - 65_536])
})
