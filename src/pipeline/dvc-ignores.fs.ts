/**
 * `.dvcignore` files: one in any folder, its patterns are git's, relative to that folder.
 *
 * SOURCE: dvc/ignore.py DvcIgnoreFilter, dvc/pathspec_math.py: the patterns of a folder are those of the folder above
 * with its own behind them, rewritten to start at the project; a `.dvcignore` that is ignored itself is not read.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { DomainError, printable } from '../core/index.ts'

/** True when DVC looks past the path; `isFolder` says how `name/` patterns see it. Project paths. */
export type DvcIgnores = (path: string, isFolder: boolean) => boolean

type Level = Readonly<{ rules: readonly string[]; matcher: Ignore; folders: Ignore }>

/** What DVC ignores without being told. */
const builtIn = ['.hg/', '.git/', '.git', '.dvc/']

/** @throws ERR_DEFINITION_INVALID when a `.dvcignore` is no text or holds a pattern of nothing; on the first question */
export function openDvcIgnores(root: string): DvcIgnores {
  const levels = new Map<string, Level>()
  const levelOf = (folder: string): Level => {
    const known = levels.get(folder)
    if (known !== undefined) return known
    const above = folder === '' ? levelFrom(builtIn) : levelOf(parentOf(folder))
    const file = folder === '' ? '.dvcignore' : `${folder}/.dvcignore`
    const isRead = !above.matcher.ignores(file) && existsSync(join(root, file))
    const own = isRead ? rulesIn(readFileSync(join(root, file)), file).map((rule) => rebased(rule, folder)) : []
    const level = own.length === 0 ? above : levelFrom([...above.rules, ...own])
    levels.set(folder, level)
    return level
  }
  return (path, isFolder) => {
    const { matcher, folders } = levelOf(parentOf(path))
    return isFolder ? folders.ignores(`${path}/`) : matcher.ignores(path)
  }
}

function levelFrom(rules: readonly string[]): Level {
  return { rules, matcher: matcherOf(rules), folders: matcherOf(rules.flatMap(withItself)) }
}

const matcherOf = (rules: readonly string[]): Ignore =>
  ignore({ allowRelativePaths: false, ignorecase: false }).add([...rules])

/** SOURCE: pathspec: `data/**` is the folder `data/` too, and not what lies in it alone. */
function withItself(rule: string): readonly string[] {
  const [, not = '', folder = ''] = /^(!?)(.+)\/\*\*$/.exec(rule) ?? []
  return folder === '' ? [rule] : [rule, `${not}${/^\/|^\*\*\//.test(folder) ? '' : '/'}${folder}/`]
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function rulesIn(bytes: Uint8Array, file: string): readonly string[] {
  const lines = textOf(bytes, file).split(/\r\n|[\n\r]/)
  const rules = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
  const empty = rules.find((rule) => /^!(?:\/)?$/.test(rule))
  if (empty === undefined) return rules
  throw fault(file, `\`${empty}\` is no pattern`)
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // INVARIANT: `fatal` throws for one reason only, bytes that are not UTF-8.
    throw fault(file, 'it is not UTF-8')
  }
}

function fault(file: string, what: string): DomainError {
  return new DomainError('ERR_DEFINITION_INVALID', printable(`\`${file}\`: ${what}`), { details: { file } })
}

/** SOURCE: dvc/pathspec_math.py `change_rule`: what has no slash but at its end matches at every depth. */
function rebased(rule: string, folder: string): string {
  if (folder === '') return rule
  const isKept = rule.startsWith('!')
  const pattern = isKept ? rule.slice(1) : rule
  const isAnchored = pattern.slice(0, -1).includes('/') && !pattern.startsWith('**/')
  const plain = pattern.replace(isAnchored ? /^\// : /^\*\*\//, '').replace(/^\\/, '')
  return `${isKept ? '!' : ''}/${folder}${isAnchored ? '' : '/**'}/${plain}`
}
