/** What isolates, by digest: the same on every machine of one architecture, and another as soon as the recipe changes. */
import { digestOfJson, type Sha256, sha256Of } from '../../core/index.ts'
import { type Chain, chainOf } from './chain.ts'
import { type BoxPlan, boxArguments, etcEntries, etcFiles, procFiles, procFolders, projectFolder } from './recipe.ts'
import { seccompProgram } from './seccomp.ts'
import type { Architecture } from './seccomp-calls.ts'

/** Raised when the recipe changes in a way that what is digested does not show. */
const recipeVersion = 1
const limits = { cpus: 1, memoryBytes: 2 ** 32, timeMs: 1, processes: 1, outputBytes: 2 ** 36 }

/** A plan with names in place of what differs from stage to stage and from machine to machine. */
const sample: BoxPlan = {
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

/** Who runs it is not part of it: both ways show and allow a stage the same. */
export function recipeDigest(architecture: Architecture): Sha256 {
  const chain: Chain = {
    tools: { bwrap: 'BWRAP', setpriv: 'SETPRIV', prlimit: 'PRLIMIT' },
    groupEntries: ['GROUP'],
    relocations: [],
    meetingPlace: 'PLACE',
    uid: 0,
    limits,
    openFiles: 0,
    processors: [],
    parentPid: 0,
    traceDescriptor: undefined,
    command: ['COMMAND'],
  }
  return digestOfJson({
    version: recipeVersion,
    arguments: boxArguments(sample),
    withRoot: boxArguments({ ...sample, root: 'ROOT' }),
    chain: chainOf(chain),
    chainWithRoot: chainOf({ ...chain, groupEntries: [], hasOwnRoot: true }),
    etc: etcFiles(false),
    seccomp: sha256Of(seccompProgram(architecture)),
  })
}
