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

/** Where names cannot be listed. */
export function judgeByFile(path: string): string {
  const review = reviewCommand(path)
  return `${review} --json > judged.json, a verdict for each that you judge, then: ${review} --from judged.json`
}
