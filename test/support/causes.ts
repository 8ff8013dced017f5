/** A project in which one thing is changed between two runs, and what is said of why they differ. */
import assert from 'node:assert/strict'
import type { Scratch } from './scratch.ts'

type Files = Readonly<Record<string, string>>

/** What is said first has to be `first`. */
export type Case = Readonly<{ name: string; change: Files; first: string }>
export type Told = Readonly<{ name: string; first: string; told: string | undefined }>

/** What `assay diff` says, first line of the causes, of a run of the project as it is, and one with the change. */
export async function firstCauses(project: Scratch, cases: readonly Case[]): Promise<readonly Told[]> {
  const { runId } = await project.json(0, 'run')
  const all: Told[] = []
  for (const { name, change, first } of cases) {
    const before = Object.fromEntries(Object.keys(change).map((path) => [path, project.read(path)]))
    project.write(change)
    project.commit(name)
    const changed = await project.json(0, 'run')
    const { causes } = await project.json(0, 'diff', runId, changed.runId)
    all.push({ name, first, told: causes[0]?.what })
    project.write(before)
  }
  return all
}

/** Those whose true cause was not told first. */
export function wrongOf(all: readonly Told[]): readonly Told[] {
  return all.filter(({ first, told }) => first !== told)
}

export function swapped(project: Scratch, path: string, from: string, to: string): Files {
  assert.ok(project.read(path).includes(from))
  return { [path]: project.read(path).replace(from, to) }
}

/** A stage that takes all that can be given to one, and a stage that builds on it. */
export const mixed: Files = {
  'dvc.yaml': `stages:
  mix:
    cmd: sh src/mix.sh \${mix.weight}
    deps: [src/mix.sh, data/rows.txt]
    params: [mix.weight]
    outs: [out/mix.txt]
  after:
    cmd: wc out/mix.txt > out/after.txt; cat out/mix.txt >> out/after.txt
    deps: [out/mix.txt]
    outs: [out/after.txt]
`,
  'params.yaml': 'mix: {weight: 1}\n',
  'src/mix.sh': '. src/lib.sh\n(cat data/rows.txt; say "$1 $ASSAY_SEED $MODE") > out/mix.txt\n',
  'src/lib.sh': 'say() { echo "$@"; }\n',
  'data/rows.txt': 'pear 1\napple 2\n',
  '.gitignore': '/out\n',
  'assay.yaml': `assay: 1
name: causes
data: {data/rows.txt: }
stages:
  mix: {seed: 1, env: {MODE: plain}}
`,
}
