/**
 * Which packages an interpreter of the machine finds, asked in the sandbox and remembered.
 *
 * The answer holds while no folder or `.pth` file that it was read from has changed, by inode and time; so a warm start
 * needs no sandbox.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { DomainError, digestOfJson, parseStrictJson } from '../../core/index.ts'
import { jsonFact, type StatCache } from '../../data/index.ts'
import type { EnvironmentPackage } from '../environment.ts'
import { type Interpreter, interpreterIdentity } from './interpreter.ts'
import type { Located } from './locate.fs.ts'
import { type Asking, askProgram } from './probe.fs.ts'
import { areSettled, stampOf } from './stamp.fs.ts'

export type Installed = Readonly<{
  packages: readonly EnvironmentPackage[]
  /** File names of the shared libraries that packages bring. */
  libraries: readonly string[]
  /** Folders that `.pth` files name and the sandbox lacks. */
  outside: readonly string[]
}>

const answerShape = z.strictObject({
  distributions: z.array(z.string().max(500)).max(20_000),
  libraries: z.array(z.string().max(1000)).max(20_000),
  outside: z.array(z.string().max(1000)).max(1000),
  read: z.array(z.string().max(4096)).max(20_000),
})
type Answer = z.infer<typeof answerShape>

/** @throws ERR_ENV_INTERPRETER */
export async function listInstalled(located: Located, interpreter: Interpreter, asking: Asking): Promise<Installed> {
  const python = join(located.prefix, 'bin', located.path.slice(located.path.lastIndexOf('/') + 1))
  const key = digestOfJson({ installedProgram, python, interpreter: interpreterIdentity(interpreter) })
  const kept = recall(asking.memory, `installed:${key}`)
  if (kept !== undefined) return described(kept)

  const startedMs = Date.now()
  const answer = parseAnswer(await askProgram(python, ['-s', '-B'], installedProgram, located, asking))
  const read = [...answer.read, join(located.prefix, 'pyvenv.cfg')]
  const whole = { ...answer, read }
  if (areSettled(read, startedMs))
    asking.memory?.recordFact(`installed:${key}`, JSON.stringify({ answer: whole, stamps: read.map(stampOf) }))
  return described(answer)
}

/** An answer that still holds, else undefined: then the interpreter is asked again. */
function recall(memory: StatCache | undefined, key: string): Answer | undefined {
  const kept = jsonFact(memory, key) as Readonly<{ answer: Answer; stamps: readonly string[] }> | undefined // our own text
  return kept?.answer.read.every((path, at) => stampOf(path) === kept.stamps[at]) === true ? kept.answer : undefined
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
