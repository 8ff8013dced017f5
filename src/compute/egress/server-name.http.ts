/**
 * The name that a TLS client asks for (SNI), read by OpenSSL from the first bytes of its stream; nothing is answered.
 *
 * SOURCE: RFC 6066, section 3.
 */
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

export type ServerNameReader = Readonly<{
  /** More of what the client sent. */
  push(chunk: Buffer): void
  /** The name in lower case; undefined when it is no TLS, or asks for no name. */
  name: Promise<string | undefined>
}>

export function readServerName(): ServerNameReader {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const stream = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => done(), // an alert, which nobody is sent
  })
  const socket = new TLSSocket(stream, {
    isServer: true,
    SNICallback: (name, done) => {
      resolve(name.toLowerCase())
      done(new Error('only the name was wanted'))
    },
  })
  const end = (): void => {
    resolve(undefined)
    stream.destroy()
  }
  socket.on('error', end).on('close', end)
  stream.on('error', end)
  void promise.then(() => socket.destroy())
  return {
    push: (chunk) => {
      if (!stream.destroyed) stream.push(chunk)
    },
    name: promise,
  }
}
