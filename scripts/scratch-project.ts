/**
 * A copy of an example in a scratch folder: a git repository of its own, with a key home of its own.
 *
 * Used by the demo, the documentation check and the story of frameworks. Nothing of theirs who run them gets in (git configuration, keys), and
 * nothing of theirs is touched. The folder is `.cache/<label>/<example>` of this repository: it is laid out anew each time
 * and stays afterwards to be looked at; only fetched packages and built environments, which assay verifies before each
 * use, are kept from one time to the next, with what it remembers of them and the secret that seals its memory: without
 * that one, it would read every file of an environment again for each document.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

export type ScratchProject = Readonly<{
  /** Absolute folder of the project. */
  root: string
  /** The whole environment for what runs in it; `assay` is on its PATH. */
  environment: Readonly<Record<string, string>>
}>

const repository = join(import.meta.dirname, '..')
const digits = join(repository, 'examples/digits')

/** What must reach the tool for it to fetch packages: proxies, certificates, the package index. */
const passedOn =
  /^(https?_proxy|no_proxy|all_proxy|node_extra_ca_certs|ssl_cert_(file|dir)|pip_cert|pip_index_url|pip_config_file)$/i

/** Found again by digest: what survives in `.assay`. */
const kept: ReadonlySet<string> = new Set(['.gitignore', 'objects', 'environments', 'cache'])

/** What a run in the example's own folder may have left there. */
const generated =
  /^\/(\.assay|data\/raw|data\/prepared|models|reports|metrics\.json|dvc\.lock|assay\.lock|trust\.yaml|attestations)(\/|$)|\/__pycache__(\/|$)|^\/\.dvc\/(tmp|cache)(\/|$)/

/**
 * @param label names the folder
 * @param example absolute folder of what is copied
 * @throws when another process has the same folder in use
 */
export function makeScratchProject(label: string, example = digits): ScratchProject {
  const base = join(repository, '.cache', label)
  const root = join(base, basename(example))
  const home = join(base, 'home')
  mkdirSync(base, { recursive: true })
  claim(join(base, 'in-use'))
  clear(root)
  clearHome(home)
  cpSync(example, root, { recursive: true, filter: (source) => !generated.test(source.slice(example.length)) })
  const environment = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => passedOn.test(name))),
    PATH: `${join(repository, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    ASSAY_CONFIG_HOME: join(home, 'assay'),
    GIT_CONFIG_NOSYSTEM: '1',
    LANG: 'C.UTF-8',
    NO_COLOR: '1',
  }
  const git = (...args: readonly string[]): void => {
    execFileSync('git', args, { cwd: root, env: environment, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  git('init', '--quiet', '--initial-branch=main')
  git('config', 'user.name', 'Ada Example')
  git('config', 'user.email', 'ada@example.org')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'The example')
  return { root, environment }
}

/** Two that lay out one folder at once would tear it from under each other. */
function claim(file: string): void {
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  if (holder !== process.pid && isAlive(holder))
    throw new Error(`process ${holder} uses ${file}: wait until it has ended`)
  writeFileSync(file, String(process.pid))
}

function isAlive(pid: number): boolean {
  return pid > 0 && existsSync(`/proc/${pid}`)
}

/** Of what the user has nothing stays but `seal.key`, which signs nothing. */
function clearHome(home: string): void {
  const seal = join(home, 'assay/seal.key')
  const kept = existsSync(seal) ? readFileSync(seal) : undefined
  rmSync(home, { recursive: true, force: true })
  mkdirSync(home, { recursive: true, mode: 0o700 })
  if (kept === undefined) return
  mkdirSync(dirname(seal), { mode: 0o700 })
  writeFileSync(seal, kept, { mode: 0o600 })
}

function clear(root: string): void {
  if (!existsSync(root)) return
  for (const name of readdirSync(root))
    if (name !== '.assay') rmSync(join(root, name), { recursive: true, force: true })
  const state = join(root, '.assay')
  if (!existsSync(state)) return
  for (const name of readdirSync(state)) {
    if (!kept.has(name)) rmSync(join(state, name), { recursive: true, force: true })
  }
}
