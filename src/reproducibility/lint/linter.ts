/**
 * What a stage runs, read and judged: its commands, the scripts and notebooks that they start, and what these import.
 *
 * Nothing is executed. What cannot be read is a finding of its own, `unread`: it is never passed over.
 */
import { basename, dirname, join, normalize, relative } from 'node:path/posix'
import { DomainError, isInside } from '../../core/index.ts'
import { importedFiles, moduleFiles } from './imports.ts'
import { judgeProgram } from './python-program.ts'
import { lintRules, type Rule, type RuleName } from './rules.ts'
import { readShell, type Started } from './shell.ts'
import {
  type Place,
  type PythonSource,
  pythonFrom,
  pythonText,
  type SourceFiles,
  shellText,
  type Text,
  textFrom,
} from './source.ts'
import { callsOf, isShellName, seesNoVariables } from './started.ts'

/** A command of the definition, and the line of the file where it stands. */
export type StageCommand = Readonly<{ text: string; line: number }>

export type StageCode = Readonly<{
  stage: string
  /** The file that defines it. */
  file: string
  commands: readonly StageCommand[]
  /** Project path. */
  workingDirectory: string
  /** What it makes: code among it is not what it runs. */
  outs: readonly string[]
  has: ReadonlySet<'network' | 'gpu'>
  /** The stage gets the fixed PYTHONHASHSEED, and does not change it. */
  hasHashSeed: boolean
  /** Further folders that Python looks for modules in, project paths. */
  importRoots: readonly string[]
  /** File -> rule -> why it does no harm. */
  harmless: ReadonlyMap<string, ReadonlyMap<string, string>>
}>

export type LintFinding = Readonly<{ rule: RuleName; file: string }> &
  Place &
  Readonly<{
    /** One sentence. */
    because: string
    instead: string
    /** Further lines that the same change mends. */
    also: readonly number[]
    /** Why it was declared to do no harm. */
    harmless?: string
    /** What assay sets so that it does none. */
    fixedBy?: string
  }>

export type StageLint = Readonly<{ findings: readonly LintFinding[]; files: readonly string[] }>
export type Linter = Readonly<{ lint(code: StageCode): StageLint }>

/** LIMIT: files and bytes of one program, and shells in one another. As many bytes are kept from stage to stage. */
const maxFiles = 1000
const maxProgramBytes = 3 * 1024 * 1024
const maxShells = 8

type Run = Readonly<{
  sources: SourceFiles
  known: Map<string, PythonSource | DomainError | undefined>
  code: StageCode
  findings: Map<string, LintFinding>
  files: Set<string>
}>

export function openLinter(sources: SourceFiles): Linter {
  const known: Run['known'] = new Map()
  return {
    lint: (code) => {
      if (bytesKept(known) > maxProgramBytes) known.clear()
      const run: Run = { sources, known, code, findings: new Map(), files: new Set() }
      for (const { text, line } of code.commands) {
        const source = { ...shellText(text, code.file), placeOf: () => ({ line, column: 1 }) }
        lintShell(run, source, code.workingDirectory, 0)
      }
      return { findings: [...run.findings.values()], files: [...run.files].toSorted() }
    },
  }
}

function bytesKept(known: Run['known']): number {
  return [...known.values()].reduce(
    (sum, source) => sum + (source !== undefined && 'text' in source ? source.text.length : 0),
    0,
  )
}

/** A place that is declared harmless stands for itself and for others with that reason, never for those without. */
function add(run: Run, source: Text, offset: number, rule: RuleName, what: string, also: readonly number[] = []): void {
  const { needs }: Rule = lintRules[rule]
  if (needs !== undefined && !run.code.has.has(needs)) return
  const ofFile = run.code.harmless.get(source.path)?.get(rule)
  const byReason = Map.groupBy([offset, ...also], (at) => source.declared(at, rule) ?? ofFile)
  for (const [harmless, [first = offset, ...others]] of byReason)
    addOne(run, source, { offset: first, rule, what, also: others, harmless })
}

type Places = Readonly<{
  offset: number
  rule: RuleName
  what: string
  also: readonly number[]
  harmless: string | undefined
}>

function addOne(run: Run, source: Text, { offset, rule, what, also, harmless }: Places): void {
  const { says, instead, fixedBy: fixes }: Rule = lintRules[rule]
  const place = source.placeOf(offset)
  const fixedBy = run.code.hasHashSeed ? fixes : undefined
  const finding: LintFinding = {
    rule,
    file: source.path,
    ...place,
    because: rule === 'unread' ? what : `${what} ${says}`,
    instead,
    also: also.map((each) => source.placeOf(each).line).filter((line) => line !== place.line),
    ...(harmless === undefined ? {} : { harmless }),
    ...(fixedBy === undefined ? {} : { fixedBy }),
  }
  const said = [rule === 'unread' ? what : '', harmless ?? '', fixedBy ?? '']
  const key = JSON.stringify([rule, source.path, place.cell, place.line, ...said])
  if (!run.findings.has(key)) run.findings.set(key, finding)
}

function unread(run: Run, path: string, because: string): void {
  add(run, shellText('', path), 0, 'unread', because)
}

function lintShell(run: Run, source: Text, folder: string, depth: number): void {
  const facts = readShell(source.text)
  if (facts.broken !== undefined)
    add(run, source, facts.broken, 'unread', 'is no shell that can be read: what is around it may have been missed')
  for (const { rule, at, what } of facts.found) add(run, source, at, rule, what)
  for (const started of facts.started) lintStarted(run, source, started, folder, depth)
}

function lintStarted(outer: Run, source: Text, started: Started, outerFolder: string, depth: number): void {
  const folder = folderFrom(outerFolder, started.folder)
  const isOwn = seesNoVariables(started.words) || started.sets.includes('PYTHONHASHSEED')
  const run = isOwn ? { ...outer, code: { ...outer.code, hasHashSeed: false } } : outer
  const exists = (path: string): boolean => isThere(run, path)
  const isMade = (path: string): boolean => run.code.outs.some((out) => isInside(path, out))
  const isKnown = (word: string): boolean => {
    const path = inProject(folder, word)
    return path !== undefined && (exists(path) || isMade(path))
  }
  for (const call of callsOf(started.words, started, isKnown)) {
    const path = call.kind === 'file' ? inProject(folder, call.word) : undefined
    if (path !== undefined && isMade(path)) continue
    if (call.kind === 'unread') add(run, source, started.at, 'unread', call.because)
    if (call.kind === 'python') {
      const inner = pythonText(call.text, source.path)
      lintProgram(run, { ...inner, ...placedIn(source, call.at ?? started.at) }, [folder])
    } else if (call.kind === 'shell') {
      if (depth >= maxShells) add(run, source, started.at, 'unread', tooDeep)
      else
        lintShell(
          run,
          { ...shellText(call.text, source.path), ...placedIn(source, call.at ?? started.at) },
          folder,
          depth + 1,
        )
    } else if (call.kind === 'module') {
      const [file] = [join(folder, call.path, '__main__.py'), ...moduleFiles(join(folder, call.path), exists)].filter(
        exists,
      )
      if (file !== undefined) lintFile(run, file, [folder], depth)
    } else if (call.kind === 'file' && path !== undefined) lintFile(run, path, [dirname(path), folder], depth, call.as)
  }
}

/** Code within code: it is placed where it begins, and within it by lines where they are the same. */
function placedIn(outer: Text, at: number): Pick<Text, 'placeOf' | 'declared'> {
  return { placeOf: (offset) => outer.placeOf(at + offset), declared: (_, rule) => outer.declared(at, rule) }
}

/** Where a stage has the project. SOURCE: the recipe of the sandbox. */
const projectFolder = '/project'
const tooDeep = `stands in more than ${maxShells} shells in one another, which are not read`

/** From the project; absolute when it lies outside of it. */
function folderFrom(folder: string, target: string): string {
  const path = target.startsWith('/') ? normalize(target) : join(folder, target)
  return path === projectFolder || path.startsWith(`${projectFolder}/`) ? relative(projectFolder, path) || '.' : path
}

function inProject(folder: string, word: string): string | undefined {
  const path = folderFrom(folder, word)
  return word === '' || path.startsWith('/') || path.startsWith('..') ? undefined : path
}

function isThere(run: Run, path: string): boolean {
  return path !== '' && path !== '.' && run.sources.has(path)
}

function bytesOf(run: Run, path: string): Uint8Array | DomainError | undefined {
  try {
    return run.sources.read(path)
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}

/** @param as what it is read as; else what its name and its first line say */
function lintFile(run: Run, path: string, roots: readonly string[], depth: number, as?: 'python' | 'shell'): void {
  if (as === 'python' || (as === undefined && /\.(?:py|ipynb)$/.test(path))) {
    lintPythonFile(run, path, roots, depth)
    return
  }
  const bytes = bytesOf(run, path)
  if (bytes instanceof DomainError) unread(run, path, bytes.message)
  if (bytes === undefined || bytes instanceof DomainError) return
  const first = Buffer.from(bytes.subarray(0, 128)).toString('latin1').split('\n')[0] ?? ''
  const program = first.startsWith('#!') ? programOfLine(first.slice(2)) : ''
  if (as === undefined && program.startsWith('python')) lintPythonFile(run, path, roots, depth)
  else if (as === 'shell' || /\.(?:sh|bash)$/.test(path) || isShellName(program))
    lintShellFile(run, path, bytes, roots, depth)
  else unread(run, path, 'is started, and is neither Python nor a shell script that is read')
}

/** `/usr/bin/env -S A=b python3 -u`: the program, not its options. */
function programOfLine(line: string): string {
  const [first = '', ...rest] = line.trim().split(/\s+/)
  if (basename(first) !== 'env') return basename(first)
  return basename(rest.find((word) => !word.startsWith('-') && !word.includes('=')) ?? '')
}

function lintShellFile(run: Run, path: string, bytes: Uint8Array, roots: readonly string[], depth: number): void {
  if (run.files.has(path)) return
  if (depth >= maxShells) {
    unread(run, path, tooDeep)
    return
  }
  run.files.add(path)
  try {
    lintShell(run, shellText(textFrom(bytes, path), path), roots.at(-1) ?? '.', depth + 1)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    unread(run, path, error.message)
  }
}

function lintPythonFile(run: Run, path: string, roots: readonly string[], depth: number): void {
  const source = sourceAt(run, path)
  if (source === undefined) return
  lintProgram(run, source, roots)
  if (depth >= maxShells && source.shell.length > 0) unread(run, path, tooDeep)
  for (const { text, at } of depth < maxShells ? source.shell : []) {
    const plain = shellText(text, path)
    const placeOf = (offset: number): Place => ({ ...at, line: at.line + plain.placeOf(offset).line - 1, column: 1 })
    lintShell(run, { ...plain, placeOf }, roots.at(-1) ?? '.', depth + 1)
  }
}

/** What cannot be read is told at once. */
function sourceAt(run: Run, path: string): PythonSource | undefined {
  if (!run.known.has(path)) run.known.set(path, readPython(run, path))
  const source = run.known.get(path)
  if (source instanceof DomainError) {
    unread(run, path, source.message)
    return undefined
  }
  if (source !== undefined) run.files.add(path)
  return source
}

function readPython(run: Run, path: string): PythonSource | DomainError | undefined {
  const bytes = bytesOf(run, path)
  if (bytes === undefined || bytes instanceof DomainError) return bytes
  try {
    return pythonFrom(bytes, path)
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}

function lintProgram(run: Run, entry: PythonSource, roots: readonly string[]): void {
  const sources = programOf(run, entry, [...new Set([...roots, ...run.code.importRoots])])
  for (const source of sources) {
    for (const { offset, because } of source.unread) add(run, source, offset, 'unread', because)
  }
  for (const { rule, node, what, source, also } of judgeProgram(sources)) {
    add(
      run,
      source,
      node.from,
      rule,
      what,
      also.map(({ from }) => from),
    )
  }
}

/** The entry first, then what it imports from the project, each once. */
function programOf(run: Run, entry: PythonSource, roots: readonly string[]): readonly PythonSource[] {
  const sources = [entry]
  const seen = new Set([entry.path])
  let bytes = entry.text.length
  for (const source of sources) {
    const imports = source.facts?.walk.imports ?? []
    for (const path of importedFiles(imports, source.path, roots, (each) => isThere(run, each))) {
      if (seen.has(path)) continue
      seen.add(path)
      if (sources.length >= maxFiles || bytes > maxProgramBytes) {
        const limit = `${maxFiles} files or ${maxProgramBytes} bytes`
        add(run, entry, 0, 'unread', `imports more than ${limit} of the project: the others were not read`)
        return sources
      }
      const imported = sourceAt(run, path)
      bytes += imported?.text.length ?? 0
      if (imported !== undefined) sources.push(imported)
    }
  }
  return sources
}
