/**
 * Programs that choose an environment and then run a command in it (`poetry run`, `uv run`, `conda run`): pure.
 *
 * A stage has one environment already, without network and without the runner's own caches, where they cannot work. A
 * small script of the same name stands for each: it leaves the command as it is written and starts what follows `run`.
 * Whether the environment is the one that the runner would have chosen is asked before (`pipeline/runners.ts`).
 */
import { sha256Of } from '../../core/index.ts'

export const runnerNames = ['conda', 'hatch', 'mamba', 'micromamba', 'pdm', 'pipenv', 'poetry', 'rye', 'uv'] as const
export type RunnerName = (typeof runnerNames)[number]

/** `environment` is what `conda run -n NAME` or `-p PATH` names. */
export type RunnerCall = Readonly<{ runner: RunnerName; environment?: string }>

const atStart = String.raw`(?:^|[;&|(\n])\s*(?:[A-Za-z_]\w*=\S*\s+|(?:env|exec|time|nice|nohup)\s+)*`
const call = new RegExp(String.raw`${atStart}(${runnerNames.join('|')})\s+run\b([^;&|\n]*)`, 'g')

/** The runners that stand in front of commands; words in quotes that look like one are taken for one. */
export function runnersIn(commands: readonly string[]): readonly RunnerCall[] {
  return commands.flatMap((command) =>
    [...command.matchAll(call)].flatMap(([, name, rest = '']) => {
      const runner = runnerNames.find((each) => each === name)
      if (runner === undefined) return []
      const environment = /(?:^|\s)(?:-n|--name|-p|--prefix)[\s=]+(\S+)/.exec(rest)?.[1]
      return [isConda(runner) && environment !== undefined ? { runner, environment } : { runner }]
    }),
  )
}

export function isConda(runner: RunnerName): boolean {
  return runner === 'conda' || runner.endsWith('mamba')
}

/**
 * Starts what follows `run`. Options that change nothing of the environment are passed over; any other is refused, since
 * what it asks for would not happen.
 */
export const runnerScript = `#!/bin/sh
# assay: the environment of this sandbox stands for the one that this program would choose
runner=\${0##*/}
refuse() { echo "assay: \\\`$runner $*: write the command that it would run" >&2; exit 127; }
[ "$1" = run ] || refuse "$1\\\` is not there in a stage"
shift
while :; do
  case $1 in
    --) shift; break ;;
    -q|--quiet|-v|-vv|-vvv|--verbose|--no-ansi|--no-interaction|--no-capture-output|--live-stream|--no-progress) shift ;;
    --frozen|--locked|--no-sync|--offline|--active|--no-plugins|--no-cache|--all-extras|--dev|--no-dev|--all-groups) shift ;;
    --extra|--group) shift 2 ;;
    -n|--name|-p|--prefix) case $runner in conda|*mamba) shift 2 ;; *) refuse "run $1\\\` chooses what a stage cannot" ;; esac ;;
    --name=*|--prefix=*) shift ;;
    -m|--module) [ "$runner" = uv ] || refuse "run $1\\\` is not known"; exec python "$@" ;;
    -*) refuse "run $1\\\` chooses what a stage cannot" ;;
    *) break ;;
  esac
done
case $1 in '') refuse "run\\\` has no command" ;; esac
case $runner-$1 in uv-*.py) [ -x "$1" ] || exec python "$@" ;; esac
command -v "$1" >/dev/null || refuse "run $1\\\` is no program here; a script of pyproject.toml or Pipfile is not looked up"
exec "$@"
`

/** Where the scripts lie in a sandbox; another folder as soon as they change, so that stages count as changed. */
export const runnersTarget = `/opt/assay/runners-${sha256Of(runnerScript).slice('sha256:'.length, 'sha256:'.length + 12)}`
