/**
 * What does it cost to look at a stage while it runs? The processor time of a whole run whose stage only sleeps, for twenty
 * seconds and for none: what lies between them is what the looks took, since the stage itself takes nothing.
 *
 * LIMIT: looks are four a second in the first minute and one a second at last, so that a longer stage costs less a second;
 * a limit of I/O is held by ten looks a second beside, and has no goal.
 */
import { heading, measure, row } from './measure.ts'
import { assay, project } from './scratch.ts'

const seconds = 20

export async function looks(): Promise<void> {
  heading(`Looks: a stage that sleeps for ${seconds} s, against one that does not`)
  for (const [what, asleep, settings] of [
    ['one process', 'sleep $SECONDS', ''],
    ['17 processes', 'for i in $(seq 16); do sleep $SECONDS & done; wait', ''],
    ['one process, held to a limit of I/O', 'sleep $SECONDS', 'stages: {wait: {limits: {io: 1GiB}}}\n'],
  ] as const) {
    const roots = [seconds, 0].map((each) =>
      project(`looks-${what.replaceAll(/\W/g, '')}-${each}`, {
        'dvc.yaml': `stages:\n  wait:\n    cmd: ${asleep.replace('$SECONDS', String(each))}; true > out.txt\n    outs: [out.txt]\n`,
        '.gitignore': '/out.txt\n',
        ...(settings === '' ? {} : { 'assay.yaml': `assay: 1\n${settings}` }),
      }),
    )
    const [long, short] = measure(
      roots.map((cwd) => ({ name: what, command: [assay, 'run', '--force'], cwd })),
      2,
    )
    if (long === undefined || short === undefined) throw new Error('nothing was measured')
    const share = (long.cpuMs - short.cpuMs) / (seconds * 1000)
    row({
      what,
      ours: long,
      peer: 'the same without sleep',
      theirs: short,
      ...(settings === '' ? { goal: { text: 'under 1 % of a processor', met: share < 0.01 } } : {}),
      note: `looks: ${(share * 100).toFixed(2)} % of a processor, ${(share * 60_000).toFixed(0)} ms a minute`,
    })
  }
}
