/** Node.js of the machine: found on the caller's PATH, digested, and asked in the sandbox what it is. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { DomainError, digestOfJson, isSha256, parseStrictJson, type Sha256 } from '../../core/index.ts'
import { digestPath, jsonFact } from '../../data/index.ts'
import type { Environment } from '../environment.ts'
import { removeTree } from '../remove-tree.fs.ts'
import type { Mount } from '../sandbox.ts'
import { type Located, locateInterpreter, prefixesToMount } from './locate.fs.ts'
import type { NodePlatform } from './package-lock.ts'
import type { EnvironmentRequest } from './request.ts'
import { readPlainFile } from './tree.fs.ts'

export type NodeRuntime = Readonly<{
  binary: Sha256
  version: string
  platform: NodePlatform
  mounts: readonly Mount[]
  /** Folders for PATH, in order. */
  path: readonly string[]
}>

const probeShape = z.strictObject({
  version: z.string().regex(/^\d{1,4}\.\d{1,6}\.\d{1,6}[\w.+-]{0,60}$/),
  os: z.string().regex(/^[a-z0-9]{1,20}$/),
  cpu: z.string().regex(/^[a-z0-9]{1,20}$/),
  glibc: z.string().max(40),
  execPath: z.string().max(4096),
})
type Probe = z.infer<typeof probeShape>

const answerTarget = '/answer'
const limits = { cpus: 1, memoryBytes: 2 * 1024 ** 3, timeMs: 60_000, processes: 64, outputBytes: 64 * 1024 ** 2 }

/** @throws ERR_ENV_INTERPRETER */
export async function findNode(request: EnvironmentRequest, interpreter: string | undefined): Promise<NodeRuntime> {
  const located = await locateInterpreter(interpreter ?? 'node', request.caller, request.memory)
  if (located === undefined) throw new DomainError('ERR_ENV_INTERPRETER', 'there is no `node` on PATH')
  const { memory, rehash = false } = request
  const { digest } = await digestPath(located.real, {
    name: located.real,
    ...(memory === undefined ? {} : { cache: memory, rehash }),
  })
  if (!isSha256(digest)) throw new DomainError('ERR_ENV_INTERPRETER', `\`${located.real}\` is a folder, not a program`)
  const folder = dirname(basename(located.real) === 'node' ? located.real : located.path)
  const path = [...new Set([folder, '/usr/local/bin', '/usr/bin', '/bin'])]
  const key = `node:${digestOfJson({ program, digest, real: located.real, path })}`
  const kept = jsonFact(memory, key) as Probe | undefined // our own text
  const probe = kept ?? (await ask(located, path, request))
  if (kept === undefined) memory?.recordFact(key, JSON.stringify(probe))
  const { version, os, cpu, glibc } = probe
  return {
    ...{ binary: digest, version },
    platform: { os, cpu, libc: os !== 'linux' ? '' : glibc === '' ? 'musl' : 'glibc' },
    mounts: prefixesToMount(located).map((prefix) => ({ source: prefix, target: prefix })),
    path,
  }
}

const program = `
const { writeFileSync } = require('node:fs')
process.report.excludeNetwork = true
const { header } = process.report.getReport()
writeFileSync(__dirname + '/answer.json', JSON.stringify({
  version: process.versions.node, os: process.platform, cpu: process.arch, glibc: header.glibcVersionRuntime || '',
  execPath: process.execPath,
}))
`

/** As stages start it: by the name `node`, which must be the one that was found and digested. */
async function ask(
  located: Located,
  path: readonly string[],
  { runInBox, workFolder, cacheFolder, signal }: EnvironmentRequest,
): Promise<Probe> {
  const folder = mkdtempSync(join(cacheFolder, `tmp-${process.pid}-ask-`))
  try {
    writeFileSync(join(folder, 'ask.cjs'), program)
    const { end, tail } = await runInBox({
      workFolder,
      argv: ['/bin/sh', '-c', 'exec node "$0"', `${answerTarget}/ask.cjs`],
      mounts: prefixesToMount(located).map((prefix) => ({ source: prefix, target: prefix })),
      writable: { source: folder, target: answerTarget },
      variables: { LC_ALL: 'C.UTF-8', PATH: path.join(':') },
      limits,
      signal,
    })
    signal.throwIfAborted()
    const answer = readPlainFile(join(folder, 'answer.json'), 64 * 1024)
    const said = answer === undefined ? undefined : probeShape.safeParse(parseStrictJson(answer, 'the answer of node'))
    const help = 'name one that is called `node` in its own folder, as `interpreter:` of the environment'
    if (end.kind !== 'exited' || end.code !== 0 || said?.success !== true) {
      const what = `\`${located.real}\` does not run as \`node\` in the sandbox: ${tail.at(-1) ?? end.kind}`
      throw new DomainError('ERR_ENV_INTERPRETER', what, { help })
    }
    if (said.data.execPath === located.real) return said.data
    const what = `\`node\` would be \`${said.data.execPath}\` in a stage, and not \`${located.real}\``
    throw new DomainError('ERR_ENV_INTERPRETER', what, { help })
  } finally {
    removeTree(folder)
  }
}

export function nodeFacts({ binary, version, platform }: NodeRuntime): Environment['facts'] {
  return [
    { name: 'node/version', value: version, tier: 'observed' },
    { name: 'node/binary', value: binary, tier: 'observed' },
    {
      name: 'node/platform',
      value: `${platform.os}-${platform.cpu}${platform.libc === '' ? '' : `-${platform.libc}`}`,
      tier: 'observed',
    },
  ]
}
