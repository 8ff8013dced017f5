/**
 * Commits exactly the files that `init` wrote, in the user's own repository and name.
 *
 * THREAT: a repository that was unpacked, not cloned, brings hooks of its own. LIMIT: filters that its configuration
 * and attributes name do run, as with any `git add`.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { DomainError } from '../core/index.ts'
import { openRepository } from '../data/index.ts'
import type { Caller } from './project.ts'
import { findRoot } from './workspace.fs.ts'

const run = promisify(execFile)
const withoutHooks = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false']

/** Asked before anything is written. @throws ERR_USAGE outside a repository */
export async function requireRepository({ workingFolder, environment }: Caller): Promise<void> {
  const root = findRoot(workingFolder) ?? workingFolder
  if ((await openRepository(root, { environment })) !== undefined) return
  throw new DomainError('ERR_USAGE', 'there is no git repository here to commit to; nothing was written', {
    help: 'make one with git init, or leave out --commit',
  })
}

/** @returns the new commit. @throws ERR_GIT_FAILED with what git said */
export async function commitFiles(root: string, files: readonly string[]): Promise<string> {
  const git = async (...args: readonly string[]): Promise<string> => {
    try {
      return (await run('git', [...withoutHooks, '--literal-pathspecs', ...args], { cwd: root, encoding: 'utf8' }))
        .stdout
    } catch (cause) {
      const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().split('\n')[0] : ''
      throw new DomainError('ERR_GIT_FAILED', `the files could not be committed: ${said}`, {
        cause,
        help: `commit them yourself: git add --force ${files.join(' ')} && git commit`,
      })
    }
  }
  await git('add', '--force', '--', ...files) // a repository that ignores every *.yaml needs these all the same
  await git('commit', '--quiet', '--message', 'Adopt assay', '--only', '--', ...files)
  return (await git('rev-parse', 'HEAD')).trim()
}
