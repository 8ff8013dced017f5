/** `assay attest`: the statements behind an artifact, to read and to hand on. */
import { resolve } from 'node:path'
import { DomainError, oneLine, printable, type Sha256 } from '../../core/index.ts'
import {
  bundleAt,
  chainOfArtifact,
  importEvidence,
  openProject,
  type Project,
  proofLines,
  readStage,
  reproductionsAtHand,
  statedReproduction,
  subjectsOf,
  writeEvidence,
  writeLinks,
} from '../../pipeline/index.ts'
import type { CliContext, Exit } from '../context.ts'
import { shortDigest, table } from '../render.ts'
import { tellBundle } from './show-bundle.ts'

export async function attestShow(
  context: CliContext,
  [artifact]: readonly string[],
  options: Readonly<{ raw?: boolean }>,
): Promise<Exit> {
  const { output } = context
  const bundle = artifact === undefined ? undefined : await bundleAt(context, artifact)
  if (bundle !== undefined) {
    tellBundle(output, bundle, options.raw === true)
    return 0
  }
  const project = await openProject(context)
  const chain = await chainOfArtifact(project, artifact, context.workingFolder)
  if (options.raw === true) {
    const bundles = chain.map((attestation) => Buffer.from(project.evidence.bundle(attestation) ?? []).toString('utf8'))
    output.document({ bundles: bundles.map((text) => JSON.parse(text) as unknown) })
    for (const text of bundles) output.line(printable(text))
    return 0
  }
  const stages = chain.map((attestation) => ({ attestation, facts: readStage(project, attestation) }))
  output.document({ stages: stages.map(({ attestation, facts }) => ({ attestation, ...facts })) })
  for (const { attestation, facts } of stages) {
    output.line(`${output.style('bold', oneLine(facts.stage))}  ${shortDigest(attestation)}`)
    const rows = [
      ['  commit', facts.source.commit ?? 'none'],
      ['  signed for', `${facts.principal.name} <${facts.principal.email}>`],
      ['  builder', facts.builderId],
      ['  when', `${facts.startedAt} to ${facts.finishedAt}`],
      [
        '  environment',
        `${facts.environment.name}, ${facts.environment.locked ? 'locked' : 'not locked'}, ${facts.environment.packages.length} packages`,
      ],
      ...facts.dependencies
        .filter(({ role }) => role !== 'params')
        .map((dep) => ['  in', `${dep.path}  ${shortDigest(dep.digest)}  ${dep.origin.kind}`]),
      ...facts.outputs.map((out) => ['  out', `${out.path}  ${shortDigest(out.digest)}`]),
    ]
    for (const line of table(rows)) output.line(line)
  }
  return 0
}

export async function attestExport(
  context: CliContext,
  [artifact]: readonly string[],
  options: Readonly<{ out?: string; inToto?: boolean }>,
): Promise<Exit> {
  if (options.out === undefined)
    throw new DomainError('ERR_USAGE', 'attest export needs --out PATH', {
      help: 'a PATH that ends in .jsonl is one file, else a folder',
    })
  const project = await openProject(context)
  const chain = await chainOfArtifact(project, artifact, context.workingFolder)
  if (options.inToto === true) return exportLinks(context, project, { chain, artifact, out: options.out })
  const approvals = project.evidence
    .approvals()
    .map(({ name, bytes }) => ({ name: name.replace(/^.*\/|\.sigstore\.json$/g, ''), bytes }))
  const statements = chain.map((attestation) => ({ attestation, facts: readStage(project, attestation) }))
  const verdicts = verdictsOf(statements.map(({ facts }) => facts))
  const builds = buildsOf(statements.map(({ facts }) => facts))
  const reproductions = reproductionsOf(project, statements)
  const stages = named(
    [
      ...statements.map(({ attestation, facts }) => ({ attestation, stage: facts.stage })),
      ...verdicts,
      ...builds,
      ...reproductions,
    ],
    approvals.map(({ name }) => name),
  ).map(({ attestation, name }) => ({ name, bytes: project.evidence.bundle(attestation) ?? new Uint8Array() }))
  const path = resolve(context.workingFolder, options.out)
  const bundles = [...stages, ...approvals]
  const proofs = proofLines(project, bundles)
  writeEvidence(path, bundles, proofs)
  context.output.document({
    path,
    stages: statements.length,
    verdicts: verdicts.length,
    builds: builds.length,
    reproductions: reproductions.length,
    approvals: approvals.length,
    logProofs: proofs.length,
  })
  context.output.line(
    `${statements.length} statements of stages, ${verdicts.length} data verdicts and ${approvals.length} approvals in ${oneLine(options.out)}`,
  )
  return 0
}

async function exportLinks(
  context: CliContext,
  project: Project,
  { chain, artifact, out }: Readonly<{ chain: readonly Sha256[]; artifact: string | undefined; out: string }>,
): Promise<Exit> {
  const folder = resolve(context.workingFolder, out)
  const { layout, links } = await writeLinks(project, chain, {
    folder,
    subjects: subjectsOf(project, artifact, context.workingFolder),
  })
  context.output.document({ path: folder, layout, links })
  context.output.line(`${links.length} links and ${layout} in ${oneLine(out)}`)
  context.output.line(
    `next: in-toto-verify --layout ${layout} --verification-keys KEY.pem (assay key export --out KEY.pem)`,
  )
  return 0
}

export async function attestImport(context: CliContext, [path = '']: readonly string[]): Promise<Exit> {
  const project = await openProject(context)
  const stages = importEvidence(project, resolve(context.workingFolder, path))
  context.output.document({ path, stages })
  context.output.line(`${stages.length} statements of stages are believed and kept; verify what they are about`)
  return 0
}

/** What running the stages again came to, newest first, with the statements of those runs. */
function reproductionsOf(
  project: Project,
  statements: readonly Readonly<{ attestation: Sha256; facts: ReturnType<typeof readStage> }>[],
): readonly Statement[] {
  const found = new Map<Sha256, string>()
  for (const { attestation, facts } of statements) {
    for (const reproduction of reproductionsAtHand(project, attestation)) {
      found.set(reproduction, `${facts.stage}.reproduction`)
      const bytes = project.evidence.bundle(reproduction)
      for (const { stage, again } of (bytes === undefined ? undefined : statedReproduction(bytes))?.stages ?? [])
        if (again !== undefined && project.evidence.bundle(again) !== undefined) found.set(again, `${stage}.again`)
    }
  }
  return [...found].map(([attestation, stage]) => ({ attestation, stage }))
}

/** The data verdicts that the stages were started on, each once, named by their data. */
function verdictsOf(stages: readonly ReturnType<typeof readStage>[]): readonly Statement[] {
  const found = new Map<Sha256, string>()
  for (const { dependencies } of stages) {
    for (const { path, verdict } of dependencies) if (verdict !== undefined) found.set(verdict, `${path}.verdict`)
  }
  return [...found].map(([attestation, stage]) => ({ attestation, stage }))
}

/** The builds of wheels that the stages ran with, each once, named by the wheel. */
function buildsOf(stages: readonly ReturnType<typeof readStage>[]): readonly Statement[] {
  const found = new Map<Sha256, string>()
  for (const { environment } of stages) {
    for (const { name, build } of environment.materials) if (build !== undefined) found.set(build, `${name}.build`)
  }
  return [...found].map(([attestation, stage]) => ({ attestation, stage }))
}

type Statement = Readonly<{ attestation: Sha256; stage: string }>

/** One file a stage, by its name: `sub/dvc.yaml:train@0.1` -> `sub-dvc.yaml-train@0.1`; with its digest where two meet. */
function named(
  statements: readonly Statement[],
  taken: readonly string[],
): readonly Readonly<{ attestation: Sha256; name: string }>[] {
  const plain = statements.map(({ attestation, stage }) => ({
    attestation,
    name: stage.replace(/[^\p{L}\p{N}@._-]+/gu, '-'),
  }))
  const all = [...plain.map(({ name }) => name), ...taken]
  return plain.map(({ attestation, name }) =>
    all.filter((other) => other === name).length === 1
      ? { attestation, name }
      : { attestation, name: `${name}-${attestation.slice(7, 19)}` },
  )
}
