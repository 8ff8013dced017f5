/**
 * Why a command failed that exited by itself, and what to write instead: pure.
 *
 * Each cause is looked for in what was observed (denied attempts, hidden paths) or in the end of the log; the first that
 * is found is told. Read next: `failure-words.ts` (how programs say it), `explain-program.ts` (programs and modules).
 */
import { dirname, join, relative } from 'node:path/posix'
import type { StageOutcome } from '../compute/index.ts'
import { printable, quotedForShell } from '../core/index.ts'
import { updateOfSubmodule } from './code.ts'
import type { StageDefinition } from './definition.ts'
import { explainModule, explainProgram, explainShell, explainVariable } from './explain-program.ts'
import { type Explanation, type Failure, flow, type HostFacts, placeOfStage, settingsLine } from './failure.ts'
import { destinationsIn, pathsIn, refusedWritesIn, saysNoMemory } from './failure-words.ts'

/** In the order of how sure each is. */
const causes = [
  explainSubmodule,
  explainRead,
  explainOutside,
  explainWrite,
  explainMemory,
  explainVariable,
  explainProgram,
  explainModule,
  explainShell,
] as const

/** @param exited how the command ended, such as `its command exited with 1` */
export function explainFailure(failure: Failure, exited: string): Explanation {
  const { stage, outcome } = failure
  if (outcome.network.deniedAttempts > 0) return explainNetwork(stage, outcome, exited)
  for (const explain of causes) {
    const found = explain(failure)
    if (found !== undefined) return { ...found, because: `${exited}: ${printable(found.because)}` }
  }
  return {
    code: 'ERR_STAGE_FAILED',
    because: exited,
    help: `read its log: assay logs --stage ${quotedForShell(stage.name)}`,
  }
}

/** Also of a command that ended well. */
export function explainNetwork(stage: StageDefinition, outcome: StageOutcome, how: string): Explanation {
  const { deniedAttempts, destinations } = outcome.network
  const said = destinationsIn(outcome.log.lines).slice(0, 5).map(printable)
  const seen = destinations.slice(0, 5).map(printable)
  const where = seen.length > 0 ? ` (${seen.join(', ')})` : said.length > 0 ? ` (the log names ${said.join(', ')})` : ''
  const attempts = `${deniedAttempts} attempt${deniedAttempts === 1 ? '' : 's'} to reach the network`
  const hosts = hostsToList(seen, said)
  const name = quotedForShell(stage.name)
  const steps = [
    ...(where === '' ? [`see where to: assay run --trace ${quotedForShell(name)}`] : []),
    'fetch the data beforehand and register it: assay data add ID PATH',
    `or run the stage yourself, dvc repro ${name}, and freeze it, dvc freeze ${name}: its outs then come in as data that was not made here`,
    `when they do no harm, such as telemetry: ${settingsLine(stage, { harmlessAttempts: 'WHY' })}`,
    `or let it out to what it must reach, in assay.yaml: ${settingsLine(stage, { network: hosts.length === 0 ? ['host:port'] : hosts })}`,
  ]
  return {
    code: 'ERR_STAGE_NETWORK_DENIED',
    because: `${how}; ${attempts}${where} ${deniedAttempts === 1 ? 'was' : 'were'} denied`,
    help: steps.join('\n'),
  }
}

/** Names only: the proxy that will read them takes no addresses. A name without a port is taken for https. */
function hostsToList(seen: readonly string[], said: readonly string[]): readonly string[] {
  const names = [...said, ...seen].filter((each) => /^[\w.-]*[a-z][\w.-]*(:\d+)?$/i.test(each))
  const byHost = new Map<string, string>()
  for (const each of names) {
    const [host = '', port] = each.split(':')
    if (!byHost.has(host) || (port !== undefined && said.includes(each))) byHost.set(host, `${host}:${port ?? '443'}`)
  }
  return [...byHost.values()]
}

function explainSubmodule({ stage, outcome, absentSubmodules }: Failure): Explanation | undefined {
  const asked = absentSubmodules.find((path) => {
    const inner = relative(join('/', stage.workingDirectory), join('/', path))
    return outcome.log.lines.some((line) => line.includes(`${inner}/`))
  })
  if (asked === undefined) return undefined
  return {
    code: 'ERR_STAGE_UNDECLARED_READ',
    because: `it asked for a file of the submodule \`${asked}\`, which is not checked out at the commit that is pinned`,
    help: updateOfSubmodule(asked),
  }
}

function explainRead({ stage, outcome, host }: Failure): Explanation | undefined {
  const reads = outcome.undeclaredReads.slice(0, 5)
  const [first] = reads
  if (first === undefined) return undefined
  const code = 'ERR_STAGE_UNDECLARED_READ'
  if (/(^|\/)bin\/activate$/.test(first)) {
    const because = `it activates \`${first}\`, which no stage sees`
    return { code, because, help: activationHelp(host, first.slice(0, -'/bin/activate'.length)) }
  }
  const because = `it asked for ${reads.map((path) => `\`${path}\``).join(', ')}, which ${reads.length === 1 ? 'is' : 'are'} not among its deps`
  const deps = reads.map((path) => relative(join('/', stage.workingDirectory), join('/', path)))
  return { code, because, help: `add to ${placeOfStage(stage)}: deps: ${flow(deps)}` }
}

function activationHelp({ root }: HostFacts, folder: string): string {
  return `a stage runs in the environment from which assay is called: take the activation out of cmd, and type: . ${quotedForShell(join(root, folder, 'bin/activate'))} && assay run`
}

/** Places of every sandbox that hold what the machine has there. */
const shared = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/proc', '/dev', '/etc']
const sandboxHome = '/home/stage'

/** A file of this machine that lies outside of the project, or is named by the project's place on it. */
function explainOutside({ stage, outcome, environment, host }: Failure): Explanation | undefined {
  const inEnvironment = (path: string): boolean =>
    [...shared, ...environment.mounts.map(({ target }) => target)].some((folder) => isBelow(path, folder))
  const code = 'ERR_STAGE_UNDECLARED_READ'
  for (const path of pathsIn(outcome.log.lines)) {
    if (isBelow(path, host.root)) {
      const inside = relative(host.root, path)
      return {
        code,
        because: `it asked for \`${path}\`; in a stage the project is at /project`,
        help: `name it from the project's folder, as \`${inside}\`, and declare it in ${placeOfStage(stage)}: deps: ${flow([relative(join('/', stage.workingDirectory), join('/', inside))])}`,
      }
    }
    const full = path.startsWith('/') ? path : join('/project', stage.workingDirectory, path)
    if (isBelow(full, '/project') || inEnvironment(full)) continue
    const here = placeOnHost(path, full, stage, host)
    if (!host.exists(here)) continue
    return {
      code,
      because: `it asked for \`${here}\`, which lies outside of the project, where no stage looks`,
      help: `bring it into the project (a copy, or dvc import-url), declare it in ${placeOfStage(stage)}, as a dep, and register it: assay data add ID PATH`,
    }
  }
  return undefined
}

function placeOnHost(path: string, full: string, stage: StageDefinition, host: HostFacts): string {
  if (isBelow(full, sandboxHome)) return join(host.home, relative(sandboxHome, full))
  return path.startsWith('/') ? path : join(host.root, stage.workingDirectory, path)
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function explainWrite({ stage, outcome, visible }: Failure): Explanation | undefined {
  const [path] = refusedWritesIn(outcome.log.lines)
  if (path === undefined) return undefined
  const code = 'ERR_STAGE_UNDECLARED_WRITE'
  const full = join(
    '/project',
    stage.workingDirectory,
    path.startsWith('/') ? relative(join('/project', stage.workingDirectory), path) : path,
  )
  if (!isBelow(full, '/project')) {
    return {
      code,
      because: `it tried to write \`${path}\`, outside of the project`,
      help: 'write results to outs, in the project, and what is not kept to /tmp',
    }
  }
  const inside = relative('/project', full)
  if (stage.deps.some((dep) => isBelow(inside, dep)))
    return {
      code,
      because: `it tried to change \`${inside}\`, which is one of its deps`,
      help: 'write the result to another path, and declare that as an out',
    }
  const out = relative(join('/', stage.workingDirectory), join('/', inside))
  return {
    code,
    because: `it tried to write \`${inside}\`, which is not among its outs`,
    help: `when it is a result, add to ${placeOfStage(stage)}: outs: ${flow([{ [out]: { cache: false } }])}\nwhen it is not kept, say in assay.yaml: ${settingsLine(stage, { scratch: [folderToWrite(inside, visible)] })}`,
  }
}

/** One that the kernel ended for its memory says nothing; one that asks for more than there is, is told so and gives up. */
function explainMemory({ stage, outcome }: Failure): Explanation | undefined {
  if (!saysNoMemory(outcome.log.lines)) return undefined
  return {
    code: 'ERR_STAGE_FAILED',
    because: 'it got no more memory',
    help: `give it more than its limit, 4GiB where nothing is said, in assay.yaml: ${settingsLine(stage, { limits: { memory: '8GiB' } })}\nwhat it used: assay show --stage ${quotedForShell(stage.name)} --resources`,
  }
}

/** The path itself when it looks like a new folder, else the folder around it; the project's top is `.`. */
function folderToWrite(path: string, visible: readonly string[]): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const isFile = /[^.]\.\w+$/.test(name) || visible.includes(path)
  return isFile ? dirname(path) : path
}
