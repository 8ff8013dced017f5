/**
 * Sources of non-determinism in the code that stages run. Reads the work tree, committed or not, and starts nothing; the
 * rules are `reproducibility/lint`.
 */
import { statSync } from 'node:fs'
import { join, normalize } from 'node:path/posix'
import { setImmediate } from 'node:timers/promises'
import { errnoOf } from '../data/index.ts'
import { type LintFinding, loadLinter, type StageCode, type StageLint } from '../reproducibility/index.ts'
import { defineSettings, isMap, readYaml, type Value } from './define/index.ts'
import type { PipelineDefinition, StageDefinition, StageSettings } from './definition.ts'
import { stagesNamed } from './plan.ts'
import { pipelineHere } from './project.fs.ts'
import type { Caller } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'
import { requireRoot } from './workspace.fs.ts'

/** In each stage that runs this code. */
export type StageFinding = LintFinding & Readonly<{ stages: readonly string[] }>

export type LintReport = Readonly<{
  /** What is likely to make two runs differ. */
  findings: readonly StageFinding[]
  /** What is declared to do no harm, with the reason. */
  harmless: readonly StageFinding[]
  /** What assay's own settings settle, by `fixedBy`. */
  fixed: readonly StageFinding[]
  /** What was read of each stage. */
  stages: readonly Readonly<{ name: string; files: readonly string[] }>[]
}>

/** LIMIT: a notebook holds its outputs; source has a limit of its own. */
const maxFileBytes = 64 * 1024 * 1024

/**
 * @param targets stages, stems of groups, or outs; none is all
 * @throws ERR_STAGE_UNKNOWN, and what a definition is refused for
 */
export async function lintStages(
  caller: Caller & Readonly<{ signal: AbortSignal }>,
  targets: readonly string[],
): Promise<LintReport> {
  const root = requireRoot(caller.workingFolder)
  const pipeline = await pipelineHere(caller)
  const settings = defineSettings(readProjectFile(root, 'assay.yaml'), 'assay.yaml', pipeline)
  const { openLinter } = await loadLinter()
  const linter = openLinter({
    has: (path) => isFileLike(join(root, path)),
    read: (path) => readProjectFile(root, path, maxFileBytes),
  })
  const lineOf = commandLines(root)
  const chosen = chosenStages(pipeline, targets)
  const linted: { stage: StageDefinition; lint: StageLint }[] = []
  for (const stage of chosen) {
    linted.push({ stage, lint: linter.lint(stageCode(stage, settings.settingsOf(stage.name), lineOf(stage))) })
    await setImmediate() // so that Ctrl-C is heard
    caller.signal.throwIfAborted()
  }
  const found = together(linted.map(({ stage, lint }) => [stage.name, lint.findings]))
  return {
    findings: found.filter(({ harmless, fixedBy }) => harmless === undefined && fixedBy === undefined),
    harmless: found.filter(({ harmless }) => harmless !== undefined),
    fixed: found.filter(({ harmless, fixedBy }) => harmless === undefined && fixedBy !== undefined),
    stages: linted.map(({ stage, lint }) => ({ name: stage.name, files: lint.files })),
  }
}

/** What is there and cannot be looked at is there: reading it says why. */
function isFileLike(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false
  } catch (error) {
    return ['EACCES', 'EPERM', 'ELOOP', 'EIO'].includes(errnoOf(error) ?? '')
  }
}

function chosenStages(pipeline: PipelineDefinition, targets: readonly string[]): readonly StageDefinition[] {
  if (targets.length === 0) return pipeline.stages
  const names = new Set(targets.flatMap((target) => stagesNamed(target, pipeline.stages)))
  return pipeline.stages.filter(({ name }) => names.has(name))
}

type LintedStage = Pick<StageDefinition, 'name' | 'file' | 'commands' | 'workingDirectory'> &
  Readonly<{ outs: readonly Readonly<{ path: string }>[] }>

/** @param line where its `cmd` stands; 0 when that is not known */
export function stageCode(stage: LintedStage, settings: StageSettings, line: number): StageCode {
  const { network, env, limits, harmless = {} } = settings
  return {
    stage: stage.name,
    file: stage.file,
    commands: stage.commands.map((text) => ({ text, line })),
    workingDirectory: stage.workingDirectory,
    outs: stage.outs.map(({ path }) => path),
    has: new Set([
      ...(network === 'none' ? [] : ['network' as const]),
      ...((limits.gpus ?? 0) > 0 ? ['gpu' as const] : []),
    ]),
    hasHashSeed: !Object.hasOwn(env, 'PYTHONHASHSEED'),
    importRoots: [...pythonPath(env['PYTHONPATH'] ?? ''), stage.workingDirectory, '.', 'src'],
    harmless: new Map(Object.entries(harmless).map(([file, rules]) => [file, new Map(Object.entries(rules))])),
  }
}

/** Folders of the project, which a stage finds at `/project`. */
function pythonPath(value: string): readonly string[] {
  return value
    .split(':')
    .map((folder) => normalize(folder.startsWith('/project') ? `.${folder.slice('/project'.length)}` : folder))
    .filter((folder) => folder !== '' && !folder.startsWith('/') && !folder.startsWith('..'))
}

/** Where `cmd` of a stage stands: a generated stage's is that of its group. */
function commandLines(root: string): (stage: StageDefinition) => number {
  const documents = new Map<string, ReturnType<typeof readYaml> | undefined>()
  return ({ file, name }) => {
    const bytes = documents.has(file) ? undefined : readProjectFile(root, file)
    if (bytes !== undefined) documents.set(file, readYaml(bytes, file, 'ERR_DEFINITION_INVALID'))
    const document = documents.get(file)
    if (document === undefined) return 1
    const { root: top, places } = document
    const plain = name.slice(name.lastIndexOf(':') + 1)
    const stages = memberOf(top, 'stages')
    const key = [plain, plain.split('@')[0] ?? plain].find((each) => memberOf(stages, each) !== undefined)
    const entry = key === undefined ? undefined : memberOf(stages, key)
    const body = memberOf(entry, 'do') ?? entry
    return body === undefined || memberOf(body, 'cmd') === undefined ? 1 : places.ofKey(body, 'cmd').line
  }
}

function memberOf(value: Value | undefined, key: string): Value | undefined {
  return isMap(value) ? value.get(key) : undefined
}

/** The same place found by several stages is one finding, unless only some of them declare it harmless. */
function together(linted: readonly (readonly [string, readonly LintFinding[]])[]): readonly StageFinding[] {
  const found = new Map<string, LintFinding & { stages: string[] }>()
  for (const [stage, findings] of linted) {
    for (const finding of findings) {
      const { rule, file, cell, line, column, harmless, fixedBy } = finding
      const key = JSON.stringify([rule, file, cell, line, column, harmless, fixedBy])
      const before = found.get(key)
      if (before === undefined) found.set(key, { ...finding, stages: [stage] })
      else before.stages.push(stage)
    }
  }
  return [...found.values()].toSorted(byPlace)
}

function byPlace(left: LintFinding, right: LintFinding): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1
  return (left.cell ?? 0) - (right.cell ?? 0) || left.line - right.line || left.column - right.column
}
