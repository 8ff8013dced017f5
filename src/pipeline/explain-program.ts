/** Why a program or a module was not found in the sandbox, and where it is instead: pure. */
import { join } from 'node:path/posix'
import { quotedForShell } from '../core/index.ts'
import { type Explanation, type Failure, settingsLine } from './failure.ts'
import { missingModuleIn, missingProgramIn, variablesReadBy } from './failure-words.ts'

const code = 'ERR_STAGE_FAILED'

/** Words that bash has and `/bin/sh` need not have. */
const bashOnly: ReadonlySet<string> = new Set([
  'source',
  '[[',
  'shopt',
  'declare',
  'function',
  'pushd',
  'popd',
  'mapfile',
])
/** Debian's package of a program that pipelines often start. */
const packages: Readonly<Record<string, string>> = {
  Rscript: 'r-base-core',
  R: 'r-base-core',
  make: 'make',
  unzip: 'unzip',
  jq: 'jq',
}

export function explainProgram(failure: Failure): Explanation | undefined {
  const { outcome, host, environment } = failure
  const name = missingProgramIn(outcome.log.lines)
  if (name === undefined) return undefined
  if (bashOnly.has(name)) {
    return {
      code,
      because: `\`${name}\` is a word of bash, and commands run in /bin/sh`,
      help:
        name === 'source'
          ? 'write `. FILE`; an environment is activated before assay run, not in cmd'
          : "write `bash -c '...'`",
    }
  }
  if (name.includes('/')) return explainScript(failure, name)
  if (environment.kind === 'image')
    return { code, because: `its image has no program \`${name}\``, help: intoImage(failure) }
  const here = host.programOnPath(name)
  const where = placeOf(failure)
  if (environment.kind === 'node' || environment.kind === 'conda') {
    const help = `add what brings it to the lock of the environment ${environment.name}, or install it in the system`
    return { code, because: `\`${name}\` is neither in the environment ${environment.name} nor in the system`, help }
  }
  if (here !== undefined) {
    return {
      code,
      because: `\`${name}\` is not in the sandbox: here it is \`${here}\`, outside of the system and of ${where}`,
      help: `install it there: python3 -m pip install ${quotedForShell(name)}; or activate the environment that has it, then assay run`,
    }
  }
  const known = packages[name]
  return {
    code,
    because: `the program \`${name}\` is not installed on this machine`,
    help:
      known === undefined
        ? `install it in the system or in ${where}, then run again`
        : `install it, on Debian and Ubuntu: apt install ${known}`,
    ...(environment.locked
      ? { help: `add what brings it to the lock of the environment ${environment.name}, or install it in the system` }
      : {}),
  }
}

function intoImage({ environment }: Failure): string {
  return `put it into the image, and name that by its digest in the environment ${environment.name}`
}

/** A script that is there and cannot be started; one that is not there is an undeclared read, or was never there. */
function explainScript({ stage, visible }: Failure, name: string): Explanation | undefined {
  const path = join(stage.workingDirectory, name)
  if (!visible.includes(path)) return undefined
  return {
    code,
    because: `\`${path}\` cannot be started: its first line names an interpreter that is not in the sandbox, or ends with a carriage return`,
    help: `look at it: head -1 ${quotedForShell(path)} | cat -A`,
  }
}

function placeOf({ environment }: Failure): string {
  const prefix =
    environment.variables['VIRTUAL_ENV'] ?? environment.variables['CONDA_PREFIX'] ?? environment.mounts[0]?.target
  return prefix === undefined ? 'the environment' : `the environment \`${prefix}\``
}

export function explainModule(failure: Failure): Explanation | undefined {
  const { outcome, environment } = failure
  const missing = missingModuleIn(outcome.log.lines)
  if (missing === undefined) return undefined
  const { language, name } = missing
  const because = `its ${languages[language]} has no package \`${name}\``
  if (environment.kind === 'image' && folderOfModule(name, failure.visible) === undefined)
    return { code, because, help: intoImage(failure) }
  if (language === 'r') {
    return {
      code,
      because,
      help: `install it for all users, since a stage sees no home: on Debian apt install r-cran-${name.toLowerCase()}`,
    }
  }
  if (language === 'node')
    return {
      code,
      because,
      help:
        environment.kind === 'node'
          ? `add it to package.json and to the lock of the environment ${environment.name}: npm install --package-lock-only NAME`
          : 'node_modules is not tracked, so no stage sees it; name the lock in assay.yaml: environments: {web: {node: {lock: package-lock.json}}}',
    }
  const inProject = folderOfModule(name, failure.visible)
  if (inProject !== undefined) {
    const line = settingsLine(failure.stage, { env: { PYTHONPATH: join('/project', inProject) } })
    return {
      code,
      because: `\`${name}\` is in the project's folder \`${inProject}\`, where its Python does not look`,
      help: `install the project into the environment, pip install -e ., or say in assay.yaml: ${line}`,
    }
  }
  if (environment.locked) return { code, because, help: `add it to the lock of the environment ${environment.name}` }
  return { code, because, help: moduleHelp(failure, name) }
}

const languages = { python: 'Python', r: 'R', node: 'Node' } as const

function moduleHelp(failure: Failure, name: string): string {
  const { environment, host } = failure
  const [top = name] = name.split('.')
  const version = environment.facts.find((fact) => fact.name === 'python/version')?.value ?? ''
  const userSite = `.local/lib/python${version.split('.').slice(0, 2).join('.')}/site-packages`
  const isPersonal = [top, `${top}.py`].some((entry) => host.exists(join(host.home, userSite, entry)))
  const prefix = environment.variables['VIRTUAL_ENV'] ?? environment.variables['CONDA_PREFIX']
  if (isPersonal)
    return `it lies in your user site (~/${userSite}), which no stage sees: install it in a virtual environment, activate that, then assay run`
  const install = `pip install ${quotedForShell(top)} (the package may have another name)`
  return prefix === undefined
    ? `assay was called without a virtual environment: activate the one of this project, then assay run; or ${install}`
    : `install it in \`${prefix}\`: ${install}`
}

/** The folder that Python must look in to find a module that the project has. */
function folderOfModule(name: string, visible: readonly string[]): string | undefined {
  const [top = name] = name.split('.')
  const found = visible
    .filter((path) => path.endsWith('.py'))
    .map((path) => {
      const names = path.split('/')
      const at = names.findIndex((part) => part === top || part === `${top}.py`)
      return at < 0 ? undefined : names.slice(0, at).join('/') || '.'
    })
    .filter((folder) => folder !== undefined)
  return found.toSorted((left, right) => left.length - right.length)[0]
}

/** A variable of the caller that the command reads; a stage is given none that assay.yaml does not name. */
export function explainVariable({ stage, variables, host }: Failure): Explanation | undefined {
  const unset = variablesReadBy(stage.commands).filter((name) => variables[name] === undefined)
  const callers = unset.find((name) => host.variables[name] !== undefined)
  if (callers !== undefined) {
    return {
      code,
      because: `its command reads \`$${callers}\`, which you have and the stage is not given`,
      help: `pass it on, in assay.yaml: ${settingsLine(stage, { env: [callers] })}; it is recorded`,
    }
  }
  return undefined
}

/** What a stage has not, although a shell of the user has it: a repository, a mode bit. */
export function explainShell(failure: Failure): Explanation | undefined {
  const { stage, outcome, visible } = failure
  const text = outcome.log.lines.join('\n')
  const notExecutable = /^(?:[\w/]*sh): (?:line )?\d+: ([^\s:]+): Permission denied$/m.exec(text)?.[1]
  if (notExecutable !== undefined && visible.includes(join(stage.workingDirectory, notExecutable))) {
    const path = join(stage.workingDirectory, notExecutable)
    return {
      code,
      because: `\`${path}\` is not executable in the commit`,
      help: `chmod +x ${quotedForShell(path)} && git add ${quotedForShell(path)} && git commit`,
    }
  }
  if (/not inside of a DVC repository|NotDvcRepoError|not a dvc repo/i.test(text)) {
    return {
      code,
      because: 'it looks for a DVC repository, and a stage has none',
      help: 'read the params file itself, declared under params, instead of dvc.api',
    }
  }
  if (/fatal: not a git repository|InvalidGitRepositoryError/i.test(text)) {
    return {
      code,
      because: 'it asks git, and a stage has no repository',
      help: `pass what it needs as a variable, in assay.yaml: ${settingsLine(stage, { env: ['NAME'] })}`,
    }
  }
  return undefined
}
