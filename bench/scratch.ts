/** Projects to measure on, in a folder that is removed at the end. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export const repository = join(import.meta.dirname, '..')
export const assay = join(repository, 'bin/assay')
export const base = mkdtempSync(join(tmpdir(), 'assay-bench-'))
chmodSync(base, 0o755)
process.once('exit', () => rmSync(base, { recursive: true, force: true }))

/** What every command here is given: a home of its own, and the peers' folder first. */
export const environment: Readonly<Record<string, string>> = {
  PATH: `${peerFolder()}/bin:${process.env['PATH'] ?? ''}`,
  HOME: join(base, 'home'),
  ASSAY_CONFIG_HOME: join(base, 'home/assay'),
  GIT_CONFIG_NOSYSTEM: '1',
  LANG: 'C.UTF-8',
  DVC_NO_ANALYTICS: '1',
  // Where the peers may be fetched from, and packages for the environments.
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(PIP_|SSL_|NODE_EXTRA_CA|https?_proxy|no_proxy)/i.test(name)),
  ),
}

/** `scripts/bench-peers.sh` puts dvc and uv there. */
export function peerFolder(): string {
  return process.env['ASSAY_BENCH_PEERS'] ?? join(process.env['HOME'] ?? '/tmp', '.cache/assay-bench')
}

/** The program when it can be started here, else undefined. */
export function peer(name: string, versionFlag = '--version'): string | undefined {
  return spawnSync(name, [versionFlag], { env: environment }).status === 0 ? name : undefined
}

export function run(command: readonly string[], cwd: string): string {
  const [program = '', ...rest] = command
  const ran = spawnSync(program, rest, { cwd, env: environment, encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (ran.status !== 0) throw new Error(`${command.join(' ')} exited ${ran.status} in ${cwd}:\n${ran.stderr}`)
  return ran.stdout
}

export function commitOf(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: repository, encoding: 'utf8' }).trim()
}

/** A project that git and assay, and DVC when it is here, know. */
export function project(
  name: string,
  files: Readonly<Record<string, string>>,
  fill: (root: string) => void = () => undefined,
): string {
  const root = join(base, name)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  fill(root)
  run(['git', 'init', '--quiet'], root)
  run(['git', 'config', 'user.name', 'Bench'], root)
  run(['git', 'config', 'user.email', 'bench@example.org'], root)
  if (peer('dvc') !== undefined) run(['dvc', 'init', '--quiet'], root)
  run(['git', 'add', '--all'], root)
  run(['git', 'commit', '--quiet', '--message', 'bench'], root)
  run([assay, 'init', '--yes', '--commit'], root)
  return root
}

/** Files with bytes of their own, 1,000 a folder, dated back so that none counts as still being written. */
export function makeFiles(root: string, count: number, sizeBytes: number): void {
  const block = Buffer.alloc(sizeBytes)
  const old = new Date('2026-01-01')
  for (let index = 0; index < count; index += 1) {
    const folder = join(root, String(Math.floor(index / 1000)))
    if (index % 1000 === 0) mkdirSync(folder, { recursive: true })
    block.write(`file ${index} `)
    writeFileSync(join(folder, `${index}.bin`), block)
    utimesSync(join(folder, `${index}.bin`), old, old)
  }
}

export function remove(path: string): void {
  rmSync(path, { recursive: true, force: true })
}
