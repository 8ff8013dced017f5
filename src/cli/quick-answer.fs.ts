/**
 * The answer of a run that found nothing to do, kept until something that it looked at changes. DECISION 0021.
 *
 * It lies beside V8's compiled code, in a folder of the user's own that no checkout can bring: whoever may write there
 * runs code as the user anyway. One file a project; losing it costs a full look.
 */
import { hash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, hostname, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { isSettled, type Look, type LookKind, lookAt } from './look.fs.ts'
import type { Observation } from './observe-files.fs.ts'

export { observeFiles } from './observe-files.fs.ts'

/** Everything beside files that an answer follows from. */
export type Question = Readonly<{
  /** The command line after the program's name. */
  argv: readonly string[]
  environment: Readonly<Record<string, string | undefined>>
  version: string
  /** Absolute. */
  workingFolder: string
  /** Absolute; the user's own. */
  cacheFolder: string
  /** Whether a person looks at stdout, at stderr. */
  terminals: readonly [boolean, boolean]
}>

export type Answer = Readonly<{ stdout: string; stderr: string }>

/**
 * After it everything is looked at again, some bytes at random too; never beyond a day, since what expires does so at
 * midnight UTC.
 */
const maxAgeMs = 3600_000
/** What the shell counts; and a passphrase, which opens what a run with nothing to sign never opens. */
const idle = new Set(['_', 'SHLVL', 'OLDPWD', 'PWD', 'COLUMNS', 'LINES', 'ASSAY_KEY_PASSPHRASE'])
/** Words that ask for nothing but what a plain run does. */
const plain = /^(--json|--keep-going|[^-].*)$/

type Kept = Readonly<{
  assay: 1
  question: string
  atMs: number
  answer: Answer
  /** `<kind> <path>` to what was seen. */
  looks: Readonly<Record<string, Look>>
}>

/** Whether such a command line may have a kept answer at all. */
export function mayBeKept([verb, ...words]: readonly string[]): boolean {
  return verb === 'run' && words.every((word) => plain.test(word))
}

/** Undefined when nothing is kept for this question, or anything has changed, or the time is over. */
export function findAnswer(question: Question, nowMs: number): Answer | undefined {
  const kept = readKept(fileOf(question))
  if (kept === undefined || kept.question !== digestOf(question) || !isFresh(kept.atMs, nowMs)) return undefined
  for (const [key, seen] of Object.entries(kept.looks)) {
    const at = key.indexOf(' ')
    if (lookAt(key.slice(0, at) as LookKind, key.slice(at + 1)) !== seen) return undefined
  }
  return kept.answer
}

/** Keeps the answer, when all that was looked at had settled before `startedMs`; whatever is in the way, it is not kept. */
export function keepAnswer(
  question: Question,
  answer: Answer,
  seen: ReturnType<Observation['end']>,
  startedMs: number,
): void {
  if (seen === undefined || ![...seen.values()].every((look) => isSettled(look, startedMs))) return
  const looks = Object.fromEntries(seen)
  const kept: Kept = { assay: 1, question: digestOf(question), atMs: startedMs, answer, looks }
  const file = fileOf(question)
  const own = `${file}.${process.pid}.tmp`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    dropOld(dirname(file), startedMs)
    writeFileSync(own, JSON.stringify(kept), { mode: 0o600, flag: 'wx' })
    renameSync(own, file)
  } catch {
    rmSync(own, { force: true }) // INVARIANT: an answer that cannot be kept is only not kept.
  }
}

/** Clocks that went backwards say nothing. */
function isFresh(atMs: number, nowMs: number): boolean {
  const day = (ms: number): number => Math.floor(ms / 86_400_000)
  return nowMs >= atMs && nowMs - atMs < maxAgeMs && day(nowMs) === day(atMs)
}

function fileOf({ cacheFolder, workingFolder }: Question): string {
  const { dev, ino } = statSync(workingFolder)
  return join(cacheFolder, 'answers', `${dev}-${ino}.json`)
}

/** THREAT: an environment holds secrets, which are written nowhere. */
function digestOf({ argv, environment, version, workingFolder, terminals }: Question): string {
  const given = Object.entries(environment).filter(([name]) => !idle.has(name))
  const who = [process.getuid?.(), process.getgid?.(), process.getgroups?.(), process.umask()]
  const machine = [hostname(), release(), availableParallelism(), totalmem()]
  return hash(
    'sha256',
    JSON.stringify([argv, given.toSorted(), version, workingFolder, terminals, who, machine, process.version]),
  )
}

/** Undefined for what is no answer of ours; the shape is that of `keepAnswer`, in a folder that only the user writes. */
function readKept(file: string): Kept | undefined {
  try {
    const status = lstatSync(file, { throwIfNoEntry: false })
    if (status?.isFile() !== true || status.uid !== process.geteuid?.() || (status.mode & 0o022) !== 0) return undefined
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept>
    return kept.assay === 1 ? (kept as Kept) : undefined
  } catch {
    return undefined // INVARIANT: what cannot be read is not there.
  }
}

function dropOld(folder: string, nowMs: number): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (nowMs - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs) > maxAgeMs) rmSync(path, { force: true })
  }
}
