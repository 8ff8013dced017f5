/** Which secrets a user gives to which stages of a project: the file in the user's own folder, which holds no value. Pure. */
import { z } from 'zod'
import { DomainError, parseStrictJson } from '../../core/index.ts'

export type SecretOrigin =
  | Readonly<{ kind: 'file'; path: string }>
  | Readonly<{ kind: 'env'; name: string }>
  /** The path below `/v1/` (`secret/data/labels` for the second version of the engine) and a field of it. */
  | Readonly<{ kind: 'vault'; path: string; field: string }>

export type SecretGrant = Readonly<{ origin: SecretOrigin; stages: readonly string[] }>
export type SecretGrants = ReadonlyMap<string, SecretGrant>

const text = z.string().min(1).max(4096)
const originShape = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), path: text.regex(/^\//) }),
  z.strictObject({ kind: z.literal('env'), name: text.regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
  z.strictObject({
    kind: z.literal('vault'),
    path: text.regex(/^(?!.*\.\.)[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/),
    field: text,
  }),
])
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/)
const fileShape = z.strictObject({
  version: z.literal(1),
  secrets: z.record(name, z.strictObject({ origin: originShape, stages: z.array(text).min(1) })),
})
/** LIMIT: 1 MiB. */
const limits = { maxBytes: 1024 * 1024, maxDepth: 8 }

/** @throws ERR_SECRET_UNAVAILABLE for a file that is none of ours */
export function parseGrants(bytes: Uint8Array): SecretGrants {
  const parsed = fileShape.safeParse(parseStrictJson(bytes, 'secrets.json', limits))
  if (parsed.success) return new Map(Object.entries(parsed.data.secrets))
  throw new DomainError('ERR_SECRET_UNAVAILABLE', 'the list of your secrets is damaged', {
    help: 'remove secrets.json from the folder of the project in your configuration, and grant them again',
  })
}

/** @throws ERR_USAGE for a name or origin that is none */
export function printGrants(grants: SecretGrants): string {
  const parsed = fileShape.safeParse({ version: 1, secrets: Object.fromEntries([...grants].toSorted()) })
  if (parsed.success) return `${JSON.stringify(parsed.data, undefined, 2)}\n`
  const [issue] = parsed.error.issues
  throw new DomainError('ERR_USAGE', `this is no secret that can be granted: ${issue?.path.join('.') ?? ''}`, {
    help: 'a name of letters, digits, dots and dashes; an absolute file, a variable, or a path of Vault with #FIELD',
  })
}

export function describeOrigin(origin: SecretOrigin): string {
  switch (origin.kind) {
    case 'file':
      return `file ${origin.path}`
    case 'env':
      return `variable ${origin.name}`
    case 'vault':
      return `Vault ${origin.path}#${origin.field}`
  }
}
