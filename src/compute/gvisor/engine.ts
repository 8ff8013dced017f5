/** How gVisor runs a stage: a kernel of its own (`runsc`), in the box, without a way out but what the box has. Pure. */
import type { Sha256 } from '../../core/index.ts'
import {
  type BoxEngine,
  type EngineFacts,
  engineFolder,
  type Frame,
  type FrameRequest,
} from '../bubblewrap/box-engine.ts'
import { entryPrograms, frameArguments, stageRoot } from '../bubblewrap/frame.ts'
import { digestOfFrame } from '../bubblewrap/frame-digest.ts'
import { descriptors } from '../bubblewrap/recipe.ts'
import type { Architecture } from '../bubblewrap/seccomp-calls.ts'
import { listenToSentry, toldCalls } from './sentry-log.ts'
import { gvisorSpec } from './spec.ts'

const program = '/run/runsc'
/** Raised when the recipe changes in a way that what is digested does not show. */
const recipeVersion = 2
const nameServer = '198.51.100.1'

/** @param runsc absolute path of the program */
export function gvisorEngine(runsc: string, facts: EngineFacts): BoxEngine {
  return {
    name: 'gvisor',
    facts: () => facts,
    recipe: gvisorRecipe,
    frame: (request) => frameOf(runsc, request),
    own: { memoryBytes: 64 * 1024 ** 2, processes: 512 },
    limitsFiles: true,
    needs: entryPrograms,
    traces: false,
    processes: 'unseen',
    root: '/none',
    listen: (letOut) => listenToSentry({ lookups: nameServer, entry: entryPrograms.length, counts: !letOut }),
  }
}

function frameOf(runsc: string, request: FrameRequest): Frame {
  const { plan, reach } = request
  return {
    arguments: frameArguments(plan, {
      own: ['--ro-bind', reach(runsc), program, '--dir', '/run/state'],
      mountsScratch: true,
      last: ['--remount-ro', stageRoot],
    }),
    // with hosts on its list the stage has the network of the box, where the proxy listens; without, one of its own
    command: [
      program,
      ...['--root=/run/state', '--rootless', '--platform=systrap', '--ignore-cgroups', '--overlay2=none'],
      ...[`--network=${plan.letOut === true ? 'host' : 'none'}`, '--file-access=exclusive'],
      ...['--file-access-mounts=exclusive', '--oci-seccomp'],
      ...['--strace', `--strace-syscalls=${toldCalls}`, '--strace-log-size=256'],
      `--debug-log=/proc/self/fd/${descriptors.trace}`,
      ...['run', '--bundle', engineFolder, 'stage'],
    ],
    files: { 'config.json': JSON.stringify(gvisorSpec(request)) },
  }
}

/** Whoever runs it, and where `runsc` lies, is not part of it. */
export function gvisorRecipe(architecture: Architecture): Sha256 {
  return digestOfFrame('gvisor', recipeVersion, architecture, (request) => frameOf('RUNSC', request))
}
