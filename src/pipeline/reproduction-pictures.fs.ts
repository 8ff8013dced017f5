/** Small pictures of images that differ, drawn by the sandboxed process that alone decodes them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StageFacts } from '../attestation/index.ts'
import { isDomainError } from '../core/index.ts'
import { defaultLimits, measureDifference } from '../data/index.ts'
import { filesOf } from './compare-outs.fs.ts'
import { boxesOf } from './environment-request.ts'
import type { Project } from './project.ts'
import type { PagedFile, PagedPictures, PagedStage } from './reproduction-page.ts'
import { boxRunner } from './validate-data.fs.ts'

/** LIMIT: of one page. */
const maxPictures = 40

/** Where the files of an out lie: looked up, and every byte hashed, once for all its pictures. */
type Folders = Map<StageFacts['outputs'][number], ReturnType<typeof filesOf>>

/** The files, those that are images with pictures of then and now. */
export async function withPictures(
  project: Project,
  stages: readonly PagedStage[],
  files: readonly PagedFile[],
  signal: AbortSignal,
): Promise<readonly PagedFile[]> {
  const shown: PagedFile[] = []
  const folders: Folders = new Map()
  let left = maxPictures
  for (const file of files) {
    const stage = stages.find(({ then }) => then.stage === file.stage)
    const isWanted = file.compared.format === 'image' && stage?.now !== undefined && left > 0
    const pictures = isWanted
      ? await picturesOf(project, [stage.then, stage.now], { file, folders, signal })
      : undefined
    if (pictures !== undefined) left -= 1
    shown.push({ ...file, pictures })
  }
  return shown
}

async function picturesOf(
  project: Project,
  sides: readonly [StageFacts, StageFacts | undefined],
  {
    file: {
      compared: { path },
    },
    folders,
    signal,
  }: Readonly<{ file: PagedFile; folders: Folders; signal: AbortSignal }>,
): Promise<PagedPictures | undefined> {
  const [left, right] = [
    await placeOf(project, sides[0], { path, folders }),
    await placeOf(project, sides[1], { path, folders }),
  ]
  if (left === undefined || right === undefined) return undefined
  const scratchRoot = mkdtempSync(join(tmpdir(), 'assay-picture-'))
  try {
    const options = { ...defaultLimits, runBox: boxRunner(boxesOf(project)), scratchRoot, signal }
    const wanted = { kind: 'image', name: path, allowances: [], pictures: true } as const
    return (await measureDifference(left, right, wanted, options)).pictures
  } catch (error) {
    if (!isDomainError(error, 'ERR_DATA_LIMIT', 'ERR_DATA_VALIDATOR_FAILED')) throw error
    return undefined // the page stands without it
  } finally {
    rmSync(scratchRoot, { recursive: true, force: true })
  }
}

/** Where the bytes lie of a project path, which is an out or a file in one. */
async function placeOf(
  project: Project,
  facts: StageFacts | undefined,
  { path, folders }: Readonly<{ path: string; folders: Folders }>,
): Promise<string | undefined> {
  const out = facts?.outputs.find((each) => path === each.path || path.startsWith(`${each.path}/`))
  if (out === undefined) return undefined
  const files = folders.get(out) ?? filesOf(project, out)
  folders.set(out, files)
  return (await files)?.get(path === out.path ? '.' : path.slice(out.path.length + 1))
}
