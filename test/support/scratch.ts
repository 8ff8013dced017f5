/**
 * A project in a scratch folder, driven as its user would: real git, the real built tool, a key home of its own.
 * Everything is removed when the test ends.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { shareHost } from './host-facts.ts'

export type Ran = Readonly<{ code: number | null; stdout: string; stderr: string }>

export type Scratch = Readonly<{
  root: string
  /** Folder of the keys, outside the project. */
  keys: string
  assay(...args: readonly string[]): Promise<Ran>
  /** Runs a verb with `--json` and parses the one document; the exit code is asserted. */
  json(exit: number, ...args: readonly string[]): Promise<Document>
  write(files: Readonly<Record<string, string>>): void
  read(path: string): string
  git(...args: readonly string[]): string
  commit(message?: string): void
}>

/** JSON of which a test reads a few members; a wrong shape fails the assertion that reads it. */
// biome-ignore lint/suspicious/noExplicitAny: tests read documents of every verb, and assert what they read
export type Document = any

export const assayProgram = join(import.meta.dirname, '../../bin/assay')

export function scratch(context: TestContext, files: Readonly<Record<string, string>>): Scratch {
  const base = mkdtempSync(join(tmpdir(), 'assay-test-'))
  chmodSync(base, 0o755)
  context.after(() => rmSync(base, { recursive: true, force: true }))
  const root = join(base, 'project')
  const keys = join(base, 'keys')
  mkdirSync(root)
  const environment = scratchEnvironment(keys)

  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const write: Scratch['write'] = (given) => {
    for (const [path, text] of Object.entries(given)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
  }
  const told = new Set<string>()
  const run = async (args: readonly string[]): Promise<Ran> => {
    const ran = await runAssay(args, root, environment)
    const verb = args[0] === 'data' ? `data ${args[1]}` : `${args[0]}`
    if (ran.code === 0 && !told.has(verb)) shareHost(verb, { root, keys })
    if (ran.code === 0) told.add(verb)
    return ran
  }
  git('init', '--quiet', '--initial-branch=main')
  git('config', 'user.name', 'Ada Test')
  git('config', 'user.email', 'ada@example.org')
  write(files)
  return {
    root,
    keys,
    git,
    write,
    read: (path) => readFileSync(join(root, path), 'utf8'),
    commit: (message = 'a change') => {
      git('add', '--all')
      git('commit', '--quiet', '--allow-empty', '-m', message)
    },
    assay: (...args) => run(args),
    json: async (exit, ...args) => {
      const ran = await run(args.includes('--json') ? args : [...args, '--json'])
      assert.equal(ran.code, exit, `assay ${args.join(' ')} exited ${ran.code}:\n${ran.stdout}\n${ran.stderr}`)
      return JSON.parse(ran.stdout) as Document
    },
  }
}

/** What must reach the tool for it to fetch packages: proxies, certificates, the package index. */
const passedOn =
  /^(https?_proxy|no_proxy|all_proxy|node_extra_ca_certs|ssl_cert_(file|dir)|pip_cert|pip_index_url|pip_config_file)$/i

/** What the tool gets of the environment: nothing of the person who runs the tests. */
export function scratchEnvironment(keys: string): Record<string, string> {
  const network = Object.entries(process.env).filter((entry): entry is [string, string] => passedOn.test(entry[0]))
  return {
    ...Object.fromEntries(network),
    PATH: process.env['PATH'] ?? '',
    HOME: keys,
    ASSAY_CONFIG_HOME: join(keys, 'assay'),
    LANG: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
  }
}

/** @param input for stdin, which is empty when left out */
export function runAssay(
  args: readonly string[],
  cwd: string,
  environment: Record<string, string>,
  input = '',
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(assayProgram, args, { cwd, env: environment, stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.on('error', () => undefined) // a verb that reads nothing may be gone before it is written to
    child.stdin.end(input)
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    )
  })
}
