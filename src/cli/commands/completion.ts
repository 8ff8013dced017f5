/** `assay completion`: what a shell needs to complete; with words behind `--`, what could come next. */
import { DomainError, isDomainError } from '../../core/index.ts'
import { type ProjectNames, projectNames } from '../../pipeline/index.ts'
import { type Candidate, complete } from '../complete.ts'
import { completionScripts } from '../completion-scripts.ts'
import type { CliContext, Exit } from '../context.ts'

const nothing: ProjectNames = { stages: [], outs: [], sources: [], runs: [], environments: [] }

export async function completion(context: CliContext, [shell = '', ...words]: readonly string[]): Promise<Exit> {
  const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined
  if (script === undefined)
    throw new DomainError('ERR_USAGE', `there is no completion for \`${shell}\``, {
      help: `one of ${Object.keys(completionScripts).join(', ')}`,
    })
  if (words.length === 0) {
    context.output.document({ shell, script })
    context.output.line(script.trimEnd())
    return 0
  }
  const candidates = await complete(words, { ...context.table, names: () => namesHere(context) })
  context.output.document({ candidates })
  for (const { value, description } of candidates) context.output.line(lineOf(value, description))
  return 0
}

function lineOf(value: Candidate['value'], description: string): string {
  return description === '' ? value : `${value}\t${description}`
}

/** INVARIANT: outside a project, or in a broken one, there are no names; whoever presses the tab key is told no errors. */
async function namesHere(context: CliContext): Promise<ProjectNames> {
  try {
    return await projectNames(context)
  } catch (error) {
    if (isDomainError(error)) return nothing
    throw error
  }
}
