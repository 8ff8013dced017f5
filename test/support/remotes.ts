/** A project with a remote, and the other machine that clones it. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { adopted } from './adopted.ts'
import { words } from './projects.ts'
import { type Document, runAssay, type Scratch, scratchEnvironment } from './scratch.ts'

/** As `words`, with data that git does not hold, a folder among the data, and a folder out. */
export const folders: Readonly<Record<string, string>> = {
  ...words,
  'dvc.yaml': `${words['dvc.yaml']}  split:
    cmd: mkdir parts && cp out/sorted.txt parts/a && cat more/*.txt more/two/* > parts/b
    deps: [out/sorted.txt, more]
    outs: [parts]
`,
  '.gitignore': '/out\n/model\n/parts\n/data\n/more\n',
  'more/one.txt': 'one\n',
  'more/two/three.txt': 'three\n',
}

export type Remotes = string

/** Adopted, with `remotes:` as given, run and committed. */
export async function ranWith(
  context: TestContext,
  remotes: Remotes,
  files: Readonly<Record<string, string>> = folders,
): Promise<Scratch> {
  const project = await adopted(context, files)
  appendFileSync(join(project.root, 'assay.yaml'), `remotes: ${remotes}\n`)
  project.commit('remotes')
  await project.json(0, 'run')
  project.commit('what the run made')
  return project
}

export type Clone = Readonly<{
  root: string
  json(exit: number, ...args: readonly string[]): Promise<Document>
  said(...args: readonly string[]): Promise<string>
}>

/** The other machine: what git brings and nothing else. It has the same person's keys. */
export function cloneOf(project: Scratch, environment: Readonly<Record<string, string>> = {}, name = 'clone'): Clone {
  const root = join(dirname(project.root), name)
  execFileSync('git', ['clone', '--quiet', project.root, root], { env: scratchEnvironment(project.keys) })
  return { root, ...assayIn(root, project, environment) }
}

/** assay in a folder, with more variables than a scratch project has. */
export function assayIn(
  root: string,
  project: Scratch,
  environment: Readonly<Record<string, string>> = {},
): Pick<Clone, 'json' | 'said'> {
  const run = (args: readonly string[]): ReturnType<typeof runAssay> =>
    runAssay(args, root, { ...scratchEnvironment(project.keys), ...environment })
  return {
    json: async (exit, ...args) => {
      const { code, stdout, stderr } = await run([...args, '--json'])
      if (code !== exit) throw new Error(`assay ${args.join(' ')} exited ${code}:\n${stdout}\n${stderr}`)
      return JSON.parse(stdout)
    },
    said: async (...args) => {
      const { stdout, stderr } = await run(args)
      return stdout + stderr
    },
  }
}

/** Every file below a folder, by its path in it. */
export function filesBelow(folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true })
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile())
    .toSorted()
}
