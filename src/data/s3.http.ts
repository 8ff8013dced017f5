/**
 * Objects of an S3-compatible store, as files: `s3://bucket/key`, or every object below `s3://bucket/prefix/`.
 *
 * Requests are signed (AWS Signature Version 4) by `aws4fetch`. Where there is an endpoint of the caller's own, buckets
 * are named in the path. Trust: the store is hostile; names become project paths and are refused when they are not plain.
 * SOURCE: Amazon S3 API reference, ListObjectsV2.
 */
import { parseXml, type XmlElement } from '@rgrove/parse-xml'
import { AwsClient } from 'aws4fetch'
import { DomainError, isDomainError, parseProjectPath } from '../core/index.ts'
import { type HttpAnswer, type HttpClient, PassingFault } from './http-client.http.ts'

export type S3Settings = Readonly<{
  /** `https://host[:port]` of the store; AWS's own when left out. */
  endpoint?: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}>

export type S3Object = Readonly<{
  /** Path below the folder; the last part of the key for a single object. */
  path: string
  url: string
  sizeBytes: number
  etag: string
}>

type Headers = Readonly<Record<string, string>>

/** LIMIT: 1,000,000 objects a folder, 16 MiB a page of the list. */
const maxObjects = 1_000_000
const maxPageBytes = 16 * 1024 * 1024

type Variables = Readonly<Record<string, string | undefined>>

/**
 * The caller's settings, from the variables that AWS's own tools read.
 *
 * @throws ERR_DATA_FETCH when there are no credentials
 */
export function s3SettingsOf(caller: Variables): S3Settings {
  const accessKeyId = caller['AWS_ACCESS_KEY_ID'] ?? ''
  const secretAccessKey = caller['AWS_SECRET_ACCESS_KEY'] ?? ''
  if (accessKeyId === '' || secretAccessKey === '') {
    throw new DomainError('ERR_DATA_FETCH', 'there are no credentials for S3', {
      help: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_ENDPOINT_URL for a store that is not AWS)',
    })
  }
  const endpoint = caller['AWS_ENDPOINT_URL_S3'] ?? caller['AWS_ENDPOINT_URL']
  const sessionToken = caller['AWS_SESSION_TOKEN']
  return {
    accessKeyId,
    secretAccessKey,
    region: caller['AWS_REGION'] ?? caller['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    ...(endpoint === undefined || endpoint === '' ? {} : { endpoint: endpoint.replace(/\/+$/, '') }),
    ...(sessionToken === undefined || sessionToken === '' ? {} : { sessionToken }),
  }
}

/** `s3://bucket/key` in its two parts. @throws ERR_DATA_FETCH */
export function parseS3Address(address: string): Readonly<{ bucket: string; key: string }> {
  const [, bucket, key = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(address) ?? []
  if (bucket === undefined) {
    throw new DomainError('ERR_DATA_FETCH', `\`${address.slice(0, 200)}\` is not the address of an S3 object`, {
      help: 'write s3://bucket/key, or s3://bucket/prefix/ for all objects below it',
    })
  }
  return { bucket, key }
}

export type S3Method = 'HEAD' | 'GET' | 'PUT' | 'POST' | 'DELETE'

/** Signs one request of `url`, a GET when nothing else is said: the headers to send. */
export function s3Signer(settings: S3Settings): (url: string, headers: Headers, method?: S3Method) => Promise<Headers> {
  const { accessKeyId, secretAccessKey, sessionToken, region } = settings
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    region,
    service: 's3',
    retries: 0,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  })
  return async (url, headers, method = 'GET') => {
    const signed = await client.sign(url, { method, headers: { ...headers } })
    return Object.fromEntries([...signed.headers].filter(([name]) => name !== 'host'))
  }
}

/** Address of one object. Keys are percent-encoded but for `/`. */
export function s3Url({ endpoint, region }: S3Settings, bucket: string, key: string): string {
  const path = key.split('/').map(encodePart).join('/')
  return endpoint === undefined
    ? `https://${bucket}.s3.${region}.amazonaws.com/${path}`
    : `${endpoint}/${bucket}/${path}`
}

/** As SigV4 wants it: everything but A-Z a-z 0-9 - . _ ~. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

/**
 * All objects below a prefix, by path. Objects whose name ends in `/` (folders of some tools) are left out.
 *
 * @throws ERR_DATA_FETCH, ERR_PATH_UNSAFE
 */
export async function listS3(client: HttpClient, settings: S3Settings, address: string): Promise<readonly S3Object[]> {
  const { bucket, key: prefix } = parseS3Address(address)
  const sign = s3Signer(settings)
  const objects: S3Object[] = []
  let token: string | undefined
  do {
    const url = new URL(s3Url(settings, bucket, ''))
    url.searchParams.set('list-type', '2')
    url.searchParams.set('prefix', prefix)
    if (token !== undefined) url.searchParams.set('continuation-token', token)
    const page = await client.retried(address, async () => {
      const answer = await client.get(url.href, await sign(url.href, {}))
      return parsePage(await textOf(answer))
    })
    for (const { key, sizeBytes, etag } of page.objects) {
      if (key.endsWith('/')) continue
      const path = plainPath(key.slice(prefix.length), key)
      objects.push({ path, url: s3Url(settings, bucket, key), sizeBytes, etag })
    }
    if (objects.length > maxObjects) {
      throw new DomainError('ERR_DATA_FETCH', `\`${address}\` has more than ${maxObjects} objects`)
    }
    if (page.next !== undefined && page.next === token) {
      throw new DomainError('ERR_DATA_FETCH', `the list of \`${address}\` does not end`)
    }
    token = page.next
  } while (token !== undefined)
  return objects
}

/** THREAT: a key such as `../../.git/hooks/x` that becomes a path. */
function plainPath(relative: string, key: string): string {
  try {
    if (parseProjectPath(relative) === relative && relative !== '.') return relative
  } catch (error) {
    if (!isDomainError(error)) throw error
  }
  throw new DomainError('ERR_PATH_UNSAFE', `the object \`${key.slice(0, 200)}\` has no plain name below the folder`)
}

async function textOf({ status, body, discard }: HttpAnswer): Promise<string> {
  if (status !== 200) {
    await discard()
    if (status === 429 || status >= 500) throw new PassingFault(`status ${status}`)
    const help = status === 403 ? { help: 'look at the credentials and the region (AWS_REGION)' } : {}
    throw new DomainError('ERR_DATA_FETCH', `the store answers with status ${status}`, help)
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxPageBytes) throw new DomainError('ERR_DATA_FETCH', 'the list of the store is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

type Page = Readonly<{
  objects: readonly Readonly<{ key: string; sizeBytes: number; etag: string }>[]
  next: string | undefined
}>

function parsePage(text: string): Page {
  const root = rootOf(text)
  const objects = childrenOf(root, 'Contents').map((entry) => ({
    key: textIn(entry, 'Key') ?? '',
    sizeBytes: Number(textIn(entry, 'Size')),
    etag: textIn(entry, 'ETag') ?? '',
  }))
  const isCut = textIn(root, 'IsTruncated') === 'true'
  const next = textIn(root, 'NextContinuationToken')
  if (isCut && next === undefined) throw new DomainError('ERR_DATA_FETCH', 'the list of the store breaks off')
  return { objects, next: isCut ? next : undefined }
}

function rootOf(text: string): XmlElement {
  try {
    const { root } = parseXml(text)
    if (root?.name === 'ListBucketResult') return root
  } catch (cause) {
    throw new DomainError('ERR_DATA_FETCH', 'the list of the store is not XML', { cause })
  }
  throw new DomainError('ERR_DATA_FETCH', 'the store does not answer with a list')
}

function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter(
    (child): child is XmlElement => child.type === 'element' && 'name' in child && child.name === name,
  )
}

function textIn(element: XmlElement, name: string): string | undefined {
  return childrenOf(element, name)[0]?.text
}
