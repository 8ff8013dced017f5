/**
 * Holds the documentation to the code.
 *
 * - the codes of `errorTable`, of docs/reference/errors.md and of the source are one set
 * - relative links lead to a file, and to a heading of it when they name one
 * - a command that a text or `--help` only names has a verb and options that exist
 * - every command in a block is executed: a block fenced as `sh` is a script, one fenced as `console` has its commands behind `$ `
 *   (`# exits 1` at the end of a line when 1 is what it should exit with). Each document gets one scratch copy of the
 *   example, in which its blocks run in order; documents run beside each other. `npm` lines are compared with package.json, since the whole test runs
 *   them. What must not be run is fenced as `text`.
 */
import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { parseAst } from 'rolldown/parseAst'
import { verbs } from '../src/cli/program.ts'
import { errorTable } from '../src/core/error-codes.ts'
import { errorsPage, printErrors } from './docs-errors.ts'
import { unknownIn } from './docs-verbs.ts'
import { type Fence, type Page, readPage } from './markdown.ts'
import { makeScratchProject, type ScratchProject } from './scratch-project.ts'
import { eachNode } from './syntax.ts'

const root = join(import.meta.dirname, '..')

type Document = Readonly<{ file: string; page: Page }>

/** Tracked files and new ones that are not ignored. */
function filesOf(...patterns: readonly string[]): readonly string[] {
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...patterns]
  const names = execFileSync('git', listed, { cwd: root, encoding: 'utf8' }).split('\0')
  return names.filter((name) => name !== '' && existsSync(join(root, name)))
}

const codePattern = /\bERR_[A-Z][A-Z_]+\b/g

/** Node's own codes, which adapters tell apart. */
const nodeCodes: ReadonlySet<string> = new Set(['ERR_BUFFER_TOO_LARGE', 'ERR_SQLITE_ERROR', 'ERR_INVALID_STATE'])

/** A code of ours or of Node's, or the beginning that a family of ours shares (`ERR_SOURCE_`). */
function isKnown(code: string): boolean {
  const family = code.endsWith('_') ? code : `${code}_`
  return code in errorTable || nodeCodes.has(code) || Object.keys(errorTable).some((known) => known.startsWith(family))
}

function checkErrorCodes(documents: readonly Document[]): readonly string[] {
  const faults: string[] = []
  if (!existsSync(errorsPage) || readFileSync(errorsPage, 'utf8') !== printErrors(errorTable)) {
    faults.push('docs/reference/errors.md is not what errorTable says: npm run docs:errors')
  }
  const sources = filesOf('src/*.ts').filter((name) => !/error-codes\.ts$|\.test\.ts$/.test(name))
  for (const file of [...sources, ...documents.map((document) => document.file)]) {
    for (const [code] of readFileSync(join(root, file), 'utf8').matchAll(codePattern)) {
      if (!isKnown(code)) faults.push(`${file} names ${code}, which is not in errorTable`)
    }
  }
  const said = new Set(sources.flatMap((file) => codesSaid(readFileSync(join(root, file), 'utf8'))))
  for (const code of Object.keys(errorTable)) {
    if (!said.has(code)) faults.push(`${code} stands in errorTable and no code says it`)
  }
  return faults
}

/** Codes that stand in the source as strings; a comment says nothing. */
export function codesSaid(code: string): readonly string[] {
  const found: string[] = []
  eachNode(parseAst(code, { lang: 'ts' }), (node) => {
    if (node['type'] === 'Literal' && /^ERR_[A-Z_]+$/.test(String(node['value']))) found.push(String(node['value']))
    if (node['type'] === 'MemberExpression' && /^ERR_[A-Z_]+$/.test(node['property']?.name))
      found.push(node['property'].name)
  })
  return found
}

function checkLinks({ file, page }: Document): readonly string[] {
  return page.links.flatMap(({ target, line }) => {
    if (/^[a-z]+:/.test(target)) return []
    const [path = '', anchor] = target.split('#')
    const linked = path === '' ? join(root, file) : join(root, dirname(file), path)
    const place = `${file}:${line}`
    if (!existsSync(linked)) return [`${place}: the link ${target} leads nowhere`]
    if (anchor === undefined || !linked.endsWith('.md')) return []
    return readPage(readFileSync(linked, 'utf8')).anchors.has(anchor) ? [] : [`${place}: ${target} names no heading`]
  })
}

/** Inline code that is a command of ours. */
function checkNamedCommands({ file, page }: Document): readonly string[] {
  return page.code.flatMap(({ text, line }) => {
    const fault = /^(bin\/)?assay [a-z-]/.test(text) ? unknownIn(text) : undefined
    return fault === undefined ? [] : [`${file}:${line}: \`${text}\`: ${fault}`]
  })
}

/** The examples of `--help` are documentation too. */
function checkHelp(): readonly string[] {
  return verbs.flatMap(({ usage, examples }) =>
    examples.flatMap((example) => {
      const fault = unknownIn(example)
      return fault === undefined ? [] : [`assay ${usage} --help: \`${example}\`: ${fault}`]
    }),
  )
}

type Command = Readonly<{ script: string; exit: number; place: string }>

/** The commands of a block, in order; a block that is no shell has none. */
export function commandsOf(fence: Fence, file: string): readonly Command[] {
  const [language] = fence.info.split(/\s/)
  if (language === 'sh')
    return [{ script: `set -e\n${fence.lines.join('\n')}`, exit: 0, place: `${file}:${fence.line}` }]
  if (language !== 'console') return []
  return fence.lines.flatMap((line, index) => {
    const command = /^\$ (.*?)(?:\s+# exits (\d))?$/.exec(line)
    return command === null
      ? []
      : [{ script: command[1] ?? '', exit: Number(command[2] ?? 0), place: `${file}:${fence.line + 1 + index}` }]
  })
}

/** Lines that the repository's own scripts answer; they are compared, not run. */
function checkNpmLines({ script, place }: Command, scripts: readonly string[]): readonly string[] {
  return [...script.matchAll(/^npm (?:run )?([\w:-]+)/gm)].flatMap(([, name]) =>
    scripts.includes(name ?? '') ? [] : [`${place}: package.json has no script \`${name}\``],
  )
}

type Ended = Readonly<{ status: string | number; output: string }>

function runScript(script: string, { root: cwd, environment: env }: ScratchProject): Promise<Ended> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', script], { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ status: error?.code ?? error?.signal ?? 0, output: `${stdout}${stderr}` }),
    )
  })
}

async function runCommand({ script, exit, place }: Command, project: ScratchProject): Promise<readonly string[]> {
  const { status, output } = await runScript(script, project)
  if (status === exit) return []
  const end = output.trimEnd().split('\n').slice(-30).join('\n    ')
  return [`${place}: exited ${status}, expected ${exit}\n    ${script.replaceAll('\n', '\n    ')}\n    ${end}`]
}

/** What can be said of the commands of a document without running them, and those that have to be run. */
function readCommands(
  { file, page }: Document,
  scripts: readonly string[],
): Readonly<{ faults: readonly string[]; runnable: readonly Command[] }> {
  const faults = page.indented
    .filter(({ text }) => /^(\$ )?(assay|npm|npx|git|dvc|sh) /.test(text))
    .map(({ line }) => `${file}:${line}: a command in an indented block: fence it as sh, console or text`)
  const unknown = page.fences.filter(({ info }) => info === '' || /^(bash|shell|zsh)\b/.test(info))
  faults.push(...unknown.map(({ line }) => `${file}:${line}: say what the block is: sh, console, text or a language`))
  const commands = page.fences.flatMap((fence) => commandsOf(fence, file))
  faults.push(...commands.flatMap((command) => checkNpmLines(command, scripts)))
  return { faults, runnable: commands.filter(({ script }) => !/^(npm|git clone|cd) /m.test(script)) }
}

/** The tool as it is now: a build beside this check takes `dist/` away. @returns `bin`: a folder for a PATH */
export function copyTool(): Disposable & Readonly<{ bin: string }> {
  const folder = join(root, '.cache', `docs-tool-${process.pid}`)
  for (const name of ['bin', 'dist', 'package.json', 'scripts/node.sha256'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return { bin: join(folder, 'bin'), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

/** One document after the other, each in a fresh project; what follows a broken command builds on it and is not run. */
async function runDocuments(label: string, bin: string, waiting: (readonly Command[])[]): Promise<readonly string[]> {
  const faults: string[] = []
  for (let commands = waiting.pop(); commands !== undefined; commands = waiting.pop()) {
    const { root, environment } = makeScratchProject(label)
    const project = { root, environment: { ...environment, PATH: `${bin}:${environment['PATH']}` } }
    for (const command of commands) {
      const broken = await runCommand(command, project)
      faults.push(...broken)
      if (broken.length > 0) break
    }
  }
  return faults
}

async function main(): Promise<void> {
  // our own package file
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const documents = filesOf('*.md').map((file) => ({ file, page: readPage(readFileSync(join(root, file), 'utf8')) }))
  const scripts = Object.keys(manifest.scripts)
  const faults = [
    ...checkErrorCodes(documents),
    ...documents.flatMap(checkLinks),
    ...documents.flatMap(checkNamedCommands),
    ...checkHelp(),
  ]
  const read = documents.map((document) => readCommands(document, scripts))
  faults.push(...read.flatMap((each) => each.faults))
  // The longest documents first, one for each core at a time.
  const waiting = read.flatMap(({ runnable }) => (runnable.length === 0 ? [] : [runnable]))
  waiting.sort((left, right) => left.length - right.length)
  using tool = copyTool()
  const lanes = Array.from({ length: availableParallelism() }, (_, lane) =>
    runDocuments(`docs-${lane + 1}`, tool.bin, waiting),
  )
  faults.push(...(await Promise.all(lanes)).flat())
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
  else console.log(`${documents.length} documents: ${relative(root, errorsPage)}, links and commands hold`)
}

if (import.meta.main) await main()
