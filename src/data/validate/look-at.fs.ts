/** Files that are no tables: what they are, whether images decode, what is there twice. */
import type { Content } from '../../core/index.ts'
import { fileChecks, type SeenFile } from '../files/file-checks.ts'
import { imageTypes } from '../files/file-type.ts'
import { type DataCheck, worstOf } from './check.ts'
import { type Dataset, namesOf } from './dataset.fs.ts'
import { filesAnswerShape } from './request.ts'
import { runValidator, type ValidatorOptions } from './run-validator.fs.ts'
import type { Findings, Questions } from './validate-dataset.fs.ts'

/** LIMIT: an image has at most 100 megapixels. */
const maxPixels = 100_000_000

type Looked = Readonly<{
  names: readonly string[]
  files: readonly Omit<SeenFile, 'path' | 'digest' | 'sizeBytes'>[]
  checks: readonly DataCheck[]
  unseen: readonly string[]
}>

/** @param content settles when the bytes are digested, which takes as long as looking at them */
export async function findInFiles(
  dataset: Dataset,
  content: Promise<Content>,
  questions: Questions,
  options: ValidatorOptions,
): Promise<Findings> {
  const { anchor, label, seed } = questions
  const answer = await runValidator(
    [dataset, ...(anchor === undefined ? [] : [anchor])],
    ([files = [], approved]) => ({
      task: 'files',
      files,
      pixels: maxPixels,
      seed,
      ...(label === undefined ? {} : { label }),
      ...(approved === undefined ? {} : { anchor: approved }),
      limits: options.limits,
    }),
    filesAnswerShape,
    options,
  )
  return foundIn({ names: namesOf(dataset), ...answer }, await content, questions)
}

/** What was seen, by the digests that this process has made itself. */
function foundIn({ names, files, checks: found, unseen }: Looked, content: Content, { contract }: Questions): Findings {
  const entries = new Map<string, Pick<SeenFile, 'digest' | 'sizeBytes'>>(
    content.kind === 'file' ? names.map((name) => [name, content]) : content.files.map((entry) => [entry.path, entry]),
  )
  const seen = names.flatMap((path, index): readonly SeenFile[] => {
    const entry = entries.get(path)
    const looked = files[index]
    return entry === undefined || looked === undefined
      ? []
      : [{ ...looked, path, digest: entry.digest, sizeBytes: entry.sizeBytes }]
  })
  const asked =
    contract === undefined
      ? []
      : [
          {
            name: 'schema/contract',
            column: null,
            verdict: 'fail' as const,
            observed: 'not evaluated',
            expected: null,
            rows: [],
            count: 0,
            evaluated: false,
            because: 'a contract describes tables, and this is none',
          },
        ]
  const checks = [...fileChecks(seen), ...found, ...asked]
  const images = seen.filter(({ type }) => imageTypes.has(type)).length
  return {
    verdict: worstOf(checks),
    checks,
    unseen: [
      ...unseen,
      ...(images < seen.length ? [`what is inside the ${seen.length - images} files that are no images`] : []),
    ],
  }
}
