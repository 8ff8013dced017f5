/** A timestamp authority on loopback: that of `@sigstore/mock`, behind the protocol of RFC 3161 over HTTP. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { initializeTSA } from '@sigstore/mock'
import { readDer } from '../../src/attestation/time/der.ts'

export type TestAuthority = Readonly<{
  /** What a policy lists. */
  certificate: string
  /** A response to a request, both DER. */
  answer(request: Uint8Array): Promise<Uint8Array>
}>

const sha256Oid = '2.16.840.1.101.3.4.2.1'
const policyOid = '1.3.6.1.4.1.57264.2'

/** @param at what its clock says; the real one when left out */
export async function testAuthority(at?: Date): Promise<TestAuthority> {
  const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const authority = await initializeTSA(keys, at)
  const certificate = new X509Certificate(Buffer.from(authority.intCertificate.buffer)).toString()
  const answer = async (request: Uint8Array): Promise<Uint8Array> => {
    const [, imprint, nonce] = readDer(readDer(request)[0]?.content ?? request)
    const [, digest] = readDer(imprint?.content ?? request)
    const response = await authority.timestamp({
      artifactHash: Buffer.from(digest?.content ?? request),
      hashAlgorithmOID: sha256Oid,
      nonce: Number(`0x${Buffer.from(nonce?.content ?? request).toString('hex')}`),
      policyOID: policyOid,
      certReq: true,
    })
    return Buffer.from(response.buffer, response.byteOffset, response.byteLength)
  }
  return { certificate, answer }
}

/** @returns its address; every request is answered with what `answer` says, a fault with status 500 */
export async function serveAuthority(context: TestContext, answer: TestAuthority['answer']): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const bytes = await answer(Buffer.concat(chunks)).catch(() => undefined)
      response.writeHead(bytes === undefined ? 500 : 200, { 'content-type': 'application/timestamp-reply' })
      response.end(bytes)
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo // it listens on TCP
  return `http://127.0.0.1:${port}/api/v1/timestamp`
}
