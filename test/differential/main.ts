/**
 * Holds `assay status --plan` against DVC itself, on projects that a grammar of all its features makes up.
 *
 *   npm run test:dvc -- [--count N] [--seed FIRST] [--only SEED] [--show N] [--record FILE]
 *
 * Every project is written to disk and read by both: DVC in one Python process, ours through the function behind the
 * verb. A disagreement is shrunk, printed, and makes the script exit 1.
 */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Answer, askAssay, type Comparison, compare } from './compare.ts'
import { type Oracle, startOracle } from './dvc.ts'
import { removeProject, writeProject } from './project-folder.ts'
import { type Files, projectOf } from './projects.ts'
import { shrunk } from './shrink.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    show: { type: 'string', default: '20' },
    /** Appends the projects and DVC's answers, for `generated.test.ts`. */
    record: { type: 'string' },
  },
})
const base = mkdtempSync(join(tmpdir(), 'assay-differential-'))
let number = 0

async function ask(files: Files, oracle: Oracle, seed?: number): Promise<Comparison> {
  number += 1
  const root = join(base, `p${number}`)
  writeProject(root, files)
  try {
    // DVC makes folders of its own in `.dvc`: ours goes first.
    const assay = await askAssay(
      root,
      base,
      Object.keys(files).some((path) => path.endsWith('.gitignore')),
    )
    const dvc = await oracle.ask(root)
    const comparison = compare(dvc, assay, files, root)
    const isPlain = comparison.kind === 'planned' || comparison.kind === 'refused'
    if (isPlain && values.record !== undefined && seed !== undefined) record(values.record, { seed, files, dvc })
    return comparison
  } finally {
    removeProject(root)
  }
}

function record(path: string, { seed, files, dvc }: Recorded): void {
  const expected = 'refused' in dvc ? { refused: { class: dvc.refused.class, message: '' } } : dvc
  appendFileSync(path, `${JSON.stringify({ seed, files, expected })}\n`)
}

const isAgreement = ({ kind }: Comparison): boolean => !['differs', 'stricter', 'laxer', 'bug'].includes(kind)

async function main(): Promise<void> {
  const oracle = startOracle(base)
  const seeds =
    values.only === undefined
      ? Array.from({ length: Number(values.count) }, (_, index) => Number(values.seed) + index)
      : [Number(values.only)]
  const tally = new Map<string, number>()
  const found: Found[] = []
  const queue = seeds.values()
  const worker = async (): Promise<void> => {
    for (const seed of queue) {
      const comparison = await ask(projectOf(seed), oracle, seed)
      tally.set(comparison.kind, (tally.get(comparison.kind) ?? 0) + 1)
      if (isAgreement(comparison)) continue
      found.push({ seed, comparison })
      console.error(`seed ${seed}: ${comparison.kind}`)
    }
  }
  try {
    await Promise.all(Array.from({ length: 8 }, worker))
    for (const { seed, comparison } of oneOfEach(found).slice(0, Number(values.show)))
      await tell(seed, comparison, oracle)
  } finally {
    oracle.close()
    rmSync(base, { recursive: true, force: true })
  }
  console.log(JSON.stringify(Object.fromEntries(tally)))
  process.exitCode = found.length === 0 ? 0 : 1
}

type Recorded = Readonly<{ seed: number; files: Files; dvc: Answer }>
type Found = Readonly<{ seed: number; comparison: Comparison }>

/** Disagreements that say the same but for names and numbers are one. */
function oneOfEach(found: readonly Found[]): readonly Found[] {
  const kinds = new Map<string, Found & { seeds: number[] }>()
  for (const one of found) {
    const because = 'because' in one.comparison ? one.comparison.because : ''
    const kind = `${one.comparison.kind} ${because.replaceAll(/[`'"].*?[`'"]|\d+|[\w./]*\.(?:yaml|dvc|py|json|toml)/g, '*').slice(0, 80)}`
    const before = kinds.get(kind)
    if (before === undefined) kinds.set(kind, { ...one, seeds: [one.seed] })
    else before.seeds.push(one.seed)
  }
  for (const [kind, { seeds }] of kinds) {
    const named = seeds.slice(0, 12).join(' ')
    console.log(`${String(seeds.length).padStart(5)}  ${kind.replaceAll('\n', ' ')}  (seed ${named})`)
  }
  return [...kinds.values()]
}

async function tell(seed: number, first: Comparison, oracle: Oracle): Promise<void> {
  const files = await shrunk(projectOf(seed), async (smaller) => (await ask(smaller, oracle)).kind === first.kind)
  const comparison = await ask(files, oracle)
  console.log(
    `\n=== seed ${seed}: ${comparison.kind}: ${'because' in comparison ? comparison.because.slice(0, 600) : ''}`,
  )
  for (const [path, content] of Object.entries(files))
    console.log(
      `--- ${path}\n${JSON.stringify(content).length > content.length + 2 + content.split('\n').length ? JSON.stringify(content) : content}`,
    )
}

await main()
