/** What this machine can enforce, found by trying it: a real sandbox is started, the project and its key are opened. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engines, type SandboxPolicy } from '../compute/index.ts'
import { DomainError, type EngineName, engineNames, isHardenedEngine } from '../core/index.ts'
import { chooseEngine } from './choose-engine.ts'
import { describeKey } from './keys.fs.ts'
import { openProject } from './project.fs.ts'
import type { Caller } from './project.ts'
import { findRoot } from './workspace.fs.ts'

/** `gap`: works, and less is observed or earned; `missing`: a run would be refused. */
export type Check = Readonly<{ name: string; state: 'good' | 'gap' | 'missing'; because: string; help?: string }>

export type Examination = Readonly<{
  /** What the best run on this machine can earn. */
  highestLevel: 0 | 1
  checks: readonly Check[]
}>

export async function examineMachine(caller: Caller): Promise<Examination> {
  const sandbox = await checkSandbox()
  const inProject =
    findRoot(caller.workingFolder) === undefined ? [] : [await checkProject(caller), await checkKey(caller)]
  const checks = [...sandbox, ...(await checkEngines(caller)), checkTrace(), ...inProject]
  return { highestLevel: checks.some(({ state }) => state === 'missing') ? 0 : 1, checks }
}

/** Other engines than the one that every run needs: each is tried, and is missing where the project asks for it. */
async function checkEngines(caller: Caller): Promise<readonly Check[]> {
  const wanted = await enginesOfProject(caller)
  const checks: Check[] = []
  for (const name of engineNames.filter((each) => each !== 'bubblewrap')) {
    try {
      const { facts } = await tryEngine(name, caller.environment['ASSAY_RUNSC'])
      const version = facts[name] ?? facts['runsc']
      checks.push({ name, state: 'good', because: `${version} started a sandbox: assay run --engine ${name}` })
    } catch (error) {
      if (wanted.has(name)) checks.push(missing(name, error))
      else checks.push(absent(name, error))
    }
  }
  return checks
}

/** Demanded by its settings or its trust policy; a project that cannot be opened is another check's finding. */
async function enginesOfProject(caller: Caller): Promise<ReadonlySet<EngineName | 'none'>> {
  if (findRoot(caller.workingFolder) === undefined) return new Set()
  try {
    const { pipeline, settings, trust } = await openProject(caller)
    const asked = { unsafeNoSandbox: false }
    return new Set(pipeline.stages.map(({ name }) => chooseEngine(name, settings.settingsOf(name), trust, asked)))
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return new Set()
  }
}

async function tryEngine(name: EngineName, runsc: string | undefined): Promise<SandboxPolicy> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-doctor-'))
  try {
    const place = { workFolder: join(folder, 'boxes'), storeRoot: join(folder, 'objects') }
    using sandbox = await engines[name].open({ ...place, ...(runsc === undefined ? {} : { runsc }) })
    return sandbox.policy
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function checkSandbox(): Promise<readonly Check[]> {
  try {
    const policy = await tryEngine('bubblewrap', undefined)
    const { bubblewrap, limitsHeldBy, dropsUid, observesOpens } = policy.facts
    const identity = dropsUid === true ? 'a user id of its own for each stage' : 'your own user id'
    return [
      { name: 'sandbox', state: 'good', because: `bubblewrap ${bubblewrap} started one, under ${identity}` },
      limitsHeldBy === 'rlimits'
        ? gap(
            'limits',
            'held by rlimits and supervision',
            'delegate a cgroup v2 tree to you for limits that the kernel holds',
          )
        : { name: 'limits', state: 'good', because: `held by ${limitsHeldBy}` },
      observesOpens === true
        ? { name: 'opened files', state: 'good', because: 'observed by inotifywait' }
        : gap(
            'opened files',
            'not observed: any visible tracked file that changes makes a stage out of date',
            'apt install inotify-tools',
          ),
    ]
  } catch (error) {
    return [missing('sandbox', error)]
  }
}

function checkTrace(): Check {
  return existsSync('/usr/bin/strace')
    ? { name: 'trace', state: 'good', because: 'strace is here: assay run --trace names hosts and paths' }
    : gap('trace', 'assay run --trace cannot name hosts and paths', 'apt install strace')
}

async function checkProject(caller: Caller): Promise<Check> {
  try {
    const { code, pipeline } = await openProject(caller)
    if (code.commit === undefined) return gap('project', 'nothing is committed: level 0', 'git add and git commit')
    if (code.dirty.length > 0)
      return gap('project', `${code.dirty.length} files are not committed: level 0`, 'assay status names them')
    return { name: 'project', state: 'good', because: `${pipeline.stages.length} stages, everything is committed` }
  } catch (error) {
    return missing('project', error)
  }
}

async function checkKey(caller: Caller): Promise<Check> {
  try {
    const { name, encrypted, listed, held } = await describeKey(caller)
    if (!listed)
      return gap(
        'key',
        'your key is not listed in trust.yaml: what it signs is not believed',
        'assay key export, and add it there',
      )
    const locked = encrypted && !held && (caller.environment['ASSAY_KEY_PASSPHRASE'] ?? '') === ''
    if (locked)
      return gap('key', `\`${name}\` is encrypted and ASSAY_KEY_PASSPHRASE is not set`, 'set it before assay run')
    return { name: 'key', state: 'good', because: `\`${name}\` is listed in trust.yaml` }
  } catch (error) {
    return missing('key', error)
  }
}

function gap(name: string, because: string, help: string): Check {
  return { name, state: 'gap', because, help }
}

/** An engine that nothing here asks for. */
function absent(name: EngineName, error: unknown): Check {
  const { because, help } = missing(name, error)
  const worth = isHardenedEngine(name) ? '; level 3 asks for it' : ''
  return {
    name,
    state: 'gap',
    because: `no stage here demands it${worth}: ${because}`,
    ...(help === undefined ? {} : { help }),
  }
}

/** A fault with a code is the finding; anything else is a bug and stays one. */
function missing(name: string, error: unknown): Check {
  if (!(error instanceof DomainError)) throw error
  return { name, state: 'missing', because: `${error.message} (${error.code})`, help: error.help }
}
