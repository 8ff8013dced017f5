/**
 * What `pyproject.toml`, a `Pipfile` and the `pip:` part of a conda `environment.yml` say that a project needs. Pure.
 *
 * SOURCE: PEP 621 (`[project]`), PEP 735 (dependency groups), Poetry and pipenv, "Dependency specification". Nothing is
 * computed: what only a build knows is refused.
 */
import { z } from 'zod'
import { quotedForShell } from '../../core/index.ts'
import type { CondaWanted } from './conda-wanted.ts'
import { type LockChoice, normaliseName } from './lock.ts'
import { parseIndexUrl, type Refuse, refusalAt, refuseChoice, shapedLock, tomlOf } from './lock-text.ts'
import { poetrySpecifier } from './poetry-versions.ts'
import {
  joinWanted,
  nothingWanted,
  type ReadWanted,
  releaseHelp,
  requirementsWanted,
  type Wanted,
  wantedRequirement,
} from './wanted.ts'

const texts = z.array(z.string())
const detailed = z.looseObject({
  version: z.string().optional(),
  extras: texts.optional(),
  markers: z.string().optional(),
  optional: z.boolean().optional(),
})
const table = z.record(z.string(), z.union([z.string(), detailed, z.array(detailed)]))
type Detailed = z.infer<typeof detailed>

const pyprojectShape = z.looseObject({
  project: z
    .looseObject({
      dependencies: texts.optional(),
      'optional-dependencies': z.record(z.string(), texts).optional(),
      dynamic: texts.optional(),
    })
    .optional(),
  'dependency-groups': z
    .record(z.string(), z.array(z.union([z.string(), z.looseObject({ 'include-group': z.string() })])))
    .optional(),
  tool: z
    .looseObject({
      poetry: z
        .looseObject({
          dependencies: table.optional(),
          group: z.record(z.string(), z.looseObject({ dependencies: table.optional() })).optional(),
          extras: z.record(z.string(), texts).optional(),
        })
        .optional(),
      setuptools: z
        .looseObject({
          dynamic: z
            .looseObject({ dependencies: z.looseObject({ file: z.union([z.string(), texts]) }).optional() })
            .optional(),
        })
        .optional(),
      uv: z
        .looseObject({
          sources: z.record(z.string(), z.unknown()).optional(),
          'dev-dependencies': texts.optional(),
        })
        .optional(),
      pdm: z.looseObject({ 'dev-dependencies': z.record(z.string(), texts).optional() }).optional(),
    })
    .optional(),
})
type Pyproject = z.infer<typeof pyprojectShape>

/** @throws ERR_ENV_LOCK_INVALID */
export function pyprojectWanted(question: ReadWanted): Wanted {
  const { path, choice, textOf } = question
  const refuse = refusalAt(path, 1)
  const document = shapedLock(pyprojectShape, tomlOf(textOf(path) ?? '', path), refuse)
  const { project, tool = {} } = document
  refuseChoice(choice, knownIn(document), path)
  const sources = new Map(Object.entries(tool.uv?.sources ?? {}).map(([name, from]) => [normaliseName(name), from]))
  const wanted = joinWanted(
    nothingWanted,
    ...(project === undefined ? [] : [projectWanted(document, question, refuse)]),
    ...groupsOf(document, choice, refuse),
    ...(tool.poetry === undefined ? [] : [poetryWanted(tool.poetry, question, refuse)]),
  )
  const elsewhere = wanted.requirements.map(nameOf).find((name) => sources.has(name))
  if (elsewhere !== undefined) {
    const source = sources.get(elsewhere)
    const isIndex = typeof source === 'object' && source !== null && 'index' in source
    const what = `\`tool.uv.sources\` takes \`${elsewhere}\` from elsewhere`
    const help = isIndex ? 'lock it with its own tool, which assay reads: uv lock' : releaseHelp
    throw refuse('ERR_ENV_LOCK_INVALID', what, help)
  }
  if (wanted.requirements.length > 0) return wanted
  const [group] = knownIn(document).groups
  throw refuse(
    'ERR_ENV_LOCK_INVALID',
    'the file names no dependencies',
    group === undefined
      ? 'name the right file: assay env lock --from FILE'
      : `ask for a group of it: assay env lock --from ${quotedForShell(path)} --group ${group}`,
  )
}

function nameOf(requirement: string): string {
  return normaliseName(/^[A-Za-z0-9._-]+/.exec(requirement)?.[0] ?? '')
}

/** By PEP 735, and as PDM and uv wrote them before it. */
function groupTables({
  tool,
  'dependency-groups': groups = {},
}: Pyproject): NonNullable<Pyproject['dependency-groups']> {
  const dev = tool?.uv?.['dev-dependencies']
  return { ...tool?.pdm?.['dev-dependencies'], ...(dev === undefined ? {} : { dev }), ...groups }
}

function knownIn(document: Pyproject): LockChoice {
  const { project, tool } = document
  const poetry = tool?.poetry
  return {
    extras: [...Object.keys(project?.['optional-dependencies'] ?? {}), ...Object.keys(poetry?.extras ?? {})],
    groups: [...Object.keys(groupTables(document)), ...Object.keys(poetry?.group ?? {})],
  }
}

function projectWanted({ project, tool }: Pyproject, question: ReadWanted, refuse: Refuse): Wanted {
  const { choice } = question
  const extras = Object.entries(project?.['optional-dependencies'] ?? {}).flatMap(([name, lines]) =>
    choice.extras.includes(normaliseName(name)) ? lines : [],
  )
  const own = [...(project?.dependencies ?? []), ...extras].map((line) => wantedRequirement(line, refuse))
  if (project?.dynamic?.includes('dependencies') !== true) return joinWanted(nothingWanted, ...own)
  const file = tool?.setuptools?.dynamic?.dependencies?.file
  if (file === undefined) {
    const what = 'its dependencies are computed by a build (`dynamic`), and no code of a project is run to lock it'
    throw refuse(
      'ERR_ENV_LOCK_INVALID',
      what,
      'write them into a requirements.txt: assay env lock --from requirements.txt',
    )
  }
  return joinWanted(...own, ...[file].flat().map((path) => requirementsWanted({ ...question, path })))
}

function groupsOf(document: Pyproject, choice: LockChoice, refuse: Refuse): readonly Wanted[] {
  const groups = new Map(Object.entries(groupTables(document)).map(([name, items]) => [normaliseName(name), items]))
  const seen = new Set<string>()
  const linesOf = (name: string): readonly string[] => {
    if (seen.has(name)) return []
    seen.add(name)
    return (groups.get(name) ?? []).flatMap((item) =>
      typeof item === 'string' ? [item] : linesOf(normaliseName(item['include-group'])),
    )
  }
  return choice.groups.flatMap(linesOf).map((line) => wantedRequirement(line, refuse))
}

type Poetry = NonNullable<NonNullable<Pyproject['tool']>['poetry']>

function poetryWanted(poetry: Poetry, { choice }: ReadWanted, refuse: Refuse): Wanted {
  const ofExtras = Object.entries(poetry.extras ?? {}).flatMap(([name, packages]) =>
    choice.extras.includes(normaliseName(name)) ? packages.map(normaliseName) : [],
  )
  const groups = Object.entries(poetry.group ?? {}).filter(([name]) => choice.groups.includes(normaliseName(name)))
  const entries = [poetry.dependencies ?? {}, ...groups.map(([, group]) => group.dependencies ?? {})].flatMap(
    Object.entries,
  )
  const lines = entries.flatMap(([name, written]) => {
    if (name === 'python') return []
    return detailsOf(written)
      .filter(({ optional }) => optional !== true || ofExtras.includes(normaliseName(name)))
      .map((details) => lineOf(name, details, (versions) => poetrySpecifier(versions, refuse), refuse))
  })
  return joinWanted(nothingWanted, ...lines.map((line) => wantedRequirement(line, refuse)))
}

function detailsOf(written: string | Detailed | readonly Detailed[]): readonly Detailed[] {
  if (typeof written === 'string') return [{ version: written }]
  return [written].flat() as readonly Detailed[] // a list stays a list, one becomes a list of one
}

function lineOf(name: string, details: Detailed, versions: (text: string) => string, refuse: Refuse): string {
  const place = ['git', 'hg', 'svn', 'path', 'file', 'url', 'ref', 'editable'].find((key) =>
    Object.hasOwn(details, key),
  )
  if (place !== undefined) {
    throw refuse('ERR_ENV_LOCK_INVALID', `\`${name}\` comes from \`${place}\` and not from an index`, releaseHelp)
  }
  const { version = '*', extras = [], markers } = details
  const named = extras.length === 0 ? name : `${name}[${extras.join(',')}]`
  return `${named}${version.trim() === '*' ? '' : versions(version)}${markers === undefined ? '' : ` ; ${markers}`}`
}

const pipfileShape = z.looseObject({
  source: z.array(z.looseObject({ url: z.string() })).optional(),
  packages: table.optional(),
})

/** @throws ERR_ENV_LOCK_INVALID */
export function pipfileWanted({ path, choice, textOf }: ReadWanted): Wanted {
  const refuse = refusalAt(path, 1)
  const { source = [], packages = {}, ...others } = shapedLock(pipfileShape, tomlOf(textOf(path) ?? '', path), refuse)
  const { requires: _requires, pipenv: _pipenv, scripts: _scripts, ...groups } = others
  refuseChoice(choice, { extras: [], groups: Object.keys(groups) }, path)
  const chosen = Object.entries(groups).flatMap(([name, group]) =>
    choice.groups.includes(normaliseName(name)) ? [shapedLock(table, group, refuse)] : [],
  )
  const lines = [packages, ...chosen].flatMap(Object.entries).flatMap(([name, written]) =>
    detailsOf(written)
      .filter((details) => !isItself(details))
      .map((details) => lineOf(name, details, (versions) => versions, refuse)),
  )
  const indexes = source.map(({ url }) => parseIndexUrl(url, refuse))
  return joinWanted({ ...nothingWanted, indexes }, ...lines.map((line) => wantedRequirement(line, refuse)))
}

/** The `pip:` part of an environment.yml that asks conda for nothing but its Python. @throws ERR_ENV_LOCK_INVALID */
export function condaPipWanted(question: ReadWanted, { pip, specs }: CondaWanted): Wanted {
  const { path, textOf } = question
  const file = requirementsWanted({
    ...question,
    textOf: (asked) => (asked === path ? pip.join('\n') : textOf(asked)),
  })
  const python = specs.find((spec) => /^python\b\W*\d/.test(spec))
  if (python === undefined) return file
  const note = `${path} asks for \`${python}\`: lock it for that one (--interpreter), and name it in assay.yaml (\`interpreter\`)`
  return joinWanted(file, { ...nothingWanted, notes: [note] })
}

/** `pipenv install -e .`: its code is in the commit. */
function isItself(details: Detailed): boolean {
  return details['path'] === '.'
}

const pinsShape = z.looseObject({
  package: z
    .array(z.looseObject({ name: z.string(), version: z.string().optional(), source: z.unknown().optional() }))
    .optional(),
})

/**
 * The versions that a lock of Poetry or uv holds, of any version of its format: kept while they hold.
 *
 * A project that the lock has in several versions is left to the resolver.
 *
 * @throws ERR_ENV_LOCK_INVALID
 */
export function versionsIn({ path, textOf }: Pick<ReadWanted, 'path' | 'textOf'>): Wanted {
  const refuse = refusalAt(path, 1)
  const { package: packages = [] } = shapedLock(pinsShape, tomlOf(textOf(path) ?? '', path), refuse)
  const byName = Map.groupBy(packages, ({ name }) => normaliseName(name))
  const constraints = [...byName].flatMap(([name, [one, ...others]]) =>
    one?.version === undefined || others.length > 0
      ? []
      : wantedRequirement(`${name}==${one.version}`, refuse).requirements,
  )
  return {
    ...nothingWanted,
    constraints,
    notes: constraints.length === 0 ? [] : [`the versions of ${path} are kept (--upgrade forgets them)`],
  }
}
