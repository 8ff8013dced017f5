/** Goal: press the tab key and be offered what is there, in the shell that one has. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import { assayProgram, type Scratch, scratchEnvironment } from '../support/scratch.ts'

const matrix = `${words['dvc.yaml']}  fit:
    foreach: [1, 2]
    do:
      cmd: echo \${item} > model/fit\${item}.txt
      outs: ['model/fit\${item}.txt']
`

function runShell(project: Scratch, shell: string, args: readonly string[]): string {
  const environment = scratchEnvironment(project.keys)
  const PATH = `${dirname(assayProgram)}:${environment['PATH']}`
  return execFileSync(shell, args, { cwd: project.root, env: { ...environment, PATH, TERM: 'dumb' }, encoding: 'utf8' })
}

/** What bash itself does at a tab: it splits the line at its word breaks, calls the function, reads COMPREPLY. */
function bashOffers(project: Scratch, line: string): readonly string[] {
  const script = `source <(assay completion bash)
COMP_LINE=$1 COMP_POINT=\${#1}
# SOURCE: bash(1), COMP_WORDS: split as readline does, COMP_WORDBREAKS characters being words of their own
spaced=$(sed -E 's/([:@=])/ \\1 /g' <<<"$1")
read -ra COMP_WORDS <<<"$spaced"
case $1 in *[[:space:]:@=]) COMP_WORDS+=('') ;; esac
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_assay && printf '%s\\n' "\${COMPREPLY[@]}"`
  return runShell(project, 'bash', ['-c', script, 'bash', line])
    .split('\n')
    .filter((each) => each !== '')
}

test('bash offers verbs, options, stages with their word breaks, artifacts, and files where a file is meant', async (context) => {
  const project = await adopted(context, { ...words, 'dvc.yaml': matrix })
  assert.deepEqual(bashOffers(project, 'assay st'), ['status'])
  assert.deepEqual(bashOffers(project, 'assay run '), ['sort', 'count', 'fit@1', 'fit@2'])
  assert.deepEqual(bashOffers(project, 'assay run sort f'), ['fit@1', 'fit@2'])
  assert.deepEqual(bashOffers(project, 'assay run fit@'), ['1', '2'], 'readline has broken the word')
  assert.deepEqual(bashOffers(project, 'assay run --dr'), ['--dry-run', '--draft'])
  assert.deepEqual(bashOffers(project, 'assay verify model/f'), ['model/fit1.txt', 'model/fit2.txt'])
  assert.deepEqual(bashOffers(project, 'assay verify --policy '), [])
})

test('in a broken project, and in none, verbs are still completed and nothing is said', async (context) => {
  const project = await adopted(context, words)
  project.write({ 'dvc.yaml': 'stages: [\n' })
  assert.deepEqual(bashOffers(project, 'assay run '), [])
  assert.deepEqual(bashOffers(project, 'assay tr'), ['trust'])
  const { error } = await project.json(2, 'completion', 'powershell')
  assert.deepEqual([error.code, error.help], ['ERR_USAGE', 'one of bash, zsh, fish'])
})

for (const shell of ['zsh', 'fish']) {
  const isHere = spawnSync(shell, ['-c', 'true']).status === 0
  test(`${shell} reads its script and offers the stages`, {
    skip: !isHere && `${shell} is not here`,
  }, async (context) => {
    const project = await adopted(context, { ...words, 'dvc.yaml': matrix })
    if (shell === 'fish') {
      const offered = runShell(project, 'fish', ['-c', 'assay completion fish | source; complete -C "assay run f"'])
      assert.deepEqual(offered.split('\n').filter(Boolean), ['fit@1\ta stage', 'fit@2\ta stage'])
      return
    }
    // the system of completion needs a line editor, so what it would be told is caught
    const script = `compdef() { : }; source <(assay completion zsh); _describe() { print -rl -- "\${(@P)3}" }; _files() { print files }
words=(assay run f); CURRENT=3; _assay; words=(assay verify --policy ''); CURRENT=4; _assay`
    assert.deepEqual(runShell(project, 'zsh', ['-fc', script]).split('\n').filter(Boolean), [
      'fit@1:a stage',
      'fit@2:a stage',
      'files',
    ])
  })
}
