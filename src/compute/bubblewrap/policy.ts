/** What isolates, by digest: the same on every machine of one architecture, and another as soon as the recipe changes. */
import { digestOfJson, type Sha256, sha256Of } from '../../core/index.ts'
import { boxedCommand, chainOf } from './chain.ts'
import { type BoxPlan, boxArguments, etcEntries, etcFiles, procFiles, procFolders, projectFolder } from './recipe.ts'
import { seccompProgram } from './seccomp.ts'
import type { Architecture } from './seccomp-calls.ts'

/** Raised when the recipe changes in a way that what is digested does not show. */
const recipeVersion = 1
const limits = { cpus: 1, memoryBytes: 2 ** 32, timeMs: 1, processes: 1, outputBytes: 2 ** 36 }

/** A plan with names in place of what differs from stage to stage and from machine to machine. */
export const samplePlan: BoxPlan = {
  system: {
    links: [],
    folders: [],
    maskedFiles: procFiles.map((name) => `/proc/${name}`),
    maskedFolders: procFolders.map((name) => `/proc/${name}`),
  },
  etcFolder: 'ETC',
  etc: etcEntries.map((name) => ({ kind: 'read-only', source: `/etc/${name}`, target: `/etc/${name}` })),
  bootIdFile: 'BOOT-ID',
  binds: [
    { kind: 'read-only', source: 'VIEW', target: projectFolder },
    { kind: 'writable', source: 'SCRATCH', target: `${projectFolder}/OUT` },
  ],
  workingDirectory: projectFolder,
  variables: {},
  memoryBytes: limits.memoryBytes,
  outputBytes: limits.outputBytes,
}

/** What stands before bubblewrap, with names in place of programs. @param command what bubblewrap starts */
export function sampleChain(
  command: readonly string[],
  groupEntries: readonly string[] = ['GROUP'],
  fileBytes: number | undefined = limits.outputBytes,
): readonly string[] {
  return chainOf({
    tools: { bwrap: 'BWRAP', setpriv: 'SETPRIV', prlimit: 'PRLIMIT' },
    groupEntries,
    relocations: [],
    meetingPlace: 'PLACE',
    uid: 0,
    fileBytes,
    openFiles: 0,
    processors: [],
    parentPid: 0,
    traceDescriptor: undefined,
    command,
  })
}

/** Who runs it is not part of it: both ways show and allow a stage the same. */
export function recipeDigest(architecture: Architecture): Sha256 {
  return digestOfJson({
    version: recipeVersion,
    arguments: boxArguments(samplePlan),
    withRoot: boxArguments({ ...samplePlan, root: 'ROOT' }),
    chain: sampleChain(boxedCommand(['COMMAND'], undefined)),
    chainWithRoot: sampleChain(boxedCommand(['COMMAND'], { prlimit: 'PRLIMIT', processes: 1, hasOwnRoot: true }), []),
    etc: etcFiles(false),
    seccomp: sha256Of(seccompProgram(architecture)),
  })
}
