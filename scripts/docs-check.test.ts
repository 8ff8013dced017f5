import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { codesSaid, commandsOf, copyTool } from './docs-check.ts'
import { printErrors } from './docs-errors.ts'
import { unknownIn } from './docs-verbs.ts'
import { anchorOf, readPage } from './markdown.ts'

const page = `# A title: \`code\`

See [there](other.md#part) and \`[not](this.md)\`.

\`\`\`sh
assay run
[no](link.md)
\`\`\`

\`\`\`console
$ assay verify x   # exits 1
refused
$ assay verify
\`\`\`

\`\`\`text
assay destroy
\`\`\`

    assay status

- a list
    assay in prose of a list
`

test('a page gives its blocks, links, headings and indented commands', () => {
  const { fences, links, anchors, indented } = readPage(page)
  assert.deepEqual(
    fences.map(({ info, line }) => [info, line]),
    [
      ['sh', 5],
      ['console', 10],
      ['text', 16],
    ],
  )
  assert.deepEqual(links, [{ target: 'other.md#part', line: 3 }])
  assert.deepEqual([...anchors], ['a-title-code'])
  assert.deepEqual(indented, [{ text: 'assay status', line: 20 }])
})

test('a block of sh is one script, of console its prompts, of text nothing', () => {
  const commands = readPage(page).fences.flatMap((fence) => commandsOf(fence, 'page.md'))
  assert.deepEqual(commands, [
    { script: 'set -e\nassay run\n[no](link.md)', exit: 0, place: 'page.md:5' },
    { script: 'assay verify x', exit: 1, place: 'page.md:11' },
    { script: 'assay verify', exit: 0, place: 'page.md:13' },
  ])
})

test('headings become the anchors that GitHub makes', () => {
  assert.equal(anchorOf('ERR_IO'), 'err_io')
  assert.equal(anchorOf('What it guarantees, and what not'), 'what-it-guarantees-and-what-not')
})

test('a code is said by a string or a key of the table, not by a comment', () => {
  const code = `// ERR_COMMENT\nthrow new DomainError('ERR_THROWN', \`ERR_IN_TEXT\`)\nerrorTable.ERR_MEMBER.help`
  assert.deepEqual(codesSaid(code), ['ERR_THROWN', 'ERR_MEMBER'])
})

test('the page of errors has one heading a code, in order', () => {
  const text = printErrors({
    ERR_B: { exit: 2, meaning: 'B is wrong.', help: 'mend b' },
    ERR_A: { exit: 1, meaning: 'A is refused.', help: 'ask a' },
  })
  assert.match(
    text,
    /## ERR_A\n\nA is refused\. Exit 1\.\n\nNext: ask a\.\n\n## ERR_B\n\nB is wrong\. Exit 2\.\n\nNext: mend b\.\n$/,
  )
})

test('a command that is only named must have its verb and its options', () => {
  const known = [
    { usage: 'run [stages...]', summary: '', options: [['--force', ''] as const], examples: [], load: never },
    {
      usage: 'data add <id> <path>',
      summary: '',
      options: [['--owner <person>', ''] as const],
      examples: [],
      load: never,
    },
  ]
  assert.equal(unknownIn('assay run train --force', known), undefined)
  assert.equal(unknownIn('assay data add ID PATH --owner=me --json', known), undefined)
  assert.equal(unknownIn('assay data', known), undefined)
  assert.equal(unknownIn('assay --version', known), undefined)
  assert.equal(unknownIn('assay run --quick', known), 'there is no option `--quick`')
  assert.equal(unknownIn('assay data remove ID', known), 'there is no verb `data remove`')
  assert.equal(unknownIn('assay destroy', known), 'there is no verb `destroy`')
})

function never(): never {
  throw new Error('no verb is run here')
}

test('the tool that documents run is a copy that works, and is gone when they have', () => {
  const root = join(import.meta.dirname, '..')
  let bin: string
  {
    using tool = copyTool()
    bin = tool.bin
    const version = (): string =>
      execFileSync(join(bin, 'assay'), ['--version'], { encoding: 'utf8', stdio: 'pipe' }).trim()
    assert.equal(
      version(),
      (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
    )
    rmSync(join(bin, '../dist'), { recursive: true })
    assert.throws(version, /it is not built/, 'what runs is what was copied')
  }
  assert.equal(existsSync(bin), false)
  assert.ok(existsSync(join(root, 'node_modules/typescript')), 'what the copy links to is left')
})
