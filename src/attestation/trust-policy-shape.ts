/** What a trust policy says, whatever it was written in: its shape, and the policy that it makes. Pure. */
import { z } from 'zod'
import {
  builderIds,
  type DomainError,
  engineNames,
  isDomainError,
  namespace,
  nearest,
  parseDurationMs,
} from '../core/index.ts'
import { parseGate } from './gate.ts'
import { hintOf, parsePublicKey } from './public-key.ts'
import { demands, loggedKinds, otherRoles, type PolicyOrigin, type RoleRule, type TrustPolicy } from './trust-policy.ts'
import {
  endOfDay,
  identitiesFrom,
  identitiesShape,
  keyShape,
  keysFrom,
  keysShape,
  malformed,
  nameShape,
} from './trust-policy-signers.ts'

const level = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
const grant = z
  .strictObject({
    key: nameShape.optional(),
    identity: nameShape.optional(),
    builder: z.string().min(1).max(500),
    maxLevel: level,
  })
  .refine(({ key, identity }) => (key === undefined) !== (identity === undefined), 'names not one key or one identity')
const rule = z.union([
  z.array(nameShape),
  z.strictObject({
    anyOf: z.array(nameShape).min(1),
    threshold: z.int().min(1).max(100),
    distinct: z.enum(['keys', 'principals']).default('principals'),
  }),
])

const noteKey = z
  .string()
  .max(400)
  .regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/, 'is not the key of a log: NAME+8 HEX+BASE64')
const logRule = z
  .strictObject({
    key: noteKey,
    witnesses: z.array(noteKey).max(64).default([]),
    threshold: z.int().min(0).max(64).optional(),
  })
  .refine(({ witnesses, threshold = 0 }) => threshold <= witnesses.length, 'asks for more witnesses than it lists')
  .refine(({ witnesses }) => new Set(witnesses.map(keyBytesOf)).size === witnesses.length, {
    // THREAT: one witness under two names would reach a threshold of two alone.
    error: 'lists one key of a witness twice',
    path: ['witnesses'],
  })

/** The bytes as they are spelt; 33 bytes have one spelling, and others are refused where a key is read. */
function keyBytesOf(noteKey: string): string {
  return noteKey.split('+').slice(2).join('+')
}

const serviceShape = z.strictObject({
  issuer: z.string().min(1).max(500),
  subject: z.string().min(1).max(500),
  responsible: z.string().min(1).max(500),
})
const certificate = z
  .string()
  .max(16 * 1024)
  .regex(
    /^-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*$/,
    'is not PEM of one certificate',
  )

const trustedRoot = z.looseObject({ mediaType: z.string() })

const policyShape = z.strictObject({
  trust: z.literal(1),
  version: z.int().min(1).optional(),
  project: z.string().min(1).max(200),
  keys: keysShape,
  identities: identitiesShape,
  trustedRoots: z
    .union([z.array(trustedRoot).min(1), z.record(nameShape, trustedRoot)])
    .refine((roots) => Object.keys(roots).length <= 16)
    .optional(),
  roles: z.strictObject({
    builder: z.array(grant).default([]),
    'source-approver': rule.optional(),
    'data-validator': rule.optional(),
    reviewer: rule.optional(),
    reproducer: rule.optional(),
    promoter: rule.optional(),
    root: rule.optional(),
  }),
  minimumLevel: level.default(1),
  oneCommit: z.boolean().default(false),
  reproducedWithin: z.string().max(50).transform(durationMs).optional(),
  maximumAge: z.string().max(50).transform(durationMs).optional(),
  repositories: z.array(z.string().min(1).max(2000)).max(1000).optional(),
  sources: z.array(z.string().min(1).max(200)).max(10_000).optional(),
  require: z.array(z.enum(demands)).default([]),
  gates: z.array(z.string().min(1).max(500).transform(gateText)).max(100).default([]),
  services: z.array(serviceShape).max(1000).default([]),
  timestamps: z.array(z.strictObject({ certificate })).max(16).default([]),
  logged: z.array(z.enum(loggedKinds)).optional(),
  status: z.enum(['required', 'optional']).default('optional'),
  engines: z.record(z.string().min(1).max(500), z.enum(engineNames)).default({}),
  logs: z.array(logRule).max(16).optional(),
  expires: z.iso.date().optional(),
})
type PolicyFile = z.infer<typeof policyShape>

function gateText(text: string, context: z.RefinementCtx): string {
  return orIssue(context, () => parseGate(text).text)
}

function durationMs(text: string, context: z.RefinementCtx): number {
  return orIssue(context, () => parseDurationMs(text))
}

function orIssue<Value>(context: z.RefinementCtx, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!isDomainError(error)) throw error
    context.addIssue(error.message)
    return z.NEVER
  }
}

/**
 * @param document as `trust.yaml` has it, parsed; anybody's, believed as far as `origin` says
 * @param place of a member, for a message; the path itself when left out
 * @throws ERR_POLICY_MALFORMED
 */
export function trustPolicyOf(
  document: unknown,
  origin: PolicyOrigin,
  place: (path: readonly PropertyKey[]) => string = (path) => ['policy', ...path].join('.'),
): TrustPolicy {
  const parsed = policyShape.safeParse(document)
  if (!parsed.success) throw shapeFault(parsed.error, place)
  return policyFrom(parsed.data, origin, place)
}

function policyFrom(
  file: PolicyFile,
  origin: PolicyOrigin,
  place: (path: readonly PropertyKey[]) => string,
): TrustPolicy {
  const keys = keysFrom(file, place)
  const identities = identitiesFrom(file, place)
  const named = (names: readonly string[], path: readonly PropertyKey[]): readonly string[] => {
    const unknown = names.find((key) => !keys.has(key) && !identities.has(key))
    if (unknown !== undefined) throw malformed(place(path), `names the key \`${unknown}\`, which is not under keys`)
    return [...new Set(names)]
  }
  const roles = new Map<(typeof otherRoles)[number], RoleRule>()
  for (const role of otherRoles) {
    const given = file.roles[role]
    if (given === undefined) continue
    const path = ['roles', role]
    const { anyOf, ...rest } = Array.isArray(given)
      ? { anyOf: given, threshold: 1, distinct: 'principals' as const }
      : given
    roles.set(role, { anyOf: named(anyOf, path), ...rest })
  }
  if (file.logged !== undefined && (file.logs ?? []).length === 0)
    throw malformed(place(['logged']), 'asks for logs, and `logs` lists none')
  const builders = file.roles.builder.map(({ key, identity, builder, maxLevel }, index) => {
    const [signer = ''] = named([key ?? identity ?? ''], ['roles', 'builder', index])
    const isKind = key === undefined ? identities.has(signer) : keys.has(signer)
    if (!isKind) throw malformed(place(['roles', 'builder', index]), `names \`${signer}\` as what it is not`)
    return { key: signer, builder: builderIdOf(builder), maxLevel }
  })
  return {
    origin,
    project: file.project,
    keys,
    ...(identities.size === 0 ? {} : { identities }),
    ...(file.trustedRoots === undefined ? {} : { trustedRoots: new Map(Object.entries(file.trustedRoots)) }),
    builders,
    roles,
    minimumLevel: file.minimumLevel,
    oneCommit: file.oneCommit,
    ...(file.reproducedWithin === undefined ? {} : { reproducedWithinMs: file.reproducedWithin }),
    ...(file.maximumAge === undefined ? {} : { maximumAgeMs: file.maximumAge }),
    ...(file.repositories === undefined ? {} : { repositories: file.repositories }),
    ...(file.sources === undefined ? {} : { sources: file.sources }),
    ...(file.version === undefined ? {} : { version: file.version }),
    ...(file.logged === undefined ? {} : { logged: new Set(file.logged) }),
    ...(file.timestamps.length === 0 ? {} : { timestamps: file.timestamps.map((each) => each.certificate) }),
    ...(file.require.length === 0 ? {} : { demands: new Set(file.require) }),
    ...(file.gates.length === 0 ? {} : { gates: file.gates }),
    ...(file.services.length === 0 ? {} : { services: file.services }),
    ...(file.status === 'required' ? { statusRequired: true } : {}),
    engines: new Map(Object.entries(file.engines)),
    ...(file.logs === undefined
      ? {}
      : { logs: file.logs.map((log) => ({ ...log, threshold: log.threshold ?? log.witnesses.length })) }),
    ...(file.expires === undefined ? {} : { expiresAt: endOfDay(file.expires) }),
  }
}

/** `local/sandboxed` stands for assay's own builder of that name; everything else is a builder.id as it is. */
export function builderIdOf(text: string): string {
  return /^[a-z]+\/[\w./-]+$/.test(text) ? `${namespace}/builder/${text}` : text
}

/** A policy of one public key, as `--key` makes it: every role but promoter and root, the local sandboxed builder, level 1. */
export function policyFromKey(pem: string): TrustPolicy {
  const key = parsePublicKey(pem)
  const keyName = 'given'
  const rule: RoleRule = { anyOf: [keyName], threshold: 1, distinct: 'keys' }
  return {
    origin: 'key',
    keys: new Map([[keyName, { name: keyName, key, hint: hintOf(key) }]]),
    builders: [{ key: keyName, builder: builderIds.sandboxed, maxLevel: 1 }],
    roles: new Map(otherRoles.filter((role) => role !== 'promoter' && role !== 'root').map((role) => [role, rule])),
    minimumLevel: 1,
    oneCommit: false,
    engines: new Map(),
  }
}

function shapeFault(error: z.ZodError, place: (path: readonly PropertyKey[]) => string): DomainError {
  const issue = error.issues[0]
  if (issue === undefined) throw new Error('a shape fault without an issue')
  if (issue.code !== 'unrecognized_keys') return malformed(place(issue.path), issue.message, error)
  const [unknown = ''] = issue.keys
  const suggestion = nearest(unknown, knownKeys)
  return malformed(place([...issue.path, unknown]), `has the unknown key \`${unknown}\``, error, suggestion)
}

const knownKeys = [
  ...Object.keys(policyShape.shape),
  ...Object.keys(policyShape.shape.roles.shape),
  ...Object.keys(grant.shape),
  ...Object.keys(keyShape.shape),
  ...Object.keys(serviceShape.shape),
  'certificate',
  'since',
  'because',
  'identity',
  'anyOf',
  'threshold',
  'distinct',
]
