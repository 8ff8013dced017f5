/** `assay tlog`: the transparency log of a project, and logs of others. */
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DomainError, isDomainError, isSha256, oneLine, type Sha256, sha256Of } from '../../core/index.ts'
import {
  appendToLog,
  type Contradiction,
  chainOfArtifact,
  type EnteredLog,
  isGrowth,
  isLogStore,
  isWebLog,
  type LogPlace,
  type LogTrust,
  type Look,
  logFolderAt,
  logFolderOf,
  logPlaceOf,
  logTrust,
  monitorLog,
  networkRouteOf,
  openProject,
  ownLogKey,
  type Project,
  parseWitness,
  proveEntry,
  proveGrowth,
  type Remote,
  readSmall,
  verifyEntry,
  verifyGrowth,
  verifyWholeLog,
  witnessLog,
  writeFile,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { table } from '../render.ts'

type LogOptions = Readonly<{ log?: string }>
type TrustOptions = Readonly<{ key?: string; witnessKey?: readonly string[]; witnesses?: string }>

export async function tlogAppend(
  context: CliContext,
  files: readonly string[],
  options: LogOptions & Readonly<{ witness?: readonly string[]; witnessKey?: readonly string[] }>,
): Promise<Exit> {
  const addresses = options.witness ?? []
  const keys = options.witnessKey ?? []
  if (addresses.length !== keys.length)
    throw new DomainError('ERR_USAGE', 'each --witness needs its --witness-key', {
      help: 'give both, in the same order',
    })
  const witnesses = addresses.map((address, at) => parseWitness(address, keys[at] ?? ''))
  const project = await openProject(context)
  const place = placeOf(context, options)
  const more = files.map((file) => sha256Of(readNamed(context, file)))
  const entered = await appendToLog(project, more, place)
  const { log } = logTrust(entered.key, [], 0)
  const signed =
    witnesses.length === 0 ? [] : await witnessLog(await logFolderAt(project, place), log, witnesses, remoteOf(context))
  context.output.document({ ...entered, witnesses: signed })
  tellLog(context, entered, signed)
  context.output.line(`${entered.added} entered`)
  return 0
}

function tellLog({ output }: CliContext, log: Omit<EnteredLog, 'added'>, witnesses: readonly string[]): void {
  const rows = [
    ['log', log.origin],
    ['key', log.key],
    ['entries', String(log.size)],
    ['root', log.root],
    ...witnesses.map((name) => ['witness', name]),
  ]
  for (const line of table(rows)) output.line(line)
}

export async function tlogProve(
  context: CliContext,
  [artifact]: readonly string[],
  options: LogOptions & Readonly<{ out?: string; from?: string }>,
): Promise<Exit> {
  const project = await openProject(context)
  const folder = await logFolderAt(project, placeOf(context, options))
  const proof =
    options.from === undefined
      ? proveEntry(folder, await attestationOf(context, project, artifact))
      : proveGrowth(folder, readNamed(context, options.from))
  const text = Buffer.from(proof).toString('utf8')
  if (options.out !== undefined) writeFile(pathOf(context, options.out), text)
  context.output.document({ proof: text, out: options.out })
  context.output.line(options.out === undefined ? text.trimEnd() : `written ${oneLine(options.out)}`)
  return 0
}

/** A digest, a file that is a bundle, or an artifact: then the statement that names it. */
async function attestationOf(context: CliContext, project: Project, name: string | undefined): Promise<Sha256> {
  if (isSha256(name)) return name
  if (name?.endsWith('.sigstore.json') === true) return sha256Of(readNamed(context, name))
  const [first] = await chainOfArtifact(project, name, context.workingFolder)
  if (first === undefined) throw new Error('a chain without a statement')
  return first
}

export async function tlogVerify(
  context: CliContext,
  [file]: readonly string[],
  options: TrustOptions & LogOptions & Readonly<{ proof?: string }>,
): Promise<Exit> {
  const { output } = context
  if (file === undefined) return verifyOwn(context, options)
  if (options.proof === undefined || options.key === undefined)
    throw new DomainError('ERR_USAGE', 'a proof and the key of its log are asked for', {
      help: 'give --proof FILE and --key KEY; without FILE the log of the project is verified',
    })
  const trust = trustOf(options.key, options)
  const proof = readNamed(context, options.proof)
  if (isGrowth(proof)) {
    const { origin, size, witnesses } = verifyGrowth(proof, readNamed(context, file), trust)
    output.document({ trusted: true, origin, size, witnesses })
    output.line(`${oneLine(origin)} grew to ${size} entries out of what ${oneLine(file)} says`)
    return 0
  }
  const subject = isSha256(file) ? file : readNamed(context, file)
  const { index, checkpoint } = verifyEntry(proof, subject, trust)
  const { origin, size, witnesses } = checkpoint
  output.document({ trusted: true, origin, size, index, witnesses })
  output.line(`${oneLine(file)} is entry ${index} of ${size} in ${oneLine(origin)}`)
  for (const { name, at } of witnesses) output.line(`witnessed by ${oneLine(name)} at ${at.toISOString()}`)
  return 0
}

async function verifyOwn(context: CliContext, options: TrustOptions & LogOptions): Promise<Exit> {
  const project = await openProject(context)
  const place = placeOf(context, options)
  const log = await verifyWholeLog(project, trustOf(options.key ?? (await ownLogKey(project, place)), options), place)
  const complete = log.missing.length === 0
  context.output.document({ ...log, trusted: complete, ...(complete ? {} : { code: 'ERR_TLOG_ENTRY' }) })
  tellLog(context, log, log.witnesses)
  context.output.line(
    complete
      ? 'every entry, tile and signature holds, and every attestation of the project is in it'
      : `${log.missing.length} attestations of the project are not in it (ERR_TLOG_ENTRY): assay tlog append`,
  )
  return complete ? 0 : 1
}

export async function tlogMonitor(
  context: CliContext,
  [source]: readonly string[],
  options: TrustOptions & Readonly<{ state?: string; every?: string }>,
): Promise<Exit> {
  if (options.state === undefined)
    throw new DomainError('ERR_USAGE', 'tlog monitor needs --state FILE', {
      help: 'name a file of your own, where the log cannot reach it',
    })
  const seconds = secondsOf(options.every)
  if (source !== undefined && options.key === undefined)
    throw new DomainError('ERR_USAGE', 'the key of the log is asked for', {
      help: 'ask its owner, and give it with --key',
    })
  const own = source === undefined ? await openProject(context) : undefined
  const place = source ?? (own === undefined ? '' : logFolderOf(own.root))
  const trust = trustOf(options.key ?? (own === undefined ? '' : await ownLogKey(own)), options)
  const look = (): Promise<Look | Contradiction> =>
    monitorLog(locationOf(context, place), pathOf(context, options.state ?? ''), trust, {
      environment: context.environment,
      remote: remoteOf(context),
      now: context.now(),
    })
  if (seconds === undefined) return tellLook(context, await look())
  return await watch(context, look, seconds)
}

/** Until it is stopped: neither a log that cannot be reached nor one that forks is a reason to look away. */
async function watch(context: CliContext, look: () => Promise<Look | Contradiction>, seconds: number): Promise<Exit> {
  let worst: Exit = 0
  while (!context.signal.aborted) {
    try {
      const exit = tellLook(context, await look())
      if (exit !== 0) worst = exit
    } catch (error) {
      if (context.signal.aborted) break
      if (!isDomainError(error, ...passing)) throw error
      const at = context.now().toISOString()
      context.output.document({ at, code: error.code, because: error.message })
      context.output.line(`${at}  ${oneLine(error.message)} (${error.code})`)
    }
    await sleep(seconds * 1000, undefined, { signal: context.signal }).catch(() => undefined)
  }
  return worst
}

/** May be otherwise at the next look: a server that is down, a log of which a part is not there yet. */
const passing = [
  'ERR_TLOG_UNREACHABLE',
  'ERR_TLOG_MISSING',
  'ERR_TLOG_MALFORMED',
  'ERR_TLOG_SIGNATURE',
  'ERR_TLOG_WITNESS',
] as const

function tellLook({ output }: CliContext, look: Look | Contradiction): Exit {
  if ('code' in look) {
    const { code, because, evidence } = look
    output.document({ code, because, evidence, error: { code, message: because, details: { evidence } } })
    output.line(`${output.style('red', code)}  ${oneLine(because)}`)
    output.line(`both checkpoints are in ${oneLine(evidence)}: keep it, and ask the owner of the log`)
    return 1
  }
  output.document(look)
  output.line(`${look.at}  ${oneLine(look.origin)}  ${look.size} entries, ${look.added} new`)
  for (const entry of look.entries) output.line(`  ${oneLine(entry)}`)
  return 0
}

/** @throws ERR_USAGE for what is no number of seconds */
function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 86_400) return seconds
  throw new DomainError('ERR_USAGE', `\`${text}\` is not a number of seconds`, {
    help: 'write a whole number up to 86400',
  })
}

function trustOf(key: Parameters<typeof logTrust>[0], { witnessKey = [], witnesses }: TrustOptions): LogTrust {
  const threshold = witnesses === undefined ? witnessKey.length : Number(witnesses)
  if (!Number.isInteger(threshold) || threshold < 0)
    throw new DomainError('ERR_USAGE', `\`${witnesses}\` is not a number of witnesses`)
  return logTrust(key, witnessKey, threshold)
}

function locationOf(context: CliContext, source: string): string {
  return isWebLog(source) || isLogStore(source) ? source : pathOf(context, source)
}

function placeOf(context: CliContext, { log }: LogOptions): LogPlace {
  return logPlaceOf(log, remoteOf(context))
}

/** LIMIT: 16 MiB, as a bundle. */
const maxFileBytes = 16 * 1024 * 1024

/** @throws ERR_INPUT_MALFORMED when it is no file, ERR_INPUT_TOO_LARGE */
function readNamed(context: CliContext, path: string): Buffer {
  return readSmall(pathOf(context, path), maxFileBytes)
}

function pathOf({ workingFolder }: CliContext, path: string): string {
  return resolve(workingFolder, path)
}

function remoteOf({ environment, signal }: CliContext): Remote {
  return { route: networkRouteOf(environment, environment['HOME'] ?? homedir()), signal }
}
