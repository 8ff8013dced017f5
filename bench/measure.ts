/**
 * How every question here is measured: ours and the other's by turns, in one run, medians over the rounds.
 *
 * A machine that other people work on slows both sides; turns make the ratio hold all the same. Beside the time that
 * passes stands the processor time of the command and all that it started, which hardly depends on who else works.
 */
import { spawnSync } from 'node:child_process'
import { cpus, release } from 'node:os'
import { environment } from './scratch.ts'

/** Medians, milliseconds. */
export type Timed = Readonly<{ ms: number; cpuMs: number; peakKib: number }>

export type Contender = Readonly<{
  name: string
  command: readonly string[]
  cwd: string
  /** Before each round, not measured. */
  before?: () => void
}>

export function runOnce({ command, cwd }: Pick<Contender, 'command' | 'cwd'>): Timed {
  // /usr/bin/time would be one more thing to install; Python is there, and knows what its children used.
  const counter = [
    'import json, resource, subprocess, sys, time',
    'start = time.perf_counter()',
    'ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)',
    'took = time.perf_counter() - start',
    'used = resource.getrusage(resource.RUSAGE_CHILDREN)',
    'sys.stderr.buffer.write(ended.stderr[-4000:])',
    'print(json.dumps([took * 1000, (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss, ended.returncode]))',
  ].join('\n')
  const ran = spawnSync('/usr/bin/python3', ['-I', '-S', '-c', counter, ...command], {
    cwd,
    env: environment,
    encoding: 'utf8',
  })
  const [ms = 0, cpuMs = 0, peakKib = 0, code = 1] = JSON.parse(ran.stdout || '[]') as number[]
  if (code !== 0) throw new Error(`${command.join(' ')} exited ${code} in ${cwd}:\n${ran.stderr}`)
  return { ms, cpuMs, peakKib }
}

/** Rounds by turns; the first round warms up and does not count. */
export function measure(contenders: readonly Contender[], rounds: number): readonly Timed[] {
  const taken = contenders.map((): Timed[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      contender.before?.()
      const timed = runOnce(contender)
      if (round > 0) taken[index]?.push(timed)
    }
  }
  return taken.map(medianOf)
}

export function medianOf(all: readonly Timed[]): Timed {
  const middle = (values: readonly number[]): number =>
    values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
  return {
    ms: middle(all.map(({ ms }) => ms)),
    cpuMs: middle(all.map(({ cpuMs }) => cpuMs)),
    peakKib: middle(all.map(({ peakKib }) => peakKib)),
  }
}

export type Goal = Readonly<{
  /** In words: `5 times faster than dvc repro`. */
  text: string
  /** Undefined where the peer is missing. */
  met: boolean | undefined
}>

export type Row = Readonly<{ what: string; ours: Timed; peer?: string; theirs?: Timed; goal?: Goal; note?: string }>

export function row(cells: Row): void {
  const { what, ours, peer = '', theirs, goal, note } = cells
  const other = theirs === undefined ? peer : `${peer} ${both(theirs)}`
  const ratio =
    theirs === undefined
      ? ''
      : `${(ours.ms / theirs.ms).toFixed(2)} x (cpu ${(ours.cpuMs / theirs.cpuMs).toFixed(2)} x)`
  const verdict =
    goal === undefined ? '' : `${goal.met === undefined ? '?' : goal.met ? 'met:' : 'MISSED:'} ${goal.text}`
  const words = [what.padEnd(44), both(ours), other.padEnd(44), ratio, verdict].filter((word) => word !== '')
  console.log(`${words.join('  ').trimEnd()}${note === undefined ? '' : `\n    ${note}`}`)
}

/** Time that passed, and processor time in brackets. */
function both({ ms, cpuMs }: Timed): string {
  return `${shown(ms)} (${shown(cpuMs).trim()})`.padEnd(22)
}

function shown(ms: number): string {
  return (ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s ` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`).padStart(9)
}

export function heading(text: string): void {
  console.log(`\n${text}`)
}

export function machine(commit: string): string {
  const load = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`
  return `${load}, Linux ${release()}, Node ${process.version}, commit ${commit}`
}
