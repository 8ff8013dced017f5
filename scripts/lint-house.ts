/**
 * The rules of the house that a formatter does not know, over the syntax trees of `src/`.
 *
 * - layers: a folder imports only from folders on lines above it, never sideways; from another folder only its index.ts
 * - cycles: no module imports itself by way of others (types do not count, dynamic imports do)
 * - effects: file system, network, processes, workers and databases only in files whose name says so
 * - environment: `process.env` only in main.ts
 * - classes: only errors, resources (a `close` or dispose method) and readers with private state; DECISION 0008
 * - dependencies: a package that is imported stands in package.json; tests may use the development ones
 * - length: a file has at most 350 lines, a test 600
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { parseAst } from 'rolldown/parseAst'
import { eachNode, type SyntaxNode } from './syntax.ts'

export type Violation = Readonly<{ rule: string; file: string; because: string }>

const layers = [
  ['core'],
  ['data', 'attestation', 'access'],
  ['compute', 'reproducibility'],
  ['registry'],
  ['pipeline'],
  ['contract'],
  ['server', 'cli', 'web'],
]
const levelOf = new Map(layers.flatMap((names, depth) => names.map((name) => [name, depth] as const)))

const effectModules =
  /^(node:)?(fs|fs\/promises|net|tls|dgram|dns|dns\/promises|http|https|http2|child_process|worker_threads|cluster|sqlite|inspector|vm)$|^(undici|pg|better-sqlite3|@duckdb\/node-api)$/
const effectFile = /\.(fs|exec|http|sqlite|duckdb)\.ts$|(^|\/)main\.ts$/
/** Tests, and what only tests use: `testing.ts`, `testing.exec.ts`. */
const testFile = /\.(test|contract)\.ts$|(^|\/)testing(\.\w+)?\.ts$/

/** Tables, which are read by looking up and not from top to bottom. */
const tables: ReadonlySet<string> = new Set(['core/error-codes.ts', 'cli/program.ts'])
const maxLines = 350
const maxTestLines = 600

type Import = Readonly<{ specifier: string; isType: boolean }>
type Module = Readonly<{ file: string; code: string; tree: SyntaxNode; imports: readonly Import[] }>

/**
 * @param source folder that holds the layers
 * @param packages what may be imported, by who may import it
 * @returns every violation, in the order of the files
 */
export function lintHouse(
  source: string,
  packages: Readonly<{ runtime: readonly string[]; development: readonly string[] }>,
): readonly Violation[] {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).sort()
  const modules = files.filter((name) => name.endsWith('.ts')).map((file) => parseModule(source, file))
  const known = new Set(files.filter((name) => name.endsWith('.ts') || name.endsWith('.json')))
  return [
    ...modules.flatMap((module) => [
      ...lintLayers(module, known),
      ...lintEffects(module),
      ...lintEnvironment(module),
      ...lintClasses(module),
      ...lintPackages(module, packages),
      ...lintLength(module),
    ]),
    ...lintCycles(modules),
  ]
}

function parseModule(source: string, file: string): Module {
  const code = readFileSync(join(source, file), 'utf8')
  const tree: SyntaxNode = parseAst(code, { lang: 'ts' })
  return { file, code, tree, imports: importsOf(tree) }
}

function importsOf(tree: SyntaxNode): readonly Import[] {
  const imports: Import[] = []
  const add = (source: SyntaxNode | undefined, isType: boolean): void => {
    if (source?.['type'] === 'Literal') imports.push({ specifier: String(source['value']), isType })
  }
  eachNode(tree, (node) => {
    if (node['type'] === 'ImportDeclaration') add(node['source'], isTypeOnly(node, 'importKind'))
    if (node['type'] === 'ExportNamedDeclaration') add(node['source'], isTypeOnly(node, 'exportKind'))
    if (node['type'] === 'ExportAllDeclaration') add(node['source'], node['exportKind'] === 'type')
    if (node['type'] === 'ImportExpression') add(node['source'], false)
    if (node['type'] === 'TSImportType') add(node['source'] ?? node['argument']?.literal, true)
    if (node['type'] === 'CallExpression' && loaders.has(calleeOf(node))) add(node['arguments'][0], false)
  })
  return imports
}

/** Ways to load a module that are not import statements. */
const loaders: ReadonlySet<string> = new Set(['require', 'process.getBuiltinModule'])

function calleeOf(call: SyntaxNode): string {
  const callee = call['callee']
  return callee?.type === 'MemberExpression' ? `${callee.object?.name}.${callee.property?.name}` : String(callee?.name)
}

function isTypeOnly(node: SyntaxNode, kind: 'importKind' | 'exportKind'): boolean {
  const specifiers: readonly SyntaxNode[] = node['specifiers'] ?? []
  return node[kind] === 'type' || (specifiers.length > 0 && specifiers.every((specifier) => specifier[kind] === 'type'))
}

/** The file that a relative import means, from the source folder; undefined for packages. */
function targetOf(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : undefined
}

function lintLayers({ file, imports }: Module, known: ReadonlySet<string>): readonly Violation[] {
  const own = file.split('/')[0] ?? ''
  const level = levelOf.get(own)
  if (level === undefined) return [{ rule: 'layers', file, because: `\`${own}\` is no layer of the house` }]
  return imports.flatMap(({ specifier, isType }) => {
    const target = targetOf(file, specifier)
    if (target === undefined) return []
    const complain = (because: string): readonly Violation[] => [{ rule: 'layers', file, because }]
    if (target.startsWith('..'))
      return testFile.test(file) ? [] : complain(`imports \`${specifier}\`, which is outside src`)
    if (!known.has(target)) return complain(`imports \`${specifier}\`, which is not there`)
    if (testFile.test(target) && !testFile.test(file)) return complain(`imports \`${specifier}\`, which is for tests`)
    const other = target.split('/')[0] ?? ''
    if (other === own) return []
    const otherLevel = levelOf.get(other)
    if (otherLevel === undefined || otherLevel >= level) return complain(`\`${own}\` may not import from \`${other}\``)
    if (own === 'contract' && other !== 'core' && !isType)
      return complain(`\`contract\` may take only types from \`${other}\``)
    if (own === 'web' && !['contract', 'core'].includes(other) && target !== 'attestation/verify.ts') {
      return complain(`\`web\` may not import from \`${other}\``)
    }
    return target === `${other}/index.ts` || (own === 'web' && target === 'attestation/verify.ts')
      ? []
      : complain(`imports \`${specifier}\`: from another folder only its index.ts`)
  })
}

function lintEffects({ file, imports }: Module): readonly Violation[] {
  if (effectFile.test(file) || testFile.test(file)) return []
  return imports
    .filter(({ specifier, isType }) => !isType && effectModules.test(specifier))
    .map(({ specifier }) => ({
      rule: 'effects',
      file,
      because: `imports \`${specifier}\`, but its name is none of *.fs.ts, *.exec.ts, *.http.ts, *.sqlite.ts, main.ts`,
    }))
}

function lintEnvironment({ file, tree }: Module): readonly Violation[] {
  if (testFile.test(file) || /(^|\/)main\.ts$/.test(file)) return []
  const found: Violation[] = []
  eachNode(tree, (node) => {
    const isEnvironment =
      node['type'] === 'MemberExpression' && node['object']?.name === 'process' && node['property']?.name === 'env'
    if (isEnvironment) found.push({ rule: 'environment', file, because: 'reads `process.env`, which only main.ts may' })
    if (node['type'] === 'CallExpression' && node['callee']?.name === 'fetch' && !effectFile.test(file)) {
      found.push({ rule: 'effects', file, because: 'calls `fetch`, but its name is not *.http.ts' })
    }
    if (
      (node['type'] === 'CallExpression' || node['type'] === 'NewExpression') &&
      /^(eval|Function)$/.test(node['callee']?.name)
    ) {
      found.push({ rule: 'effects', file, because: `makes code from text with \`${node['callee'].name}\`` })
    }
  })
  return found
}

function lintClasses({ file, tree }: Module): readonly Violation[] {
  const found: Violation[] = []
  const complain = (because: string): void => void found.push({ rule: 'classes', file, because })
  eachNode(tree, (node) => {
    if (node['type'] !== 'ClassDeclaration' && node['type'] !== 'ClassExpression') return
    const parent = node['superClass']?.name
    if (/Error$/.test(parent ?? '')) return
    const name = node['id']?.name
    if (parent !== undefined) complain(`\`${name}\` inherits from \`${parent}\``)
    else if (!isResource(node) && !hasPrivateState(node)) {
      complain(`the class \`${name}\` is no error, has nothing to close and no private state: write functions`)
    }
  })
  return found
}

function membersOf(node: SyntaxNode): readonly SyntaxNode[] {
  return node['body']?.body ?? []
}

function isResource(node: SyntaxNode): boolean {
  return membersOf(node).some(({ key }) => /^(close|dispose|asyncDispose)$/.test(key?.name ?? key?.property?.name))
}

function hasPrivateState(node: SyntaxNode): boolean {
  return membersOf(node).some(({ type, key }) => type === 'PropertyDefinition' && key?.type === 'PrivateIdentifier')
}

function lintPackages(
  { file, imports }: Module,
  packages: Readonly<{ runtime: readonly string[]; development: readonly string[] }>,
): readonly Violation[] {
  const allowed = new Set(testFile.test(file) ? [...packages.runtime, ...packages.development] : packages.runtime)
  return imports.flatMap(({ specifier, isType }) => {
    if (specifier.startsWith('.') || specifier.startsWith('node:')) return []
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
    if (allowed.has(name) || (isType && packages.development.includes(name))) return []
    return [
      {
        rule: 'dependencies',
        file,
        because: `imports \`${name}\`, which is no ${testFile.test(file) ? '' : 'runtime '}dependency`,
      },
    ]
  })
}

function lintLength({ file, code }: Module): readonly Violation[] {
  const limit = testFile.test(file) ? maxTestLines : maxLines
  const lines = code.split('\n').length - 1
  if (tables.has(file) || lines <= limit) return []
  return [{ rule: 'length', file, because: `has ${lines} lines, the limit is ${limit}` }]
}

/** One violation for each cycle that a depth-first walk closes. */
function lintCycles(modules: readonly Module[]): readonly Violation[] {
  const edges = new Map(
    modules.map(({ file, imports }) => [
      file,
      imports.flatMap(({ specifier, isType }) => {
        const target = isType ? undefined : targetOf(file, specifier)
        return target === undefined ? [] : [target]
      }),
    ]),
  )
  const done = new Set<string>()
  const found: Violation[] = []
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file)
    if (start >= 0) {
      found.push({ rule: 'cycles', file, because: [...trail.slice(start), file].join(' -> ') })
      return
    }
    if (done.has(file)) return
    for (const next of edges.get(file) ?? []) visit(next, [...trail, file])
    done.add(file)
  }
  for (const { file } of modules) visit(file, [])
  return found
}

function main(): void {
  const root = join(import.meta.dirname, '..')
  // our own package file
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
    devDependencies: Record<string, string>
  }
  const violations = lintHouse(join(root, 'src'), {
    runtime: Object.keys(manifest.dependencies),
    development: Object.keys(manifest.devDependencies),
  })
  for (const { rule, file, because } of violations) console.error(`src/${file}: ${rule}: ${because}`)
  if (violations.length > 0) process.exitCode = 1
}

if (import.meta.main) main()
