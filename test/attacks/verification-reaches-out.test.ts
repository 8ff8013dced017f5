/**
 * Evidence that names addresses everywhere: verification fetches nothing, and opens no socket of any kind.
 *
 * Held by the kernel: whatever asks it for a socket is killed at once, so a request that fails quietly would show too.
 */
import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  dataVerdict,
  newPerson,
  policyText,
  signApproval,
  signDataVerdict,
  sourceApproval,
} from '../../src/attestation/fixtures/chain.ts'
import { gatedChain } from '../../src/attestation/fixtures/gated-chain.ts'
import type { StageFacts } from '../../src/attestation/index.ts'
import type { Document } from '../support/scratch.ts'

const place = mkdtempSync(join(tmpdir(), 'assay-reach-'))
after(() => rmSync(place, { recursive: true, force: true }))

/** `socket` of this machine. SOURCE: linux/arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h */
const socketCall = process.arch === 'x64' ? 41 : 198

/** Kills the process that calls `socket`, and lets all else through. SOURCE: linux/filter.h, linux/seccomp.h */
function noSockets(): Buffer {
  const steps = [
    [0x20, 0, 0, 0], // load the number of the call
    [0x15, 0, 1, socketCall],
    [0x06, 0, 0, 0x80000000], // kill the process
    [0x06, 0, 0, 0x7fff0000], // allow
  ] as const
  return Buffer.concat(
    steps.map(([code, yes, no, value]) => {
      const step = Buffer.alloc(8)
      step.writeUInt16LE(code)
      step.writeUInt8(yes, 2)
      step.writeUInt8(no, 3)
      step.writeUInt32LE(value, 4)
      return step
    }),
  )
}

function withoutSockets(...command: readonly string[]): SpawnSyncReturns<string> {
  const file = join(place, 'filter')
  writeFileSync(file, noSockets())
  const filter = openSync(file, 'r')
  try {
    const box = ['--dev-bind', '/', '/', '--unshare-net', '--die-with-parent', '--seccomp', '3', '--']
    const environment = { PATH: process.env['PATH'], HOME: place, ASSAY_CONFIG_HOME: join(place, 'config') }
    return spawnSync('bwrap', [...box, ...command], {
      cwd: place,
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', filter],
    })
  } finally {
    closeSync(filter)
  }
}

const address = 'https://127.0.0.1:8443/evidence'
const person = newPerson()

/** Wherever a statement has room for one. */
const named = (facts: StageFacts): StageFacts => ({
  ...facts,
  source: { ...facts.source, uri: address, ref: address },
  commands: [`curl ${address}`],
  code: { kind: 'opened', files: [{ path: 'src/prepare.py', digest: facts.log.digest }], folders: [] },
  environment: {
    ...facts.environment,
    name: address,
    materials: [{ name: address, digest: facts.log.digest }],
    packages: [{ name: address, version: address }],
  },
  network: { ...facts.network, destinations: [address] },
  facts: [...facts.facts, { name: address, value: address, tier: 'observed' }],
})

function evidence(): Readonly<{ file: string; artifact: string; policy: string; bundle: string }> {
  const { evidence: shelf, question, attestations } = gatedChain(person, { facts: named, evaluation: named })
  const source = { ...sourceApproval().source, origin: address }
  const bundles = [
    ...shelf.bundles.values(),
    signApproval(person, sourceApproval({ source })),
    signDataVerdict(person, dataVerdict({ unseen: [address] })),
  ]
  const [file, artifact, policy, bundle] = ['e.jsonl', 'model.csv', 'policy.yaml', 'one.json'].map((name) =>
    join(place, name),
  )
  assert.ok(file !== undefined && artifact !== undefined && policy !== undefined && bundle !== undefined)
  writeFileSync(file, Buffer.concat(bundles.flatMap((bytes) => [bytes, Buffer.from('\n')])))
  writeFileSync(artifact, question.subject.path) // the fixtures' digests are those of the names
  const identity = `identities:\n  ci:\n    identity: ${address}\n    issuer: ${address}\n`
  writeFileSync(policy, `${policyText(person)}gates: [accuracy >= 0.9]\n${identity}`)
  const own = attestations[1] === undefined ? undefined : shelf.bundles.get(attestations[1])
  assert.ok(own !== undefined)
  writeFileSync(bundle, own)
  return { file, artifact, policy, bundle }
}

const assay = join(import.meta.dirname, '../../bin/assay')

test('verification opens no socket, whatever addresses its evidence names', () => {
  const { file, artifact, policy, bundle } = evidence()
  for (const by of [
    ['--evidence', file],
    ['--bundle', bundle],
  ]) {
    const ran = withoutSockets(assay, 'verify', artifact, '--policy', policy, ...by, '--json')
    assert.equal(ran.signal ?? ran.status, by[0] === '--bundle' ? 1 : 0, `${ran.stdout}\n${ran.stderr}`)
    const verdict: Document = JSON.parse(ran.stdout)
    const refused = verdict.findings.flatMap((one: Document) => (one.passed ? [] : [one.check]))
    assert.deepEqual(refused, by[0] === '--bundle' ? ['gates'] : [], 'one bundle shows no metrics')
  }
  assert.ok(readFileSync(file, 'utf8').split('\n').length > 5)
})

test('the kernel would have told: who asks for an address under the same filter is killed', () => {
  const asking = `fetch('${address}').catch(() => undefined)`
  const { status, signal } = withoutSockets(process.execPath, '-e', asking)
  assert.equal(signal ?? status, 128 + 31, 'SIGSYS')
  assert.equal(withoutSockets(process.execPath, '-e', '0').status, 0, 'the honest twin')
})
