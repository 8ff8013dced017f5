/** Paths that a stage may not have, whatever its definition says: outside the project, or where trust is kept. */
import { closedFolderFault, DomainError, isDomainError, isInside, parseProjectPath } from '../core/index.ts'
import type { StageDefinition } from './definition.ts'

/** What says who is believed and what runs: a stage that could write these would choose its own judges. */
const trusted = [
  'assay.yaml',
  'assay.lock',
  'attestations',
  'sources.yaml',
  'trust.yaml',
  '.gitattributes',
  '.gitignore',
]

/**
 * THREAT: an out that is put into `.git/hooks`, `.assay` or over `trust.yaml` acts outside of any sandbox.
 *
 * @param files the definition's own files, which no stage makes
 * @throws ERR_PATH_UNSAFE
 */
export function refusePaths(stage: StageDefinition, files: readonly string[], scratch: readonly string[] = []): void {
  const outs = stage.outs.map(({ path }) => path)
  for (const path of [stage.workingDirectory, ...stage.deps, ...Object.keys(stage.params), ...outs, ...scratch]) {
    const fault = closedFolderFault(projectPathOf(stage, path))
    if (fault !== undefined) throw unsafe(stage, path, fault)
  }
  for (const path of outs) {
    if (/(^|\/)dvc\.lock$/.test(path)) throw unsafe(stage, path, 'is what DVC is told of the stages')
    const over = [...trusted, ...files.filter((file) => /(^|\/)dvc\.yaml$|\.dvc$/.test(file))].find(
      (file) => isInside(file, path) || isInside(path, file),
    )
    if (over !== undefined) throw unsafe(stage, path, `lies over \`${over}\`, which no stage may make`)
  }
}

/** Named with its stage, and with what to write instead. @throws ERR_PATH_UNSAFE */
function projectPathOf(stage: StageDefinition, path: string): string {
  try {
    return parseProjectPath(path)
  } catch (error) {
    if (!isDomainError(error, 'ERR_PATH_UNSAFE')) throw error
    throw new DomainError('ERR_PATH_UNSAFE', `the stage \`${stage.name}\`: ${error.message}`, {
      help: path.includes('\\')
        ? `write it with slashes in ${stage.file}: ${path.replaceAll('\\', '/')}`
        : `bring it into the project and name it by a plain relative path in ${stage.file}: for data, dvc import-url or a copy, then assay data add ID PATH`,
      cause: error,
    })
  }
}

function unsafe(stage: StageDefinition, path: string, why: string): DomainError {
  return new DomainError('ERR_PATH_UNSAFE', `\`${path}\` of the stage \`${stage.name}\` ${why}`)
}
