import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatedCheck } from '../attestation/index.ts'
import { isDomainError } from '../core/index.ts'
import { failing, type WaiverAsked } from './waivable.ts'

const stated = (name: string, verdict: StatedCheck['verdict'], column?: string): StatedCheck => ({
  ...{ name, verdict, count: 1 },
  ...(column === undefined ? {} : { column }),
})

const checks = [
  stated('format/readable', 'pass'),
  stated('quality/nullValues', 'fail', 'age'),
  stated('drift/psi', 'warn', 'age'),
  stated('schema/range', 'fail', 'year of birth'),
  stated('schema/unique', 'fail'),
]

function refusalOf(asked: Omit<WaiverAsked, 'path'>, of = checks): string {
  try {
    failing({ path: 'data/t.csv', ...asked }, of)
  } catch (error) {
    if (isDomainError(error, 'ERR_DATA_WAIVER_MISMATCH')) return `${error.message} | ${error.help}`
    throw error
  }
  return 'none'
}

test('refuses a waiver of what did not fail, and names what did, the nearest spelling first', () => {
  const all = "quality/nullValues --column age; schema/range --column 'year of birth'; schema/unique"
  const cases: readonly (readonly [Omit<WaiverAsked, 'path'>, string])[] = [
    [
      { check: 'schema/uniqe' },
      "`schema/uniqe` is no check that fails on `data/t.csv` | what fails, and can be waived: schema/unique; quality/nullValues --column age; schema/range --column 'year of birth'",
    ],
    [
      { check: 'schema/range', column: 'age' },
      "`schema/range` of `age` is no check that fails on `data/t.csv` | what fails, and can be waived: schema/range --column 'year of birth'; quality/nullValues --column age; schema/unique",
    ],
    [
      { check: 'drift/psi', column: 'age' },
      `\`drift/psi\` of \`age\` only warned on \`data/t.csv\`: a waiver is for what failed | what fails, and can be waived: ${all}`,
    ],
    [
      { check: 'format/readable' },
      `\`format/readable\` passed on \`data/t.csv\`: a waiver is for what failed | what fails, and can be waived: ${all}`,
    ],
    [{ check: 'schema/unique' }, 'none'],
    [{ check: 'schema/range', column: 'year of birth' }, 'none'],
  ]
  for (const [asked, expected] of cases) assert.equal(refusalOf(asked), expected)
})

test('refuses a waiver of data on which nothing fails', () => {
  assert.equal(
    refusalOf({ check: 'schema/unique' }, [stated('schema/unique', 'pass')]),
    '`schema/unique` passed on `data/t.csv`: a waiver is for what failed | nothing fails on it: assay data validate data/t.csv tells what was checked',
  )
})
