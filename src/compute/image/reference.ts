/**
 * How an image is named: `registry/name:tag@sha256:...`, as Docker and Podman write it. Pure.
 *
 * The digest alone says which image it is; a tag beside it is for people. A name without a registry is one of Docker Hub,
 * as everywhere.
 * SOURCE: distribution/reference, "Grammar"; OCI Distribution 1.1, "Pulling manifests".
 */
import { DomainError, isSha256, quotedForShell, type Sha256 } from '../../core/index.ts'

export type ImageName = Readonly<{
  /** Host and, where given, port: `docker.io`, `localhost:5000`. */
  registry: string
  /** Path of the repository: `library/python`. */
  repository: string
  tag?: string
}>

export type ImageReference = ImageName & Readonly<{ digest: Sha256 }>

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const repositoryShape = new RegExp(`^${component}(?:/${component})*$`)
const registryShape = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63})*(?::\d{1,5})?$/
const tagShape = /^\w[\w.-]{0,127}$/
/** LIMIT: of the grammar, for registry and repository together. */
const maxNameLength = 255

/** @throws ERR_ENV_UNPINNED without a digest; ERR_SETTINGS_INVALID for what is no name of an image */
export function parseImageReference(text: string): ImageReference {
  const { digest, ...name } = readName(text)
  if (digest !== undefined) return { ...name, digest }
  throw new DomainError(
    'ERR_ENV_UNPINNED',
    `the image \`${text}\` has no digest: a tag may be another image tomorrow`,
    {
      help: `ask for its digest of now, and write that: assay env lock --image ${quotedForShell(text)}`,
    },
  )
}

/** As `parseImageReference`, for a name that need not have a digest. @throws ERR_SETTINGS_INVALID */
export function parseImageName(text: string): ImageName & Readonly<{ digest?: Sha256 }> {
  return readName(text)
}

function readName(text: string): ImageName & Readonly<{ digest?: Sha256 }> {
  const [named = '', digest, ...more] = text.split('@')
  const slash = named.indexOf('/')
  const first = slash < 0 ? '' : named.slice(0, slash)
  const isHost = /[.:A-Z]/.test(first) || first === 'localhost'
  const registry = isHost ? first : 'docker.io'
  const [path = '', tag, ...tags] = (isHost ? named.slice(slash + 1) : named).split(':')
  const repository = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path
  const isNamed =
    registryShape.test(registry) &&
    repositoryShape.test(repository) &&
    registry.length + repository.length < maxNameLength
  if (!isNamed || tags.length > 0 || (tag !== undefined && !tagShape.test(tag))) throw unnamed(text)
  if (more.length > 0 || (digest !== undefined && !isSha256(digest))) {
    throw new DomainError('ERR_SETTINGS_INVALID', `\`${text}\` has no digest of the form sha256:<64 hex digits>`)
  }
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest !== undefined && isSha256(digest) ? { digest } : {}),
  }
}

function unnamed(text: string): DomainError {
  return new DomainError('ERR_SETTINGS_INVALID', `\`${text}\` is no name of an image`, {
    help: 'write registry/name@sha256:..., such as docker.io/library/python@sha256:...',
  })
}

/** In full, the registry too. */
export function imageText({ registry, repository, tag, digest }: ImageName & Readonly<{ digest?: Sha256 }>): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}
