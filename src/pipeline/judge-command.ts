/** How suspects are judged on a command line, to be copied. Pure. THREAT: names of files come with the data: quoted. */
import { oneLine, quotedForShell } from '../core/index.ts'

/** Whether a row or file can be named in a list: a name with a comma in it would be two. */
export function isListable(name: number | string): boolean {
  const text = String(name)
  return !text.includes(',') && text === text.trim()
}

/** @param path of the dataset */
export function reviewCommand(path: string): string {
  return `assay data review ${oneLine(quotedForShell(path))}`
}

/** For flags that name rows or files; undefined when none of them can stand in a list. */
export function listOfNames(names: readonly (number | string)[]): string | undefined {
  const listable = names.filter(isListable)
  return listable.length === 0 ? undefined : oneLine(quotedForShell(listable.join(',')))
}

/** Where names cannot be listed. @param more flags */
export function judgeByFile(path: string, more = ''): string {
  const review = reviewCommand(path)
  return `${review} --json > judged.json, a verdict for each that you judge, then: ${review}${more} --from judged.json`
}

export type Waiting = Readonly<{
  path: string
  kind: 'rows' | 'files'
  suspects: readonly Readonly<{ rows: readonly (number | string)[] }>[]
  /** What earlier reviews said does not carry over, and has to be judged again. */
  isReplacing: boolean
}>

/** What a reviewer does next; undefined where nothing waits. */
export function nextStep({ path, kind, suspects, isReplacing }: Waiting): string | undefined {
  const review = isReplacing ? `${reviewCommand(path)} --replace` : reviewCommand(path)
  const names = kind === 'files' ? 'FILES' : 'ROWS'
  const [first] = suspects
  if (first === undefined)
    return isReplacing
      ? `look for those ${kind} again, then: ${review} --bad ${names} --good ${names} --because TEXT`
      : undefined
  const one = listOfNames(first.rows.slice(0, 1))
  const judge =
    one === undefined
      ? judgeByFile(path, isReplacing ? ' --replace' : '')
      : `${review} --good ${names} --bad ${one} --because TEXT`
  return isReplacing ? `at a terminal: ${review}; or: ${judge}` : `at a terminal, or: ${judge}`
}
