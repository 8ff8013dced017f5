/**
 * Nothing changed: what does `assay run` cost then? Against `dvc repro` in the same project, after each one's own run.
 *
 * Growth over stages (4, 50, 500), over tracked files (100, 1,000, 10,000), and right after a commit, when what is
 * remembered of the last one holds no longer.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { heading, measure, type Row, row, type Timed } from './measure.ts'
import { assay, makeFiles, peer, project, run } from './scratch.ts'

/** Each stage copies what the one before it made. */
export function chain(stages: number): Readonly<Record<string, string>> {
  const lines = Array.from({ length: stages }, (_, index) => {
    const dep = index === 0 ? 'in.txt' : `out/${index - 1}.txt`
    return `  s${index}: {cmd: cp ${dep} out/${index}.txt, deps: [${dep}], outs: [out/${index}.txt]}\n`
  })
  return { 'dvc.yaml': `stages:\n${lines.join('')}`, 'in.txt': 'in\n', '.gitignore': '/out\n' }
}

/** Stages that do not wait for each other. */
export function fan(stages: number): Readonly<Record<string, string>> {
  const lines = Array.from({ length: stages }, (_, index) => {
    return `  s${index}: {cmd: cp in.txt out/${index}.txt, deps: [in.txt], outs: [out/${index}.txt]}\n`
  })
  return { 'dvc.yaml': `stages:\n${lines.join('')}`, 'in.txt': 'in\n', '.gitignore': '/out\n' }
}

/** Has assay tell DVC what the stages came to, so that DVC's first run, minutes for 500 stages, need not be waited for. */
const besideDvc = { 'dvc.lock': "schema: '2.0'\n" }

/** Both tools by turns on the same project; for DVC too nothing is left to do there. */
export function againstRepro(root: string, rounds: number): Pick<Row, 'ours' | 'peer'> & Partial<Pick<Row, 'theirs'>> {
  const ours = { name: 'assay', command: [assay, 'run'], cwd: root }
  if (peer('dvc') === undefined) {
    settle(root)
    const [only] = measure([ours], rounds)
    return { ours: only ?? never(), peer: 'dvc repro: not here' }
  }
  run(['dvc', 'repro', '--quiet'], root)
  settle(root)
  const [mine, theirs] = measure([ours, { name: 'dvc', command: ['dvc', 'repro', '--quiet'], cwd: root }], rounds)
  return { ours: mine ?? never(), peer: 'dvc repro', ...(theirs === undefined ? {} : { theirs }) }
}

/** A user comes back after a while: what was written is older than the file system's clock can blur. */
function settle(root: string): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500)
  for (const _ of [1, 2]) run([assay, 'run'], root)
}

function never(): Timed {
  throw new Error('nothing was measured')
}

function timesFaster(factor: number, timed: ReturnType<typeof againstRepro>): NonNullable<Row['goal']> {
  const met = timed.theirs === undefined ? undefined : timed.ours.ms * factor <= timed.theirs.ms
  return { text: `${factor} times faster`, met }
}

export async function noOp(): Promise<void> {
  heading('No-op: nothing changed since the last run')
  const four = project('no-op-4', { ...chain(4), ...besideDvc })
  run([assay, 'run'], four)
  const timed = againstRepro(four, 11)
  row({ what: '4 stages', ...timed, goal: timesFaster(5, timed) })
  run(['git', 'commit', '--quiet', '--allow-empty', '--message', 'next'], four)
  const commit = (): void => void run(['git', 'commit', '--quiet', '--allow-empty', '--message', 'next'], four)
  const [after] = measure([{ name: 'assay', command: [assay, 'run'], cwd: four, before: commit }], 5)
  if (after !== undefined) row({ what: '4 stages, right after a commit', ours: after })

  for (const stages of [50, 500]) {
    const root = project(`no-op-${stages}`, { ...fan(stages), ...besideDvc })
    run([assay, 'run'], root)
    const many = againstRepro(root, stages === 500 ? 3 : 5)
    const isMet = many.ours.ms < 1000 && many.ours.peakKib < 300 * 1024
    const goal = stages === 500 ? { goal: { text: 'under 1 s in under 300 MB', met: isMet } } : {}
    row({ what: `${stages} stages`, ...many, ...goal, note: `peak ${(many.ours.peakKib / 1024).toFixed(0)} MiB` })
  }

  for (const files of [100, 1000, 10_000]) {
    const root = project(`tracked-${files}`, { ...chain(4), ...besideDvc }, (folder) =>
      makeFiles(join(folder, 'src'), files, 1024),
    )
    run([assay, 'run'], root)
    row({ what: `4 stages, ${files} tracked files`, ...againstRepro(root, 5) })
    writeFileSync(join(root, 'note.txt'), 'next\n')
    run(['git', 'add', 'note.txt'], root)
    run(['git', 'commit', '--quiet', '--message', 'next'], root)
    const [after2] = measure([{ name: 'assay', command: [assay, 'run'], cwd: root }], 1)
    if (after2 !== undefined) row({ what: `the same, the second run after a commit`, ours: after2 })
  }
}
