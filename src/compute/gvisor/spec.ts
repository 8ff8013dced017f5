/**
 * The OCI specification of a stage in gVisor: pure.
 *
 * SOURCE: OCI runtime specification 1.2; gVisor's own reading of it (runsc/boot/vfs.go, runsc/specutils).
 * What the kernel of the stage has of this machine is the root that the box shows it, mounted read-only where the box
 * says so; everything else is that kernel's own, in its own memory.
 */

import type { FrameRequest } from '../bubblewrap/box-engine.ts'
import { entryOf, stageRoot } from '../bubblewrap/frame.ts'
import { ociSeccomp } from '../bubblewrap/oci-seccomp.ts'
import { homeFolder, sizesOf } from '../bubblewrap/recipe.ts'
import { lookForNodes } from './nodes.ts'

/** Enough to become the stage's user, which ends them. */
const entryCapabilities = ['CAP_SETFCAP', 'CAP_SETUID', 'CAP_SETGID']

export function gvisorSpec({
  plan,
  command,
  limits,
  outs,
  openFiles,
  architecture,
}: FrameRequest): Readonly<Record<string, unknown>> {
  const limit = (type: string, most: number): unknown => ({ type, hard: most, soft: most })
  return {
    ociVersion: '1.0.0',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      cwd: plan.workingDirectory,
      env: Object.entries(plan.variables).map(([name, value]) => `${name}=${value}`),
      args: entryOf(command, { bytes: limits.outputBytes, processes: undefined }, lookForNodes(outs)),
      capabilities: Object.fromEntries(
        ['bounding', 'effective', 'permitted'].map((set) => [set, entryCapabilities] as const),
      ),
      rlimits: [
        limit('RLIMIT_NPROC', limits.processes + 2),
        limit('RLIMIT_FSIZE', limits.outputBytes),
        limit('RLIMIT_NOFILE', openFiles),
        limit('RLIMIT_CORE', 1), // as in chain.ts
      ],
      noNewPrivileges: true,
    },
    root: { path: stageRoot, readonly: true },
    hostname: 'stage',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
      ...Object.entries(sizesOf(plan)).map(([destination, size]) => ({
        destination,
        type: 'tmpfs',
        source: 'tmpfs',
        options: [`size=${size}`, `mode=${destination === homeFolder ? '0700' : '1777'}`, 'nosuid', 'nodev'],
      })),
      { destination: '/sys', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'size=4096', 'mode=0555'] },
      // each by itself, so that this kernel too knows where one ends and which may be written
      ...plan.binds.map(({ kind, target }) => ({
        destination: target,
        type: 'bind',
        source: stageRoot + target,
        options: ['rbind', kind === 'writable' ? 'rw' : 'ro', 'nosuid', 'nodev'],
      })),
    ],
    linux: {
      // let out, it shares the network of the box, where the proxy listens
      namespaces: ['pid', 'ipc', 'uts', 'mount', ...(plan.letOut === true ? [] : ['network'])].map((type) => ({
        type,
      })),
      seccomp: ociSeccomp(architecture, 'own'),
    },
  }
}
