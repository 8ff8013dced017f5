/** How long does it take before anything happens? A trivial verb against Node itself, and the verbs that only look. */
import { heading, measure, row } from './measure.ts'
import { chain } from './no-op.ts'
import { assay, project, run } from './scratch.ts'

export async function start(): Promise<void> {
  heading('Start: a trivial verb, and verbs that only look')
  const root = project('start', chain(4))
  run([assay, 'run'], root)
  const node = { name: 'node', command: [process.execPath, '-e', '0'], cwd: root }
  const verbs = [['--version'], ['status'], ['show'], ['verify', 'out/3.txt']]
  const ours = verbs.map((verb) => ({ name: verb.join(' '), command: [assay, ...verb], cwd: root }))
  const [bare, ...timed] = measure([node, ...ours], 15)
  for (const [index, taken] of timed.entries()) {
    const goal = index === 0 ? { goal: { text: 'under 150 ms', met: taken.ms < 150 } } : {}
    const theirs = bare === undefined ? {} : { theirs: bare }
    row({ what: `assay ${verbs[index]?.join(' ')}`, ours: taken, peer: 'node -e 0', ...theirs, ...goal })
  }
}
