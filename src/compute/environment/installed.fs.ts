/**
 * Which packages an interpreter of the machine finds, asked in the sandbox and remembered.
 *
 * The answer holds while no folder or `.pth` file that it was read from has changed, by inode and time; so a warm start
 * needs no sandbox.
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { DomainError, digestOfJson, hexOf, parseStrictJson } from '../../core/index.ts'
import type { EnvironmentPackage } from '../environment.ts'
import { type Interpreter, interpreterIdentity } from './interpreter.ts'
import type { Located } from './locate.exec.ts'
import { type Asking, askProgram, remember } from './probe.fs.ts'
import { readPlainFile } from './tree.fs.ts'

export type Installed = Readonly<{
  packages: readonly EnvironmentPackage[]
  /** File names of the shared libraries that packages bring. */
  libraries: readonly string[]
  /** Folders that `.pth` files name and the sandbox lacks. */
  outside: readonly string[]
}>

const maxKeptBytes = 16 * 1024 * 1024

const answerShape = z.strictObject({
  distributions: z.array(z.string().max(500)).max(20_000),
  libraries: z.array(z.string().max(1000)).max(20_000),
  outside: z.array(z.string().max(1000)).max(1000),
  read: z.array(z.string().max(4096)).max(20_000),
})
type Answer = z.infer<typeof answerShape>
const keptShape = z.strictObject({ answer: answerShape, stamps: z.array(z.string()) })

/** @throws ERR_ENV_INTERPRETER */
export async function listInstalled(located: Located, interpreter: Interpreter, asking: Asking): Promise<Installed> {
  const python = join(located.prefix, 'bin', located.path.slice(located.path.lastIndexOf('/') + 1))
  const key = digestOfJson({ installedProgram, python, interpreter: interpreterIdentity(interpreter) })
  const memory = join(asking.cacheFolder, 'installed', `${hexOf(key)}.json`)
  const kept = recall(memory)
  if (kept !== undefined) return described(kept)

  const startedMs = Date.now()
  const answer = parseAnswer(await askProgram(python, ['-s', '-B'], installedProgram, located, asking))
  const read = [...answer.read, join(located.prefix, 'pyvenv.cfg')]
  const whole = { ...answer, read }
  const newestMs = Math.max(...read.map((path) => lstatSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0))
  // What changed while it was read may have changed after it was read.
  if (newestMs < startedMs - 1000) {
    remember(memory, Buffer.from(JSON.stringify({ answer: whole, stamps: read.map(stampOf) })))
  }
  return described(answer)
}

/** An answer that still holds, else undefined: then the interpreter is asked again. */
function recall(memory: string): Answer | undefined {
  const bytes = readPlainFile(memory, maxKeptBytes)
  if (bytes === undefined) return undefined
  try {
    const { answer, stamps } = keptShape.parse(parseStrictJson(bytes, 'the packages on record'))
    const holds = stamps.length === answer.read.length && answer.read.every((path, at) => stampOf(path) === stamps[at])
    return holds ? answer : undefined
  } catch {
    return undefined // INVARIANT: a memory that cannot be read is none.
  }
}

function stampOf(path: string): string {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (status === undefined) return 'absent'
  return [status.dev, status.ino, status.size, status.mtimeNs, status.ctimeNs].join(':')
}

function parseAnswer(bytes: Uint8Array): Answer {
  const parsed = answerShape.safeParse(parseStrictJson(bytes, 'the list of installed packages'))
  if (!parsed.success) throw new DomainError('ERR_ENV_INTERPRETER', 'the interpreter does not list its packages')
  return parsed.data
}

function described({ distributions, libraries, outside }: Answer): Installed {
  const packages = distributions.map((name) => {
    const at = name.indexOf('-')
    return at < 0 ? { name, version: 'unknown' } : { name: name.slice(0, at), version: name.slice(at + 1) }
  })
  return { packages, libraries, outside }
}

/** Names of folders only: no package is imported. Folders that `.pth` files add and the sandbox lacks are told. */
const installedProgram = `
import json, os, re, sys
found, libraries, outside, read = set(), [], [], []
for folder in sys.path[1:]:
    read.append(folder)
    if not os.path.isdir(folder):
        continue
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        match = re.match(r'^(.+?)-([^-]+?)(?:-py\\d.*)?\\.(?:dist-info|egg-info)$', name)
        if match:
            found.add(match.group(1) + '-' + match.group(2))
        elif name.endswith('.libs') and os.path.isdir(path):
            read.append(path)
            libraries.extend(os.listdir(path))
        elif name.endswith('.pth'):
            read.append(path)
            with open(path, encoding='utf-8', errors='replace') as lines:
                for line in lines:
                    line = line.strip()
                    if line.startswith('/') and not os.path.exists(line):
                        outside.append(line)
json.dump({'distributions': sorted(found), 'libraries': sorted(libraries), 'outside': sorted(set(outside))[:1000], 'read': read}, sys.stdout)
`
