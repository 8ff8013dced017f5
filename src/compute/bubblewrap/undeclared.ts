/**
 * Which hidden files a stage asked for, read from what it printed: pure.
 *
 * Tier: observed in the log. A program that fails names the file that it did not find; a path that the project has and
 * the stage may not see is then most likely the cause. Never used to call a stage that ended well a failure.
 */
import { dirname, join, relative } from 'node:path/posix'

const missingFile =
  /no such file|not found|cannot find|can't find|could not find|cannot open|can't open|unable to open|could not open|does not exist|doesn't exist|missing|filenotfound|enoent|errno 2\b/i
const missingModule =
  /no module named '?([\w.]+)'?|cannot import name '(\w+)'|cannot find module '([^']+)'|there is no package called .(\w[\w.]*)/i
/** Lines between a path and the words that say that it is missing. */
const reach = 2

/** @param hidden project paths; @param workingDirectory project path that relative names start from */
export function undeclaredReads(
  lines: readonly string[],
  hidden: readonly string[],
  workingDirectory: string,
): readonly string[] {
  const near = new Set<number>()
  lines.forEach((line, index) => {
    if (!missingFile.test(line)) return
    for (let at = index - reach; at <= index + reach; at += 1) near.add(at)
  })
  const about = lines.filter((_, index) => near.has(index))
  const modules = lines.flatMap(moduleOf)
  return hidden.filter(
    (path) => about.some((line) => names(line, path, workingDirectory)) || isModule(path, modules, workingDirectory),
  )
}

/** Whether a line names the path as a word of its own, however the program spells it. */
function names(line: string, path: string, workingDirectory: string): boolean {
  const spellings = [path, relative(join('/', workingDirectory), join('/', path)), `/project/${path}`]
  return spellings.some((spelling) => {
    for (let at = line.indexOf(spelling); at >= 0; at = line.indexOf(spelling, at + 1)) {
      const before = line.slice(Math.max(0, at - 2), at)
      const isStart = before === '' || before === './' || !/[\w./-]$/.test(before)
      if (isStart && !/^(?:[\w/-]|\.\w)/.test(line.slice(at + spelling.length))) return true
    }
    return false
  })
}

function moduleOf(line: string): readonly string[] {
  const match = missingModule.exec(line)
  const name = match?.slice(1).find((group) => group !== undefined)
  return name === undefined ? [] : [name]
}

/** `helper` -> `helper.py`, `helper/__init__.py`, beside the command or one folder up (`./x.js` of Node likewise). */
function isModule(path: string, modules: readonly string[], workingDirectory: string): boolean {
  return modules.some((module) => {
    const stem = module.startsWith('.') ? join(workingDirectory, module) : module.replaceAll('.', '/')
    const candidates = [`${stem}.py`, `${stem}/__init__.py`, `${stem}.js`, stem]
    return candidates.some(
      (candidate) => path === candidate || path.endsWith(`/${candidate}`) || dirname(path) === candidate,
    )
  })
}
