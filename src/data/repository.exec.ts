/**
 * A repository read through the git program: the adapter of the port `repository.ts`.
 *
 * Used are `cat-file`, `rev-list`, `rev-parse`, `symbolic-ref`, `for-each-ref`, `config`, `check-ignore`, `check-attr` and
 * `ls-files --others`; never `status`, `checkout`, `diff` or `archive`, which run what the repository says.
 * Source: trust.md section 4. Read next: `git.exec.ts` (how git is tamed), `work-tree.fs.ts` (what is dirty).
 */
import { join } from 'node:path'
import { DomainError, sha256Of } from '../core/index.ts'
import type { DigestFilesOptions } from './digest-files.fs.ts'
import { type CallerEnvironment, findGit, type GitPlace, gitFault, runGit, runGitAlone } from './git.exec.ts'
import { type GitConfig, hasIncludes, lastOf, parseConfigList, remoteOf } from './git-config.ts'
import {
  hasLines,
  locateRepository,
  plainBytes,
  type RepositoryPlace,
  sameFolder,
  strangersPart,
} from './git-locate.fs.ts'
import { isOid } from './git-objects.ts'
import { hasNoReplaceRefs, readPlainHead } from './git-refs.fs.ts'
import { rulesDigest } from './git-rules.fs.ts'
import type { GitOid, Repository, RepositoryFinding } from './repository.ts'
import { repositoryBlobs } from './repository-blobs.ts'
import { readContent } from './repository-content.ts'
import { peopleIn } from './repository-history.ts'
import { onceIn } from './repository-once.ts'
import { digestsAt, filesAt } from './repository-past.ts'
import { attributesOf, ignoredPaths, untrackedPaths } from './repository-paths.ts'
import { readFrom, readSubmodules } from './repository-submodules.exec.ts'
import type { StatCache } from './stat-cache.sqlite.ts'
import { dirtyPaths } from './work-tree.fs.ts'

/** `cache` speeds up `dirty`, the digests of blobs and `lfsPointers`; with `rehash` it is asked nothing. */
export type RepositoryOptions = DigestFilesOptions & Readonly<{ environment?: CallerEnvironment }>

/**
 * Opens the repository that holds the project, or says that there is none.
 *
 * @param project a folder that exists
 * @returns undefined when neither the folder nor one above it is a git work tree
 * @throws ERR_GIT_UNAVAILABLE, ERR_GIT_UNSAFE, ERR_GIT_CORRUPT, ERR_GIT_FAILED, ERR_INPUT_TOO_LARGE
 */
export async function openRepository(
  project: string,
  options: RepositoryOptions = {},
): Promise<Repository | undefined> {
  const place = locateRepository(project)
  if (place === undefined) return undefined
  const environment = options.environment ?? {}
  const openPlace = async (each: RepositoryPlace): Promise<GitPlace> => {
    const opened = { program: findGit(environment, place.root), gitDir: each.gitDir, root: each.root }
    await refuseStrangers(each, opened, environment)
    return opened
  }
  const git = await openPlace(place)
  const cache = options.rehash === true ? undefined : options.cache
  const config = await readConfig(place, git, cache)
  const own = await readFacts(place, git, { config: config.values, cache })
  const submodules = await readSubmodules(own.tree, place.projectRoot, openPlace)
  const facts = {
    ...own,
    tree: submodules.tree.size === 0 ? own.tree : new Map([...own.tree, ...submodules.tree]),
    submodules: submodules.states,
    findings: [...own.findings, ...submodules.findings],
  }
  const rules = { place, config: config.digest, cache }
  let identity: ReturnType<Repository['identity']> | undefined
  const read = readFrom(git, withoutOwn(submodules.placeOf, own.tree))
  const blobs = repositoryBlobs({ ...facts, ownTree: own.tree }, read, options)
  return {
    ...facts,
    ...blobs,
    digestsAt: (commit, paths) => digestsAt({ git, cache }, { prefix: place.prefix, commit, paths }),
    onceIn: async (folder) =>
      own.commit === undefined
        ? { files: [], isWhole: true }
        : onceIn({ git, cache }, { head: own.commit, folder: inWorkTree(place.prefix, folder) }),
    filesAt: (revision, paths) => filesAt(git, { prefix: place.prefix, revision, paths }),
    holds: async (commit) =>
      isOid(commit) && (await runGit(git, ['rev-parse', '--quiet', '--verify', `${commit}^{commit}`])).status === 0,
    peopleIn: (spans) => peopleIn(git, spans),
    dirty: (within = ['.']) =>
      dirtyPaths(facts, within, {
        ...options,
        attributesOf: (paths) => rememberedAttributes(git, rules, paths),
        pointersOf: (entries) => blobs.pointersAmong(entries),
      }),
    untracked: (within) =>
      untrackedPaths(git, place.prefix, {
        // A tracked file hides nothing; a folder in its place is told by `dirty`.
        within: within.filter((path) => facts.tree.get(path)?.kind !== 'file'),
        tree: facts.tree,
      }),
    ignored: (paths) => rememberedIgnored(git, rules, paths),
    identity: () => {
      identity ??= readIdentity(git, environment)
      return identity
    },
  }
}

/**
 * What the ignore files say, and nothing else of the repository: no commit and no content is read.
 *
 * @returns which of many project paths are ignored; undefined when there is no git work tree
 * @throws ERR_GIT_UNAVAILABLE, ERR_GIT_UNSAFE, ERR_GIT_FAILED
 */
export async function openIgnored(
  project: string,
  environment: CallerEnvironment,
): Promise<Repository['ignored'] | undefined> {
  const place = locateRepository(project)
  if (place === undefined) return undefined
  const git: GitPlace = { program: findGit(environment, place.root), gitDir: place.gitDir, root: place.root }
  await refuseStrangers(place, git, environment)
  return (paths) => ignoredPaths(git, place.prefix, paths)
}

function inWorkTree(prefix: string, folder: string): string {
  return prefix === '.' ? folder : `${prefix}/${folder}`
}

/** What both have is read from the project's own repository. */
function withoutOwn(placeOf: ReadonlyMap<GitOid, GitPlace>, tree: Repository['tree']): ReadonlyMap<GitOid, GitPlace> {
  if (placeOf.size === 0) return placeOf
  const own = new Set([...tree.values()].map((entry) => (entry.kind === 'submodule' ? '' : entry.blob)))
  return new Map([...placeOf].filter(([oid]) => !own.has(oid)))
}

type Facts = Omit<
  Repository,
  | 'submodules'
  | 'readBlob'
  | 'readBlobs'
  | 'blobDigests'
  | 'digestsAt'
  | 'filesAt'
  | 'onceIn'
  | 'holds'
  | 'peopleIn'
  | 'storeBlobs'
  | 'treeDigest'
  | 'lfsPointers'
  | 'dirty'
  | 'untracked'
  | 'ignored'
  | 'identity'
>

async function readFacts(
  place: RepositoryPlace,
  git: GitPlace,
  { config, cache }: Readonly<{ config: GitConfig; cache: StatCache | undefined }>,
): Promise<Facts> {
  const [head, isReplaced] = await Promise.all([
    readPlainHead(place) ?? askHead(git),
    hasNoReplaceRefs(place) ?? askReplaceRefs(git),
  ])
  const { findings, ...content } = await readContent(git, head.commit, { prefix: place.prefix, cache })
  const remote = remoteOf(config, head.ref)
  return {
    root: place.root,
    projectRoot: place.projectRoot,
    prefix: place.prefix,
    objectFormat: lastOf(config, 'extensions.objectformat') === 'sha256' ? 'sha256' : 'sha1',
    isShallow: hasLines(join(place.commonDir, 'shallow')),
    findings: [...findingsOf(place, config, isReplaced), ...findings],
    ...head,
    ...content,
    ...(remote === undefined ? {} : { remote }),
  }
}

/** Git itself does not ask, since it is given the git dir: so we do, by git's own rule. */
async function refuseStrangers(place: RepositoryPlace, git: GitPlace, environment: CallerEnvironment): Promise<void> {
  const part = strangersPart(place, environment['SUDO_UID'])
  if (part === undefined) return
  const request = { userConfig: environment }
  const answer = await runGitAlone(git.program, ['config', '-z', '--type=path', '--get-all', 'safe.directory'], request)
  let isSafe = false
  for (const value of answer.stdout.split('\0').slice(0, -1)) {
    // An empty value takes back all before it.
    isSafe = value !== '' && (isSafe || value === '*' || value === place.root || isBelow(place.root, value))
  }
  if (isSafe) return
  throw new DomainError(
    'ERR_GIT_UNSAFE',
    `\`${part}\` belongs to another user, who could have prepared the repository`,
    {
      help: `work as its owner, or trust it: git config --global --add safe.directory ${place.root}`,
    },
  )
}

function isBelow(root: string, value: string): boolean {
  return value.endsWith('/*') && root.startsWith(value.slice(0, -1))
}

type ReadConfig = Readonly<{ values: GitConfig; digest: string }>

/** The repository's own files only, includes not followed. What a file says is remembered by its digest. */
async function readConfig(place: RepositoryPlace, git: GitPlace, cache: StatCache | undefined): Promise<ReadConfig> {
  let output = ''
  const digests: string[] = []
  for (const file of [join(place.commonDir, 'config'), join(place.gitDir, 'config.worktree')]) {
    const bytes = plainBytes(file)
    if (bytes === undefined) continue
    const digest = sha256Of(bytes)
    digests.push(digest)
    const key = `git-config:${digest}`
    const known = cache?.fact(key)
    if (known !== undefined) {
      output += known
      continue
    }
    const answer = await runGitAlone(git.program, ['config', `--file=${file}`, '--no-includes', '-z', '--list'])
    if (answer.status !== 0) throw gitFault(answer, 'read the configuration of the repository')
    if (sha256Of(plainBytes(file) ?? '') === digest) cache?.recordFact(key, answer.stdout)
    output += answer.stdout
  }
  return { values: parseConfigList(output), digest: digests.join() }
}

type Rules = Readonly<{ place: RepositoryPlace; config: string; cache: StatCache | undefined }>

function rememberedIgnored(git: GitPlace, rules: Rules, paths: readonly string[]): ReturnType<Repository['ignored']> {
  return remembered(git, rules, {
    kind: 'ignored',
    paths,
    ask: () => ignoredPaths(git, rules.place.prefix, paths),
    print: (found) => JSON.stringify([...found]),
    parse: (text) => new Set(JSON.parse(text) as string[]), // our own text
  })
}

function rememberedAttributes(git: GitPlace, rules: Rules, paths: readonly string[]): ReturnType<typeof attributesOf> {
  return remembered(git, rules, {
    kind: 'attributes',
    paths,
    ask: () => attributesOf(git, rules.place.prefix, paths),
    print: (found) => JSON.stringify([...found]),
    parse: (text) => new Map(JSON.parse(text) as [string, string[]][]), // our own text
  })
}

/** What files of rules say is remembered by the files. */
async function remembered<Value>(
  git: GitPlace,
  { place: { prefix, commonDir }, config, cache }: Rules,
  question: Readonly<{
    kind: Parameters<typeof rulesDigest>[1]
    paths: readonly string[]
    ask(): Promise<Value>
    print(value: Value): string
    parse(text: string): Value
  }>,
): Promise<Value> {
  const inWorkTree = question.paths.map((path) => join(prefix, path))
  const digestNow = (): string | undefined => rulesDigest(git, question.kind, { commonDir, config, paths: inWorkTree })
  const digest = digestNow()
  const key = `git-${question.kind}:${digest}`
  const known = digest === undefined ? undefined : cache?.fact(key)
  if (known !== undefined) return question.parse(known)
  const found = await question.ask()
  if (digest !== undefined && digestNow() === digest) cache?.recordFact(key, question.print(found))
  return found
}

async function askHead(git: GitPlace): Promise<Readonly<{ commit?: GitOid; ref?: string }>> {
  const [head, symbolic] = await Promise.all([
    runGit(git, ['rev-parse', '--quiet', '--verify', 'HEAD']),
    runGit(git, ['symbolic-ref', '--quiet', 'HEAD']),
  ])
  const ref = symbolic.status === 0 ? symbolic.stdout.trimEnd() : undefined
  // A branch that is not born yet has a name and no commit; anything else without a commit is damage.
  if (head.status === 1 && ref !== undefined) {
    const born = await runGit(git, ['show-ref', '--verify', '--quiet', '--', ref])
    if (born.status === 1) return { ref }
  }
  if (head.status !== 0) throw gitFault(head, 'read HEAD')
  return { commit: head.stdout.trimEnd(), ...(ref === undefined ? {} : { ref }) }
}

async function readIdentity(git: GitPlace, environment: CallerEnvironment): ReturnType<Repository['identity']> {
  const answer = await runGit(git, ['config', '-z', '--get-regexp', '^user\\.(name|email)$'], {
    userConfig: environment,
  })
  const config = parseConfigList(answer.status === 0 ? answer.stdout : '')
  const [name, email] = [lastOf(config, 'user.name'), lastOf(config, 'user.email')]
  return { ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }), tier: 'declared' }
}

async function askReplaceRefs(git: GitPlace): Promise<boolean> {
  const answer = await runGit(git, ['for-each-ref', '--count=1', '--format=%(refname)', 'refs/replace/'])
  if (answer.status !== 0) throw gitFault(answer, 'list the refs')
  return answer.stdout !== ''
}

function findingsOf(place: RepositoryPlace, config: GitConfig, isReplaced: boolean): readonly RepositoryFinding[] {
  const findings: RepositoryFinding[] = []
  if (isReplaced) findings.push({ code: 'ERR_GIT_REPLACE_REFS', because: 'refs/replace exchanges objects for others' })
  if (hasLines(join(place.commonDir, 'info/grafts'))) {
    findings.push({ code: 'ERR_GIT_GRAFTS', because: 'info/grafts rewrites the history' })
  }
  if (['alternates', 'http-alternates'].some((name) => hasLines(join(place.commonDir, 'objects/info', name)))) {
    findings.push({ code: 'ERR_GIT_ALTERNATES', because: 'objects are taken from another repository' })
  }
  const moved = lastOf(config, 'core.worktree')
  if (moved !== undefined && !sameFolder(place.gitDir, moved, place.root)) {
    findings.push({ code: 'ERR_GIT_WORKTREE', because: 'core.worktree names another folder than this one' })
  }
  if (hasIncludes(config))
    findings.push({ code: 'ERR_GIT_INCLUDES', because: 'the configuration includes other files' })
  return findings
}
