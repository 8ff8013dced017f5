/** Programs of others, installed by pip at a pinned version, each in a virtual environment below .cache/interop. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export const repository = join(import.meta.dirname, '../..')
const dvcVersion = '3.67.1'

/** Made once; its folder of programs. */
export function virtualEnvironment(name: string, ...install: readonly string[]): string {
  const folder = join(repository, '.cache/interop', name)
  if (!existsSync(join(folder, 'ready'))) {
    rmSync(folder, { recursive: true, force: true })
    run('python3', ['-m', 'venv', folder])
    run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...install])
    run('touch', [join(folder, 'ready')])
  }
  return join(folder, 'bin')
}

/** Folder of the programs `dvc` and `python`. */
export function dvcPrograms(): string {
  return virtualEnvironment(`dvc-${dvcVersion}`, `dvc==${dvcVersion}`)
}

/** v3.0.x is not on the module proxy; v3.1.2 is the version that docs and fixtures speak of. */
const cosignVersion = 'v3.1.2'

/** cosign, built from its source, which takes some minutes once; `COSIGN=/path/to/cosign` takes another one. */
export function cosignProgram(): string {
  const given = process.env['COSIGN']
  if (given !== undefined) return given
  const folder = join(repository, '.cache/interop', `cosign-${cosignVersion}`)
  const program = join(folder, 'cosign')
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true })
    const nice = ['-n', '19', 'go', 'install', `github.com/sigstore/cosign/v3/cmd/cosign@${cosignVersion}`]
    execFileSync('nice', nice, { env: { ...process.env, GOBIN: folder }, stdio: 'inherit' })
  }
  return program
}

/** What the program printed; it must exit 0. */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): string {
  const outcome = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...options })
  assert.equal(outcome.status, 0, `${program} ${args.join(' ')}\n${outcome.stdout}\n${outcome.stderr}`)
  return outcome.stdout
}
