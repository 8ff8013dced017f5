/** Commands to be copied, made of names that come with the data. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { listOfNames, nextStep, reviewCommand, type Waiting } from './judge-command.ts'
import type { Triage } from './review-data.ts'
import { printReviewPage } from './review-page.ts'

const evil = "cats/$(touch hacked)`id`'.jpg"

/** What a shell makes of it, with `assay` as a function that says its words. */
function wordsIn(command: string): readonly string[] {
  const script = `assay() { printf '%s\\n' "$@"; }\n${command}`
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n')
}

test('THREAT names in the data: a command that is copied runs none of them', () => {
  const command = `${reviewCommand('data/a b')} --bad ${listOfNames([evil, 'dogs/1.jpg'])}`
  assert.deepEqual(wordsIn(command), ['data', 'review', 'data/a b', '--bad', `${evil},dogs/1.jpg`])
  assert.equal(
    `${reviewCommand('data/t.csv')} --bad ${listOfNames([3, 17])}`,
    'assay data review data/t.csv --bad 3,17',
  )
})

const entities: Readonly<Record<string, string>> = {
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&amp;': '&',
}
function commandOn(names: readonly string[]): string {
  const suspects = names.map((name) => ({
    ...{ hash: 'a'.repeat(64), content: 'b'.repeat(64), rows: [name] },
    ...{ reasons: [], values: ['cats'] },
  }))
  const triage: Triage = {
    ...{
      path: 'data/scans',
      kind: 'files',
      classification: 'public',
      isSearched: true,
      isReplacing: false,
      unseen: [],
      more: 0,
    },
    ...{ digest: `sha256:${'0'.repeat(64)}`, columns: ['label'], suspects },
    content: { kind: 'file', digest: `sha256:${'0'.repeat(64)}`, sizeBytes: 0, executable: false },
  }
  const page = printReviewPage({ triage, pictures: new Map(), version: '1', writtenAt: new Date(0) })
  const [, shown = ''] = /class="wide mono command">([^<]*)</.exec(page) ?? []
  return shown.replace(/&[#\w]+;/g, (entity) => entities[entity] ?? entity)
}

test('the page quotes them too; a name with a comma is judged by a file', () => {
  assert.deepEqual(wordsIn(commandOn([evil, '1.jpg'])).slice(0, 5), [
    'data',
    'review',
    'data/scans',
    '--bad',
    `${evil},1.jpg`,
  ])
  assert.match(commandOn(['a,b.jpg', '1.jpg']), /--bad 1\.jpg --good/)
  assert.match(commandOn(['a,b.jpg']), /--from judged\.json$/)
})

test('the next step is told also where nothing is suspect, but what was judged before does not carry over', () => {
  const nothing: Waiting = { path: 'data/t.csv', kind: 'rows', suspects: [], isReplacing: false }
  const review = 'assay data review data/t.csv'
  assert.equal(nextStep(nothing), undefined)
  assert.equal(
    nextStep({ ...nothing, isReplacing: true }),
    `look for those rows again, then: ${review} --replace --bad ROWS --good ROWS --because TEXT`,
  )
  const some: Waiting = { ...nothing, suspects: [{ rows: [7, 9] }] }
  assert.equal(nextStep(some), `at a terminal, or: ${review} --good ROWS --bad 7 --because TEXT`)
  assert.equal(
    nextStep({ ...some, isReplacing: true }),
    `at a terminal: ${review} --replace; or: ${review} --replace --good ROWS --bad 7 --because TEXT`,
  )
  const unlistable: Waiting = { ...nothing, kind: 'files', suspects: [{ rows: ['a,b.jpg'] }], isReplacing: true }
  assert.match(nextStep(unlistable) ?? '', / --replace --from judged\.json$/)
})
