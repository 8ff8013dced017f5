/**
 * A locked environment: built from local wheels against `uv` (offline, with bytecode), ready again, and imported.
 *
 * The packages are those of `examples/digits` (scikit-learn, numpy, scipy, matplotlib: some 80 MiB of wheels), fetched
 * once into the peers' folder. What is imported outside is a tree that uv made with bytecode.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { heading, measure, row, runOnce, type Timed } from './measure.ts'
import { assay, base, peer, peerFolder, project, remove, repository, run } from './scratch.ts'

const lock = join(repository, 'examples/digits/requirements.lock')

function wheelFolder(): string | undefined {
  const folder = join(peerFolder(), 'wheels')
  if (existsSync(folder)) return folder
  mkdirSync(folder, { recursive: true })
  try {
    run(
      [
        'python3',
        '-m',
        'pip',
        'download',
        '--quiet',
        '--require-hashes',
        '--only-binary',
        ':all:',
        '-r',
        lock,
        '-d',
        folder,
      ],
      base,
    )
    return folder
  } catch (error) {
    console.log(`    the wheels could not be fetched: ${String(error).split('\n').at(-1)}`)
    remove(folder)
    return undefined
  }
}

const imports = 'import sklearn.linear_model, sklearn.ensemble'

export async function environment(): Promise<void> {
  heading('Environment: a hash-locked scikit-learn')
  const wheels = wheelFolder()
  if (wheels === undefined) return
  const stages = `stages:
  nothing: {cmd: 'true > nothing.txt', outs: [nothing.txt]}
  imports: {cmd: python imports.py > imports.txt, deps: [imports.py], outs: [imports.txt]}
`
  const root = project('environment', {
    'dvc.yaml': stages,
    'requirements.lock': readFileSync(lock, 'utf8'),
    '.gitignore': '/*.txt\n',
    'imports.py': `${imports}\n`,
  })
  writeFileSync(
    join(root, 'assay.yaml'),
    'assay: 1\nname: environment\nenvironments:\n  locked: {python: {lock: requirements.lock}}\ndefaults: {environment: locked}\n',
  )
  run(['git', 'add', '--all'], root)
  run(['git', 'commit', '--quiet', '--message', 'environment'], root)
  const offline = ['env', 'PIP_NO_INDEX=1', `PIP_FIND_LINKS=${wheels}`, assay, 'run', '--force']
  const build = (): Timed => {
    remove(join(root, '.assay/environments'))
    remove(join(root, '.assay/objects'))
    return runOnce({ command: [...offline, 'nothing'], cwd: root })
  }
  const built = [build(), build()]
  const target = join(base, 'uv')
  const uv = peer('uv') === undefined ? undefined : [uvInstall(wheels, target), uvInstall(wheels, target)]
  const [best, other] = [least(built), uv === undefined ? undefined : least(uv)]
  row({
    what: 'built from local wheels, the stage included',
    ours: best,
    peer: other === undefined ? 'uv: not here' : 'uv --compile-bytecode',
    ...(other === undefined ? {} : { theirs: other }),
    goal: { text: 'faster than uv', met: other === undefined ? undefined : best.ms < other.ms },
  })

  const host = project('environment-host', {
    'dvc.yaml': stages.split('\n').slice(0, 2).join('\n'),
    '.gitignore': '/*.txt\n',
  })
  run([assay, 'run'], host)
  const [locked, bare] = measure(
    [
      { name: 'locked', command: [...offline, 'nothing'], cwd: root },
      { name: 'host', command: [assay, 'run', '--force', 'nothing'], cwd: host },
    ],
    5,
  )
  if (locked !== undefined && bare !== undefined) {
    const more = locked.ms - bare.ms
    const note = `mounting it costs ${more.toFixed(0)} ms: times of every entry are compared, a few files read`
    row({ what: 'a stage in it, the second time', ours: locked, peer: 'a stage of `host`', theirs: bare, note })
  }
  if (other === undefined) return
  const python = join(target, 'bin/python')
  const [inside, nothing, outside] = measure(
    [
      { name: 'inside', command: [...offline, 'imports'], cwd: root },
      { name: 'nothing', command: [...offline, 'nothing'], cwd: root },
      { name: 'outside', command: [python, '-c', imports], cwd: base },
    ],
    5,
  )
  if (inside === undefined || nothing === undefined || outside === undefined) return
  const only = { ms: inside.ms - nothing.ms, cpuMs: inside.cpuMs - nothing.cpuMs, peakKib: inside.peakKib }
  const goal = { text: 'as fast as outside (1.1)', met: only.ms <= 1.1 * outside.ms }
  row({ what: 'import of scikit-learn, the stage taken off', ours: only, peer: 'outside', theirs: outside, goal })
}

function least(timed: readonly Timed[]): Timed {
  return timed.reduce((best, each) => (each.ms < best.ms ? each : best))
}

/** Into a new environment from an empty cache, as ours is. */
function uvInstall(wheels: string, target: string): Timed {
  remove(target)
  run(['uv', 'venv', '--quiet', '--offline', target], base)
  const cache = join(base, 'uv-cache')
  remove(cache)
  const command = [
    'uv',
    'pip',
    'install',
    '--quiet',
    '--offline',
    '--no-index',
    '--compile-bytecode',
    '--require-hashes',
  ]
  return runOnce({
    command: [
      'env',
      `UV_CACHE_DIR=${cache}`,
      ...command,
      '--find-links',
      wheels,
      '--python',
      join(target, 'bin/python'),
      '-r',
      lock,
    ],
    cwd: base,
  })
}
