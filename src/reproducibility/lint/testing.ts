/** Code in, rules with lines out: what the tests of the linter share. */
import { DomainError } from '../../core/index.ts'
import { type LintFinding, openLinter, type StageCode } from './index.ts'

export type Files = Readonly<Record<string, string | Uint8Array>>

export const stageOf = (...commands: readonly string[]): StageCode => ({
  stage: 'train',
  file: 'dvc.yaml',
  commands: commands.map((text, index) => ({ text, line: index + 1 })),
  workingDirectory: '.',
  outs: [],
  has: new Set(['network', 'gpu']),
  hasHashSeed: false,
  importRoots: [],
  harmless: new Map(),
})

export function lintFiles(files: Files, code: Partial<StageCode> = {}): readonly LintFinding[] {
  const linter = openLinter({
    has: (path) => Object.hasOwn(files, path),
    read: (path) => {
      const content = files[path]
      if (content === 'unreadable') throw new DomainError('ERR_PATH_UNSAFE', `\`${path}\` is a fifo`)
      return content === undefined || content instanceof Uint8Array ? content : Buffer.from(content)
    },
  })
  return linter.lint({ ...stageOf('python train.py'), ...code }).findings
}

/** `rule:line` of each finding in `train.py`. */
export function lintPython(text: string): readonly string[] {
  return told(lintFiles({ 'train.py': text }))
}

export function lintCommand(...commands: readonly string[]): readonly string[] {
  return told(lintFiles({}, { commands: stageOf(...commands).commands }))
}

export function told(findings: readonly LintFinding[]): readonly string[] {
  return findings.map(({ rule, line }) => `${rule}:${line}`)
}
