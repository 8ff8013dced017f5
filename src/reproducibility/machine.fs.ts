/** Observes the machine that a run happens on, once a run. */
import { readFileSync } from 'node:fs'
import { arch, cpus, release, totalmem } from 'node:os'
import { sha256Of } from '../core/index.ts'
import type { MachineFacts } from './record.ts'

export function observeMachine(): MachineFacts {
  const info = textOf('/proc/cpuinfo')
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(info)?.[1] ?? ''
  return {
    kernel: release(),
    architecture: arch(),
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    cpuFlags: sha256Of(flags.split(/\s+/).sort().join(' ')),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    libc: libcVersion(),
    distribution: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(textOf('/etc/os-release'))?.[1] ?? 'unknown',
    node: process.versions.node,
  }
}

function libcVersion(): string {
  Object.assign(process.report, { excludeNetwork: true }) // else it asks for the names of all peers
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } } // untyped in @types/node
  const version = report.header?.glibcVersionRuntime
  return version === undefined ? 'unknown' : `glibc ${version}`
}

/** A file of the kernel or the distribution that may be absent: then the fact is `unknown`. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // INVARIANT: absence only ever makes a fact `unknown`, never a different one.
  }
}
