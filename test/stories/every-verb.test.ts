/** Goal: call any verb from a program, without a terminal, and always get one document and an exit code that says what it means. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildProgram, type Verb, verbs } from '../../src/cli/program.ts'
import { errorTable } from '../../src/core/index.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { type Ran, runAssay, type Scratch, scratch, scratchEnvironment } from '../support/scratch.ts'

const nameOf = ({ usage }: Verb): readonly string[] => usage.split(' ').filter((word) => !/^[<[]/.test(word))
const needed = ({ usage }: Verb): readonly string[] => usage.split(' ').filter((word) => word.startsWith('<'))

/** What the arguments of the table stand for in the project of the stories. */
const given: Readonly<Record<string, string>> = {
  '<stage>': 'count',
  '<id>': 'words',
  '<place>': 'data/words.txt',
  '<file>': '../backup.pem',
  '<artifact>': 'model/count.txt',
  '<shell>': 'bash',
  '<dataset>': 'data/words.txt',
}

/** Nothing to type with, as in CI. */
function call(project: Scratch, ...args: readonly string[]): Promise<Ran> {
  return runAssay(args, project.root, { ...scratchEnvironment(project.keys), CI: 'true' })
}

/** Exactly one document, and an error's exit code is the one of the table. */
function assertOneDocument(label: string, { code, stdout }: Ran): void {
  let document: { error?: { code: string; message: string; help: string; details: object } }
  try {
    document = JSON.parse(stdout)
  } catch {
    assert.fail(`${label}: not one document:\n${stdout}`)
  }
  assert.ok(code !== null && code >= 0 && code <= 4, `${label} exited ${code}`)
  if (document.error === undefined) return
  const entry = Object.entries(errorTable).find(([name]) => name === document.error?.code)?.[1]
  assert.ok(entry !== undefined, `${label}: ${document.error.code} is in no table`)
  assert.notEqual(document.error.code, 'ERR_INTERNAL', `${label}: ${document.error.message}`)
  assert.ok(document.error.help !== '' && document.error.details !== undefined, label)
  if (!('stages' in document)) assert.equal(code, entry.exit, `${label}: ${document.error.code}`)
}

/** Two at a time, as there are cores. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items]
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all([worker(), worker()])
}

test('every verb has help with examples, and help is a document too', async (context) => {
  for (const verb of verbs) {
    let said = ''
    const program = buildProgram(
      '1.0.0',
      async () => assert.fail('it ran'),
      (text) => {
        said += text
      },
    )
    await assert.rejects(program.parseAsync([...nameOf(verb), '--help'], { from: 'user' }), { exitCode: 0 })
    assert.match(said, /^Usage: assay [\s\S]*Examples:\n {2}assay /, verb.usage)
  }
  const project = scratch(context, {})
  assert.match(JSON.parse((await call(project, 'run', '--help', '--json')).stdout).help, /^Usage: [\s\S]*Examples/)
  assert.match(JSON.parse((await call(project, '--version', '--json')).stdout).version, /^\d+\.\d+\.\d+$/)
  assert.match((await call(project, 'run', '--help')).stdout, /^Usage: assay run/)
})

test('every verb, outside a project, and with an option that it does not have, answers with one document', async (context) => {
  const project = scratch(context, { 'README.md': 'nothing here\n' })
  await each(verbs, async (verb) => {
    const args = [...nameOf(verb), ...needed(verb).map((word) => given[word] ?? 'x')]
    assertOneDocument(`${verb.usage} outside`, await call(project, ...args, '--json'))
    if (verbs.indexOf(verb) % 5 > 0) return
    const mistaken = await call(project, ...args, '--no-such-option', '--json')
    assertOneDocument(`${verb.usage} mistaken`, mistaken)
    assert.equal(JSON.parse(mistaken.stdout).error?.code, 'ERR_USAGE', verb.usage)
  })
})

test('every verb, in a project that ran, answers with one document and asks nothing', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  // in the order of the table: the last ones revoke and collect
  for (const verb of verbs) {
    const args = [...nameOf(verb), ...needed(verb).map((word) => given[word] ?? 'x')]
    const ran = await call(project, ...args, '--json')
    assertOneDocument(verb.usage, ran)
  }
})

test('every verb, in a project whose definition is broken, answers with one document', async (context) => {
  const project = await adopted(context, words)
  project.write({ 'dvc.yaml': 'stages: {a: {cmd: [}}\n' })
  await each(verbs, async (verb) => {
    const args = [...nameOf(verb), ...needed(verb).map((word) => given[word] ?? 'x')]
    assertOneDocument(`${verb.usage} broken`, await call(project, ...args, '--json'))
  })
})

test('without a word assay says what it can do, and that this was no command', async (context) => {
  const project = scratch(context, {})
  const alone = await call(project)
  assert.equal(alone.code, 2)
  assert.match(alone.stdout + alone.stderr, /Usage: assay [\s\S]*verify [\s\S]*Exit codes/)
})
