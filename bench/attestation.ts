/**
 * Attestations and signatures of models against cosign, model_signing and openssl: whole processes by turns, and rates of
 * one process. `COSIGN=/path` takes a cosign that is there; else the peers are built and installed below .cache/interop.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import {
  newPerson,
  output,
  policyOf,
  signApproval,
  signStage,
  sourceApproval,
  stageFacts,
} from '../src/attestation/fixtures/chain.ts'
import { startSigner, verifyLogProof, verifySourceApproval, verifyStage } from '../src/attestation/index.ts'
import { generateKey } from '../src/attestation/key.ts'
import { parseNoteKey } from '../src/attestation/tlog/read-note.ts'
import { sha256Of } from '../src/core/index.ts'
import { enterLog, logFolderOf } from '../src/pipeline/enter-log.ts'
import { openOwnProofs } from '../src/pipeline/log-proofs.fs.ts'
import { cosignProgram, virtualEnvironment } from '../test/interop/environments.ts'
import { heading, measure, type Row, row, type Timed } from './measure.ts'
import { assay, base, makeFiles, remove, run } from './scratch.ts'

const modelSigning = (): string =>
  join(virtualEnvironment('model-signing-1.1.1', 'model-signing==1.1.1', 'pyOpenSSL'), 'model_signing')

export async function attestation(): Promise<void> {
  heading('Attestations: whole processes')
  const cosign = cosignProgram()
  const root = join(base, 'attestation')
  mkdirSync(root)
  const at = (name: string): string => join(root, name)
  const { privatePem, publicPem } = generateKey(undefined)
  writeFileSync(at('key.pem'), privatePem, { mode: 0o600 })
  writeFileSync(at('pub.pem'), publicPem)
  smallBundle(cosign, root)
  manyFiles(root)
  largeModel(cosign, root)
  remove(root)
}

/** Rates of one process: bundles by one key, entries of a log. */
export async function attestationRates(): Promise<void> {
  heading('Attestations: rates of one process')
  const root = join(base, 'attestation-rates')
  mkdirSync(root)
  writeFileSync(join(root, 'key.pem'), generateKey(undefined).privatePem, { mode: 0o600 })
  bundles()
  await logEntries(root)
  remove(root)
}

/** The benchmarks of the OpenSSF project. */
export async function modelBenchmarks(): Promise<void> {
  heading("Models of model_signing's own benchmarks")
  const root = join(base, 'model-benchmarks')
  mkdirSync(root)
  writeFileSync(join(root, 'key.pem'), generateKey(undefined).privatePem, { mode: 0o600 })
  harness(root)
  remove(root)
}

function sign(root: string, model: string, ...more: readonly string[]): string {
  run([assay, 'sign', model, '--output', `${model}.sig`, '--key', 'key.pem', ...more], root)
  return `${model}.sig`
}

const ours = (root: string, model: string, ...more: readonly string[]) => ({
  name: 'assay',
  command: [assay, 'verify', model, '--bundle', `${model}.sig`, '--key', 'pub.pem', ...more],
  cwd: root,
})
const theirs = (root: string, model: string) => ({
  name: 'model_signing',
  command: [modelSigning(), 'verify', 'key', '--public_key', 'pub.pem', '--signature', `${model}.sig`, model],
  cwd: root,
})

function smallBundle(cosign: string, root: string): void {
  mkdirSync(join(root, 'small'))
  writeFileSync(join(root, 'small/weights.bin'), 'weights')
  sign(root, 'small')
  const { digest } = JSON.parse(
    run([assay, 'sign', 'small', '--output', 'small.sig', '--key', 'key.pem', '--json'], root),
  )
  const type = ['--type', 'https://model_signing/signature/v1.0', '--insecure-ignore-tlog=true']
  const asked = ['--digest', digest.slice('sha256:'.length), '--digestAlg', 'sha256']
  const byCosign = [cosign, 'verify-blob-attestation', '--key', 'pub.pem', '--bundle', 'small.sig', ...type, ...asked]
  const [mine, other, model] = measure(
    [ours(root, 'small'), { name: 'cosign', command: byCosign, cwd: root }, theirs(root, 'small')],
    11,
  )
  if (mine === undefined || other === undefined || model === undefined) throw new Error('nothing was measured')
  const what = 'one small bundle'
  told({
    what,
    ours: mine,
    peer: 'cosign',
    theirs: other,
    goal: { text: 'under 100 ms, 2 times cosign', met: mine.cpuMs < 100 && mine.cpuMs <= 2 * other.cpuMs },
  })
  told({
    what,
    ours: mine,
    peer: 'model_signing',
    theirs: model,
    goal: { text: '5 times less', met: mine.cpuMs * 5 <= model.cpuMs },
  })
}

function manyFiles(root: string): void {
  makeFiles(join(root, 'many'), 10_000, 4096)
  sign(root, 'many')
  const [mine, other] = measure([ours(root, 'many'), theirs(root, 'many')], 3)
  if (mine === undefined || other === undefined) throw new Error('nothing was measured')
  const goal = { text: 'half of model_signing', met: mine.cpuMs * 2 <= other.cpuMs }
  told({ what: 'a model of 10,000 x 4 KiB', ours: mine, peer: 'model_signing', theirs: other, goal })
  remove(join(root, 'many'))
}

/** One file, as a model and as the subject of a statement, which is what cosign can verify. */
function largeModel(cosign: string, root: string): void {
  const file = join(root, 'large.bin')
  const fd = openSync(file, 'w')
  const block = Buffer.alloc(2 ** 20)
  for (let index = 0; index < 2048; index += 1) {
    block.writeUInt32LE(index)
    writeSync(fd, block)
  }
  closeSync(fd)
  sign(root, 'large.bin')
  const hex = run(['openssl', 'dgst', '-sha256', '-r', 'large.bin'], root).slice(0, 64)
  const person = newPerson()
  writeFileSync(join(root, 'person.pem'), person.publicPem)
  const statement = signStage(person, stageFacts({ outputs: [output('large.bin', `sha256:${hex}`)] }))
  writeFileSync(join(root, 'large.json'), statement)
  const byCosign = [
    'verify-blob-attestation',
    '--key',
    'person.pem',
    '--bundle',
    'large.json',
    '--insecure-ignore-tlog=true',
  ]
  const contenders = [
    ours(root, 'large.bin'),
    { name: 'openssl', command: ['openssl', 'dgst', '-sha256', 'large.bin'], cwd: root },
    {
      name: 'statement',
      command: [assay, 'verify', 'large.bin', '--bundle', 'large.json', '--key', 'person.pem'],
      cwd: root,
    },
    {
      name: 'cosign',
      command: [
        'env',
        'COSIGN_MAX_ATTACHMENT_SIZE=4GiB',
        cosign,
        ...byCosign,
        '--type',
        'slsaprovenance1',
        'large.bin',
      ],
      cwd: root,
    },
    theirs(root, 'large.bin'),
  ]
  const [mine, openssl, stated, other, model] = measure(contenders, 3)
  if (mine === undefined || openssl === undefined || stated === undefined || other === undefined || model === undefined)
    throw new Error('nothing was measured')
  const goal = (one: Timed) => ({
    text: '1.1 times openssl, under 150 MB',
    met: one.cpuMs <= 1.1 * openssl.cpuMs && one.peakKib < 150_000_000 / 1024,
  })
  told({ what: 'a model of 2 GiB', ours: mine, peer: 'openssl dgst -sha256', theirs: openssl, goal: goal(mine) })
  told({ what: 'a model of 2 GiB', ours: mine, peer: 'model_signing', theirs: model })
  told({ what: 'a statement about 2 GiB', ours: stated, peer: 'cosign', theirs: other, goal: goal(stated) })
  remove(file)
}

/** Time, and the most memory of the largest process. */
function told(cells: Row): void {
  const mebibytes = (one: Timed): string => `${(one.peakKib / 1024).toFixed(0)} MiB`
  const peaks = `peak ${mebibytes(cells.ours)}${cells.theirs === undefined ? '' : `, ${cells.peer} ${mebibytes(cells.theirs)}`}`
  row({ ...cells, note: peaks })
}

/**
 * The models of model_signing's own benchmarks, made by its `generate.py`, and its `serialize.py` (hashing and manifest
 * alone) beside our `sign`, which signs too. `OMS_BENCHMARKS` is the folder `benchmarks` of its repository.
 */
function harness(root: string): void {
  const folder = process.env['OMS_BENCHMARKS']
  if (folder === undefined) {
    console.log("model_signing's own benchmarks: not here (OMS_BENCHMARKS=FOLDER names those of its repository)")
    return
  }
  const python = join(
    virtualEnvironment('model-signing-1.1.1-numpy', 'model-signing==1.1.1', 'pyOpenSSL', 'numpy'),
    'python',
  )
  const [gibibyte, quarter] = [String(2 ** 30), String(2 ** 28)]
  const shapes: readonly (readonly [string, readonly string[]])[] = [
    ['file, 1 GiB', ['file', '--root', 'generated', gibibyte]],
    ['dir, 1 GiB in 100 files', ['dir', '--root', 'generated', '-n', '100', gibibyte]],
    ['matrix, 256 MiB in 100 x 100 files', ['matrix', '--root', 'generated', '-n', '100', '-m', '100', quarter]],
    ['nested, 256 MiB in 1,000 files', ['nested', '--root', 'generated', '-n', '1000', '-m', '30', quarter]],
  ]
  for (const [what, args] of shapes) {
    run([python, join(folder, 'generate.py'), ...args], root)
    const contenders = [
      {
        name: 'assay',
        command: [assay, 'sign', 'generated', '--output', 'g.sig', '--key', 'key.pem'],
        cwd: root,
        before: () => remove(join(root, 'g.sig')),
      },
      { name: 'model_signing', command: [python, join(folder, 'serialize.py'), 'generated'], cwd: root },
    ]
    const [mine, other] = measure(contenders, 3)
    if (mine === undefined || other === undefined) throw new Error('nothing was measured')
    told({ what, ours: mine, peer: 'serialize.py of model_signing', theirs: other })
    remove(join(root, 'generated'))
  }
}

const bundleCount = 10_000

/** Our own bundles under one policy, each read and verified once. */
function bundles(): void {
  const person = newPerson()
  const policy = policyOf(person)
  const approvals = Array.from({ length: bundleCount }, (_, index) =>
    signApproval(person, sourceApproval({ digest: sha256Of(`${index}`) })),
  )
  const stages = Array.from({ length: bundleCount }, (_, index) => signStage(person, stageFacts({ runId: `${index}` })))
  const rate = (all: readonly Uint8Array[], verify: (bytes: Uint8Array) => boolean): number => {
    const before = process.cpuUsage()
    if (!all.every(verify)) throw new Error('an honest bundle was not believed')
    const { user, system } = process.cpuUsage(before)
    return (all.length / (user + system)) * 1_000_000
  }
  for (const [what, all, verify] of [
    ['approvals', approvals, (bytes: Uint8Array) => verifySourceApproval(bytes, policy).trusted],
    ['statements of stages', stages, (bytes: Uint8Array) => verifyStage(bytes, policy).trusted],
  ] as const) {
    rate(all.slice(0, 2000), verify)
    const perSecond = rate(all, verify)
    const goal = perSecond >= 10_000 ? 'met' : 'MISSED'
    console.log(`${what.padEnd(44)}  ${perSecond.toFixed(0)} a second of the processor  ${goal}: 10,000`)
  }
}

const entryCount = 10_000

/** Into a log on disk, by the signer's process, one checkpoint for each hundred; then a proof for each, verified. */
async function logEntries(root: string): Promise<void> {
  const owner = { root: join(root, 'logged'), id: 'bench' }
  mkdirSync(join(owner.root, '.assay'), { recursive: true })
  await using signer = await startSigner({
    key: { kind: 'file', path: join(root, 'key.pem') },
    objectStoreRoot: join(root, 'objects'),
  })
  const all = Array.from({ length: entryCount }, (_, index) => sha256Of(`${index}`))
  let startedMs = performance.now()
  let key = ''
  for (let start = 0; start < all.length; start += 1000)
    key = (await enterLog(owner, signer, all.slice(start, start + 1000))).key
  const appendedMs = performance.now() - startedMs
  startedMs = performance.now()
  const proofs = openOwnProofs(logFolderOf(owner.root))
  const made = all.map((each) => proofs?.inclusionOf(each))
  const provenMs = performance.now() - startedMs
  startedMs = performance.now()
  const trust = { log: parseNoteKey(key), witnesses: [], threshold: 0 }
  for (const [index, proof] of made.entries())
    if (proof === undefined || verifyLogProof(proof, Buffer.from(all[index] ?? ''), trust).index !== index)
      throw new Error('a proof is missing')
  const verifiedMs = performance.now() - startedMs
  const perSecond = (ms: number): string => ((entryCount / ms) * 1000).toFixed(0)
  const withProofs = (entryCount / (appendedMs + provenMs)) * 1000
  const goal = withProofs >= 1000 ? 'met' : 'MISSED'
  console.log(
    `${'entries into a log, with a proof for each'.padEnd(44)}  ${withProofs.toFixed(0)} a second  ${goal}: 1,000`,
  )
  console.log(
    `    appended ${perSecond(appendedMs)}, proven ${perSecond(provenMs)}, proofs verified ${perSecond(verifiedMs)} a second`,
  )
}
