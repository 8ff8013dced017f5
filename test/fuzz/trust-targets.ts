/** Readers that decide what is believed: bundles, chains, certificates, logs, models, policies. */
import { createPrivateKey, createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { parse as parseYaml } from 'yaml'
import { parseBundle, printBundle } from '../../src/attestation/bundle.ts'
import { signEnvelope, statementPayloadType } from '../../src/attestation/dsse.ts'
import { allPassed } from '../../src/attestation/finding.ts'
import { newPerson, policyOf } from '../../src/attestation/fixtures/chain.ts'
import { judgeChain } from '../../src/attestation/foreign/certificate-chain.ts'
import { parseForeignBundle } from '../../src/attestation/foreign/foreign-bundle.ts'
import { judgeSubjects, parseForeignStatement } from '../../src/attestation/foreign/foreign-statement.ts'
import {
  type ForeignTrust,
  parseCertificate,
  parseCertificates,
  parseForeignKey,
} from '../../src/attestation/foreign/foreign-trust.ts'
import { parseTrustedRoot, publicGoodRoot, type TrustedRoot } from '../../src/attestation/foreign/trusted-root.ts'
import { judgeSigner } from '../../src/attestation/foreign/verify-foreign.ts'
import {
  bundlesInLines,
  cosignNote,
  growTree,
  leafHashOf,
  type NoteKey,
  noteKeyOf,
  nothingSeen,
  observeLog,
  parseCheckpoint,
  parseEntries,
  parseNoteKey,
  parsePublicKey,
  parseSeen,
  parseTile,
  parseTrustPolicy,
  printLogProof,
  proveInclusion,
  type TrustPolicy,
  travelledEvidence,
  verifyChain,
  verifyCheckpoint,
  verifyDataDecision,
  verifyDataVerdict,
  verifyDefinitionReview,
  verifyEnvironmentBuild,
  verifyGateVerdict,
  verifyLogProof,
  verifyReproduction,
  verifySourceApproval,
  verifySourceBuild,
  verifyStage,
} from '../../src/attestation/index.ts'
import { isModelPredicate, parseModelManifest } from '../../src/attestation/model/model-manifest.ts'
import { statedGates, statedReproduction, statedStage } from '../../src/attestation/stated.ts'
import { parseStatement } from '../../src/attestation/statement.ts'
import { checkpointText } from '../../src/attestation/tlog/checkpoint-text.ts'
import { printSeen } from '../../src/attestation/tlog/monitor.ts'
import { printNote, printNoteKey, rawPublic, signNote } from '../../src/attestation/tlog/note.ts'
import { parseNote } from '../../src/attestation/tlog/read-note.ts'
import { printEntries } from '../../src/attestation/tlog/tile.ts'
import { trustPolicyOf } from '../../src/attestation/trust-policy-shape.ts'
import { subjectsOfBundle } from '../../src/attestation/verify.ts'
import { sha256Of } from '../../src/core/index.ts'
import { parseProofLines, printProofLine } from '../../src/pipeline/log-trust.ts'
import { Forged, fileAt, filesIn, type Target } from './target.ts'

const now = new Date('2026-11-26T12:00:00Z')
const weight = 4

function sameAs(honest: unknown, found: unknown, what: string): void {
  if (!isDeepStrictEqual(found, honest)) throw new Forged(`another ${what} than the one that was signed is believed`)
}

// --- our own bundles ---------------------------------------------------------------------------------------------

const examples = 'docs/formats/examples'
const policy = promoting(parseTrustPolicy(fileAt(`${examples}/trust.yaml`), 'file'), 'ada')
const bundle = (name: string): Buffer => fileAt(`${examples}/${name}.sigstore.json`)

const verifiers = {
  'stage-provenance': verifyStage,
  'source-approval': verifySourceApproval,
  'source-build': verifySourceBuild,
  'environment-build': verifyEnvironmentBuild,
  'data-verdict': verifyDataVerdict,
  'gate-verdict': verifyGateVerdict,
  'definition-review': verifyDefinitionReview,
  reproduction: verifyReproduction,
  'data-waiver': (bytes: Uint8Array, by: TrustPolicy) => verifyDataDecision('data-waiver', bytes, by),
  'data-anchor': (bytes: Uint8Array, by: TrustPolicy) => verifyDataDecision('data-anchor', bytes, by),
  'model-approval': (bytes: Uint8Array, by: TrustPolicy) => verifyDataDecision('model-approval', bytes, by),
  'data-review': (bytes: Uint8Array, by: TrustPolicy) => verifyDataDecision('data-review', bytes, by),
} as const

const mallory = newPerson()
const listed = promoting({ ...policyOf(mallory), project: '7d0c2f5e-3a41-4c56-9b1e-0f6a52d1c9aa' }, 'ada')

/** The examples' own policy names no promoter: an approval of a model would be refused before it is read. */
function promoting(by: TrustPolicy, name: string): TrustPolicy {
  const rule = { anyOf: [name], threshold: 1, distinct: 'principals' } as const
  return { ...by, roles: new Map([...by.roles, ['promoter', rule]]) }
}

function ownBundles(): readonly Target[] {
  return Object.entries(verifiers).flatMap(([name, verify]): Target[] => {
    const honest = bundle(name)
    const said = parseBundle(honest)
    const relied = signEnvelope(said.envelope.payload, statementPayloadType, mallory.key)
    for (const [bytes, by] of [
      [honest, policy] as const,
      [printBundle({ hint: mallory.hint, envelope: relied }), listed] as const,
    ])
      if (!verify(bytes, by).trusted)
        throw new Error(`the honest ${name} is not believed: its reader would not be reached`)
    return [
      {
        name: `bundle of ${name}`,
        seeds: [honest],
        read: (bytes) => {
          if (verify(bytes, policy).trusted) sameAs(said, parseBundle(bytes), 'envelope')
          subjectsOfBundle(bytes)
          statedStage(bytes)
          statedReproduction(bytes)
          statedGates(bytes)
        },
      },
      {
        name: `statement of ${name}, signed by a liar`,
        seeds: [Buffer.from(said.envelope.payload)],
        read: (bytes) => {
          const envelope = signEnvelope(bytes, statementPayloadType, mallory.key)
          verify(printBundle({ hint: mallory.hint, envelope }), listed)
        },
      },
    ]
  })
}

// --- chains that travelled ---------------------------------------------------------------------------------------

const artifacts = 'test/artifacts/0.1.0'

function chains(): readonly Target[] {
  const evidence = fileAt(`${artifacts}/count.assay.jsonl`)
  const trusting = trustPolicyOf(parseYaml(fileAt(`${artifacts}/trust.yaml`).toString()), 'file')
  const subject = { path: 'model/count.txt', digest: sha256Of(fileAt(`${artifacts}/count.txt`)) }
  const ask = (bytes: Uint8Array, by: TrustPolicy) =>
    verifyChain({
      subject,
      entries: [],
      evidence: travelledEvidence(bundlesInLines(bytes)),
      policy: by,
      surroundings: { now, revokedSources: [] },
    })
  const said = (bytes: Uint8Array): unknown => ask(bytes, trusting).stages.map(({ stage }) => stage.facts)
  const honest = said(evidence)
  const proof = proofOf(Buffer.from(sha256Of('a')))
  return [
    {
      name: 'evidence in lines, the whole chain',
      weight,
      seeds: [evidence],
      read: (bytes) => {
        if (ask(bytes, trusting).trusted) sameAs(honest, said(bytes), 'chain')
      },
    },
    {
      name: 'log proofs in lines',
      seeds: [Buffer.from(`${printProofLine(sha256Of('a'), proof)}\n${printProofLine(sha256Of('b'), proof)}\n`)],
      read: (bytes) => parseProofLines(bundlesInLines(bytes).map((line) => line.bytes)),
    },
  ]
}

// --- bundles that others made ------------------------------------------------------------------------------------

const beacon: ForeignTrust = {
  kind: 'identity',
  identity:
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
}
const models = 'test/vectors/model-signing'
const modelKey = (): ForeignTrust => ({
  kind: 'key',
  key: parseForeignKey(fileAt(`${models}/keys/signing-key-pub.pem`).toString()),
})

type Foreign = Readonly<{
  name: string
  file: string
  trust: ForeignTrust
  root?: TrustedRoot | undefined
  artifact?: string
}>

function sigstore(name: string, trust: ForeignTrust, withRoot = false): Foreign {
  const folder = `test/vectors/sigstore/${name}`
  const root = withRoot ? parseTrustedRoot(fileAt(`${folder}/trusted_root.json`)) : undefined
  return {
    name,
    file: `${folder}/bundle.sigstore.json`,
    trust,
    root: root ?? (trust.kind === 'identity' ? publicGoodRoot() : undefined),
  }
}

function foreignBundles(): readonly Target[] {
  const managed = 'test/vectors/sigstore/managed-key-and-trusted-root/key.pub'
  const all: readonly Foreign[] = [
    sigstore('happy-path-v0.3', beacon),
    sigstore('happy-path-v0.1', beacon),
    sigstore('happy-path-intoto-in-dsse-v3', beacon),
    sigstore('rekor2-happy-path', beacon, true),
    sigstore('rekor2-dsse-happy-path', beacon, true),
    sigstore('rekor2-timestamp-with-embedded-cert', beacon, true),
    sigstore('managed-key-and-trusted-root', { kind: 'key', key: parseForeignKey(fileAt(managed).toString()) }, true),
    { name: 'model by key', file: `${models}/v1.1.0-elliptic-key/model.sig`, trust: modelKey() },
    { name: 'model by key, 0.3.1', file: `${models}/v0.3.1-elliptic-key/model.sig`, trust: modelKey() },
    {
      name: 'model by certificate',
      file: `${models}/v1.1.0-certificate/model.sig`,
      trust: { kind: 'authorities', roots: parseCertificates(fileAt(`${models}/keys/ca-cert.pem`).toString()) },
    },
  ]
  return all.map(({ name, file, trust, root }) => {
    const honest = parseForeignBundle(fileAt(file))
    const digest = honest.content.kind === 'message' ? honest.content.digest : undefined
    return {
      name: `foreign bundle: ${name}`,
      weight: trust.kind === 'identity' ? 2 : weight,
      seeds: [fileAt(file)],
      read: async (bytes) => {
        const read = parseForeignBundle(bytes)
        const findings = await judgeSigner({ bundle: read, trust, root, now, digest })
        if (!allPassed(findings)) return
        sameAs(honest.content, read.content, 'content')
        if (trust.kind !== 'key') sameAs(leafOf(honest.material), leafOf(read.material), 'certificate')
        if (root !== undefined) onlyOf(bodiesOf(honest.logEntries), bodiesOf(read.logEntries))
        readSigned(read.content)
      },
    }
  })
}

/** What a key signed may come without an entry; one that is there must be the one that the log signed. */
function onlyOf(honest: readonly unknown[], found: readonly unknown[]): void {
  if (!found.every((each) => honest.includes(each))) throw new Forged('another log entry is believed')
}

type Bundle = ReturnType<typeof parseForeignBundle>

function leafOf(material: Bundle['material']): Uint8Array | undefined {
  return material.kind === 'certificates' ? material.certificates[0] : undefined
}

function bodiesOf(entries: Bundle['logEntries']): readonly unknown[] {
  return entries.map((entry) => (entry as Readonly<Record<string, unknown>>)['canonicalizedBody']) // an object, by its shape
}

function readSigned(content: Bundle['content']): void {
  if (content.kind !== 'statement') return
  const { payload, payloadType } = content.envelope
  const statement = parseForeignStatement(payload, payloadType)
  judgeSubjects(statement, { sha256: 'a'.repeat(64) })
  if (isModelPredicate(statement.predicateType)) parseModelManifest(payload)
}

function manifests(): readonly Target[] {
  const payloads = filesIn(`${models}/payloads`)
  const { payload } = JSON.parse(fileAt(`${examples}/verification-summary.dsse.json`).toString())
  const summary = Buffer.from(payload, 'base64')
  return [
    { name: 'manifest of a model', weight: 2, seeds: payloads, read: parseModelManifest },
    {
      name: 'statement of others',
      seeds: [...payloads.slice(0, 3), Buffer.from(parseBundle(bundle('stage-provenance')).envelope.payload), summary],
      read: (bytes) => judgeSubjects(parseForeignStatement(bytes, statementPayloadType), { sha256: 'a'.repeat(64) }),
    },
    {
      name: 'statement',
      seeds: [Buffer.from(parseBundle(bundle('source-approval')).envelope.payload), summary],
      read: parseStatement,
    },
  ]
}

function certificates(): readonly Target[] {
  const pem = (name: string): string => fileAt(`${models}/keys/${name}.pem`).toString()
  const [leaf, issuing, root] = ['signing-key-cert', 'int-ca-cert', 'ca-cert'].map((name) => {
    const [found] = parseCertificates(pem(name))
    if (found === undefined) throw new Error(`${name} is no certificate`)
    return found
  }) as [X509Certificate, X509Certificate, X509Certificate] // as many as there are names
  const judged = (given: Readonly<{ leaf: X509Certificate; others: readonly X509Certificate[] }>): boolean =>
    allPassed(judgeChain({ ...given, roots: [root], at: now }))
  if (!judged({ leaf, others: [issuing] })) throw new Error('the honest chain is not believed')
  return [
    {
      name: 'certificate that signs',
      weight,
      seeds: [leaf.raw],
      read: (bytes) => {
        if (judged({ leaf: parseCertificate(bytes), others: [issuing] })) sameAs(leaf.raw, bytes, 'certificate')
      },
    },
    {
      name: 'certificate that issues',
      weight,
      seeds: [issuing.raw],
      read: (bytes) => {
        if (judged({ leaf, others: [parseCertificate(bytes)] })) sameAs(issuing.raw, bytes, 'certificate')
      },
    },
    {
      name: 'certificates as PEM',
      seeds: [Buffer.from(pem('ca-cert') + pem('int-ca-cert'))],
      read: (bytes) => parseCertificates(bytes.toString()),
    },
    {
      name: 'key of others',
      seeds: [Buffer.from(pem('signing-key-pub'))],
      read: (bytes) => parseForeignKey(bytes.toString()),
    },
    { name: 'key of ours', seeds: [Buffer.from(mallory.publicPem)], read: (bytes) => parsePublicKey(bytes.toString()) },
    {
      name: 'trusted root',
      weight: 2,
      seeds: [
        fileAt('src/attestation/foreign/public-good-root.json'),
        fileAt('test/vectors/sigstore/rekor2-happy-path/trusted_root.json'),
      ],
      read: parseTrustedRoot,
    },
  ]
}

// --- transparency logs -------------------------------------------------------------------------------------------

/** Always the same, so that kept inputs stay what they were. SOURCE: RFC 8410, section 7 (PKCS #8 of Ed25519). */
function keyFrom(byte: number): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, byte)])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

const origin = 'example.org/log'
const [logKey, witnessKey] = [keyFrom(1), keyFrom(2)]
const log: NoteKey = noteKeyOf(origin, 'log', rawPublic(createPublicKey(logKey)))
const witness: NoteKey = noteKeyOf('witness.example.org', 'witness', rawPublic(createPublicKey(witnessKey)))
const trust = { log, witnesses: [witness], threshold: 1 }
const entries = ['a', 'b', 'c', 'd', 'e'].map((text) => Buffer.from(sha256Of(text)))
const tree = growTree(0, entries.map(leafHashOf), [])
const text = checkpointText(origin, tree.head)
const checkpoint = Buffer.from(
  printNote({
    text,
    signatures: [signNote(text, log, logKey), cosignNote(text, witness, { privateKey: witnessKey, at: now })],
  }),
)

function proofOf(entry: Buffer): Buffer {
  const index = Math.max(
    0,
    entries.findIndex((each) => each.equals(entry)),
  )
  const path = proveInclusion(index, entries.length, { size: entries.length, readTile: () => entries.map(leafHashOf) })
  return Buffer.from(printLogProof({ index, path, checkpoint }))
}

function logs(): readonly Target[] {
  const entry = entries[2] ?? Buffer.alloc(0)
  const held = Buffer.from(printEntries(entries))
  const noteText = parseNote(checkpoint).text
  const seen = { origin, size: 5, edges: tree.edges, checkpoint: checkpoint.toString() }
  return [
    {
      name: 'checkpoint',
      weight,
      seeds: [checkpoint],
      read: (bytes) => {
        parseCheckpoint(bytes)
        sameAs(noteText, verifyCheckpoint(bytes, trust).note.text, 'checkpoint')
      },
    },
    {
      name: 'proof of a log',
      weight,
      seeds: [proofOf(entry)],
      read: (bytes) => {
        const { index, checkpoint: found } = verifyLogProof(bytes, entry, trust)
        sameAs([2, noteText], [index, found.note.text], 'proof')
      },
    },
    {
      name: 'entries of a log, as a monitor reads them',
      weight,
      seeds: [held],
      read: async (bytes) => {
        const reader = { checkpoint: async () => checkpoint, read: async () => bytes }
        await observeLog(reader, nothingSeen(origin), trust)
        sameAs(held, bytes, 'list of entries')
      },
    },
    {
      name: 'tiles of a log',
      seeds: [Buffer.concat(entries.map(leafHashOf))],
      read: (bytes) => {
        parseTile(bytes, { level: 0, index: 0, width: 5 })
        parseEntries(bytes, { level: 'entries', index: 0, width: 3 })
      },
    },
    { name: 'what a monitor remembers', seeds: [Buffer.from(printSeen(seen))], read: parseSeen },
    { name: 'key of a log', seeds: [Buffer.from(printNoteKey(log))], read: (bytes) => parseNoteKey(bytes.toString()) },
  ]
}

// --- policies ----------------------------------------------------------------------------------------------------

function policies(): readonly Target[] {
  const rich = `${fileAt(`${examples}/trust.yaml`)}
oneCommit: true
reproducedWithin: 30d
engines: {"local/sandboxed": bubblewrap}
logs:
  - key: ${printNoteKey(log)}
    witnesses: [${printNoteKey(witness)}]
    threshold: 1
`
  return [
    {
      name: 'trust.yaml',
      weight: 2,
      seeds: [fileAt(`${examples}/trust.yaml`), Buffer.from(rich), fileAt(`${artifacts}/trust.yaml`)],
      read: (bytes) => parseTrustPolicy(bytes, 'repository'),
    },
    {
      name: 'trust policy as an object',
      seeds: [Buffer.from(JSON.stringify(parseYaml(rich)))],
      read: (bytes) => {
        let document: unknown
        try {
          document = JSON.parse(bytes.toString())
        } catch {
          return // the caller gives an object, and this is none
        }
        trustPolicyOf(document, 'file')
      },
    },
  ]
}

export function trustTargets(): readonly Target[] {
  return [
    ...ownBundles(),
    ...chains(),
    ...foreignBundles(),
    ...manifests(),
    ...certificates(),
    ...logs(),
    ...policies(),
  ]
}
