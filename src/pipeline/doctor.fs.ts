/** What this machine can enforce, found by trying it: a real sandbox is started, the project and its key are opened. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBubblewrap } from '../compute/index.ts'
import { DomainError } from '../core/index.ts'
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
  const checks = [...sandbox, checkTrace(), ...inProject]
  return { highestLevel: checks.some(({ state }) => state === 'missing') ? 0 : 1, checks }
}

async function checkSandbox(): Promise<readonly Check[]> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-doctor-'))
  try {
    using sandbox = await openBubblewrap({ workFolder: join(folder, 'boxes'), storeRoot: join(folder, 'objects') })
    const { policy } = sandbox
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
  } finally {
    rmSync(folder, { recursive: true, force: true })
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
    const { name, encrypted, listed } = await describeKey(caller)
    if (!listed)
      return gap(
        'key',
        'your key is not listed in trust.yaml: what it signs is not believed',
        'assay key export, and add it there',
      )
    const locked = encrypted && (caller.environment['ASSAY_KEY_PASSPHRASE'] ?? '') === ''
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

/** A fault with a code is the finding; anything else is a bug and stays one. */
function missing(name: string, error: unknown): Check {
  if (!(error instanceof DomainError)) throw error
  return { name, state: 'missing', because: `${error.message} (${error.code})`, help: error.help }
}
