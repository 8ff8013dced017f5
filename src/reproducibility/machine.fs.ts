/** Observes the machine that a run happens on, once a run. */
import { readFileSync, statfsSync } from 'node:fs'
import { arch, cpus, release, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { sha256Of } from '../core/index.ts'
import type { MachineFacts } from './record.ts'

/** @param folder where the stages' folders are made, or will be */
export function observeMachine(folder: string): MachineFacts {
  const info = textOf('/proc/cpuinfo')
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(info)?.[1] ?? ''
  return {
    kernel: release(),
    architecture: arch(),
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    cpuFlags: sha256Of(flags.split(/\s+/).sort().join(' ')),
    cpuFeatures: flags.split(/\s+/).filter(isArithmetic).sort().join(' ') || 'unknown',
    cpus: cpus().length,
    fileSystem: fileSystemOf(folder),
    memoryBytes: totalmem(),
    libc: libcVersion(),
    distribution: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(textOf('/etc/os-release'))?.[1] ?? 'unknown',
    node: process.versions.node,
  }
}

/** SOURCE: Linux, arch/x86/include/asm/cpufeatures.h and arch/arm64/kernel/cpuinfo.c: vector units, and what BLAS asks for. */
function isArithmetic(flag: string): boolean {
  return /^(avx|sse|ssse|fma|f16c|amx|asimd|sve|sme|neon|fp16|fphp|bf16|i8mm|vfp)/.test(flag)
}

/** SOURCE: statfs(2), and linux/magic.h. */
const fileSystems: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  2035054128: 'overlay',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  26985: 'nfs',
  1702057286: 'fuse',
  4283649346: 'cifs',
  4266872130: 'smb2',
}

/** Of the nearest folder above that exists. */
function fileSystemOf(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { type } = statfsSync(at)
      return fileSystems[type] ?? `type 0x${type.toString(16)}`
    } catch {
      if (at === dirname(at)) return 'unknown' // INVARIANT: absence only ever makes a fact `unknown`.
    }
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
