import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import { mayConnectTo, parseSubnets } from './addresses.http.ts'
import { isAllowed, parseAllowedHost, parseDestination } from './destination.ts'
import { egressLimitsOf } from './limits.ts'
import { openProxy, type ProxyOptions } from './proxy.http.ts'
import { type EgressEvent, eventIn } from './record.ts'

test('names are hosts, addresses in any spelling are not', () => {
  for (const text of ['example.org:443', 'EXAMPLE.org.:443', 'a_b.c-d.example:1', 'localhost:65535'])
    assert.ok(parseDestination(text), text)
  const none = [
    '1.2.3.4:80',
    '0x7f000001:80',
    '2130706433:80',
    '0177.0.0.1:80',
    '1.2.3.0x4:80',
    '[::1]:80',
    '::1',
    'a b:80',
  ]
  for (const text of [
    ...none,
    '',
    ':443',
    'example.org',
    'example.org:0',
    'example.org:65536',
    'a..b:1',
    '-a.b:1',
    'a@b:1',
    'a/b:1',
  ])
    assert.equal(parseDestination(text), undefined, text)
})

test('a list lets out to the very host and port; `*.` to what lies below it', () => {
  const list = ['data.example.org', 'hub.example.org:8443', '*.cdn.example.org'].map((text) => parseAllowedHost(text))
  const allows = (text: string): boolean =>
    isAllowed(
      parseDestination(text) ?? { host: '', port: 0 },
      list.filter((each) => each !== undefined),
    )
  for (const text of [
    'data.example.org:443',
    'Data.Example.Org.:443',
    'hub.example.org:8443',
    'a.b.cdn.example.org:443',
  ])
    assert.ok(allows(text), text)
  const others = ['data.example.org:80', 'hub.example.org:443', 'cdn.example.org:443', 'xcdn.example.org:443']
  for (const text of [...others, 'data.example.org.evil.net:443', 'evil-data.example.org:443'])
    assert.ok(!allows(text), text)
  for (const text of ['*', '*.*', '**.org', '10.0.0.1', 'a.*.org'])
    assert.equal(parseAllowedHost(text), undefined, text)
})

test('no address of this machine, a private network or a cloud is connected to, however it is written', () => {
  const none = parseSubnets([])
  const special = [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
  ]
  const six = [
    '::1',
    '::',
    'fe80::1',
    'fd00:ec2::254',
    'ff02::1',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
  ]
  for (const address of [...special, ...six, 'nonsense', '']) assert.ok(!mayConnectTo(address, none), address)
  for (const address of ['93.184.216.34', '2606:2800:220:1::1', '::ffff:93.184.216.34'])
    assert.ok(mayConnectTo(address, none), address)
  assert.ok(mayConnectTo('10.1.2.3', parseSubnets(['10.1.0.0/16'])))
  assert.ok(!mayConnectTo('10.2.2.3', parseSubnets(['10.1.0.0/16'])))
  for (const text of ['10.0.0.0/33', '10.0.0/8', 'example.org', '10.0.0.0/', '::/129'])
    assert.throws(() => parseSubnets([text]), text)
})

test('property: an IPv4 address is judged alike alone and inside IPv6', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      assert.equal(mayConnectTo(`::ffff:${address}`, parseSubnets([])), mayConnectTo(address, parseSubnets([])))
    }),
  )
})

type Opened = Readonly<{ port: number; events: EgressEvent[] }>

async function proxyFor(
  context: TestContext,
  given: Partial<ProxyOptions> & Readonly<{ list: readonly string[] }>,
): Promise<Opened> {
  const events: EgressEvent[] = []
  const { server } = openProxy({
    allowed: given.list.map(parseAllowedHost).filter((each) => each !== undefined),
    permitted: parseSubnets(['127.0.0.1']),
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    onEvent: (event) => void events.push(event),
    now: () => new Date(0),
    limits: egressLimitsOf({}),
    ...given,
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, events }
}

/** What a client that says this is told; it says nothing more. */
function say(port: number, text: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let told = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => (told += chunk.toString('latin1')))
    socket.on('close', () => resolve(told)).on('error', () => resolve(told))
    setTimeout(() => socket.end(), 300).unref()
  })
}

async function site(context: TestContext): Promise<number> {
  const server = createHttp((asked, answer) => {
    if (asked.url === '/away') answer.writeHead(302, { location: 'http://169.254.169.254/latest' }).end()
    else
      answer.end(
        `${asked.headers.host} ${asked.url} ${asked.headers['proxy-authorization'] ?? 'none'} ${'x'.repeat(4096)}`,
      )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  return (server.address() as AddressInfo).port
}

const because = ({ events }: Opened): readonly string[] =>
  events.flatMap((each) => (each.kind === 'refused' ? [each.because] : []))

test('plain HTTP: forwarded to a listed host with its own name, counted; elsewhere refused', async (context) => {
  const port = await site(context)
  const proxy = await proxyFor(context, { list: [`site.example:${port}`] })
  const get = (address: string): Promise<string> =>
    say(
      proxy.port,
      `GET ${address} HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: Basic eDp5\r\nConnection: close\r\n\r\n`,
    )
  assert.match(
    await get(`http://site.example:${port}/a?b`),
    new RegExp(`200 OK[\\s\\S]*site\\.example:${port} /a\\?b none xxx`),
  )
  assert.match(await get(`http://site.example:${port}/away`), /302 Found/)
  assert.match(await get('http://169.254.169.254/latest'), /403 Forbidden/)
  assert.match(await get('http://other.example/'), /403[\s\S]*not on the list/)
  assert.match(await get('/etc/passwd'), /403/)
  assert.match(await get('ftp://site.example/'), /403/)
  const made = proxy.events.filter(({ kind }) => kind === 'connection')
  assert.equal(made.length, 2)
  assert.ok(
    made[0]?.kind === 'connection' &&
      made[0].receivedBytes > 4096 &&
      made[0].sentBytes > 30 &&
      made[0].address === '127.0.0.1',
  )
  assert.equal(because(proxy).length, 4)
})

test('a name that stands for a private address is refused, asked once, and not asked again (rebinding)', async (context) => {
  const port = await site(context)
  let asked = 0
  const proxy = await proxyFor(context, {
    list: [`rebind.example:${port}`],
    resolve: async () => {
      asked += 1
      return [{ address: asked === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]
    },
  })
  const address = `http://rebind.example:${port}/`
  for (const _ of [1, 2]) assert.match(await say(proxy.port, `GET ${address} HTTP/1.0\r\n\r\n`), /200 OK/)
  assert.equal(asked, 1)
  const closed = await proxyFor(context, { list: [`rebind.example:${port}`], permitted: parseSubnets([]) })
  assert.match(await say(closed.port, `GET ${address} HTTP/1.0\r\n\r\n`), /403/)
  assert.deepEqual(because(closed), ['its name stands for an address of a private network'])
})

test('a tunnel is TLS for the name that it was asked for, or nothing', async (context) => {
  const heard: Buffer[] = []
  const server = createServer((socket) => socket.on('data', (chunk) => heard.push(chunk)).on('error', () => undefined))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const proxy = await proxyFor(context, { list: [`safe.example:${port}`] })
  const tunnel = (name: string | undefined): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(proxy.port, '127.0.0.1', () =>
        socket.write(`CONNECT safe.example:${port} HTTP/1.1\r\n\r\n`),
      )
      socket.once('data', () => {
        const secure = connectTls({
          socket,
          ...(name === undefined ? {} : { servername: name }),
          rejectUnauthorized: false,
        })
        secure.on('error', () => resolve())
        setTimeout(() => resolve(void secure.destroy()), 300)
      })
      socket.on('close', () => resolve())
    })
  await tunnel('SAFE.example')
  assert.ok(heard.length > 0, 'the honest twin: what the client said arrives, from its first byte')
  assert.equal(heard[0]?.[0], 0x16)
  heard.length = 0
  await tunnel('other.example')
  await tunnel(undefined)
  await say(proxy.port, `CONNECT safe.example:${port} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: safe.example\r\n\r\n`)
  await say(
    proxy.port,
    Buffer.concat([Buffer.from(`CONNECT safe.example:${port} HTTP/1.1\r\n\r\n`), Buffer.alloc(80_000, 0x16)]),
  )
  for (const target of ['127.0.0.1:80', 'safe.example', `other.example:${port}`, '', `safe.example:${port}:1`])
    assert.match(await say(proxy.port, `CONNECT ${target} HTTP/1.1\r\n\r\n`), /^$|40[03]/, target)
  assert.equal(heard.length, 0, 'nothing of all this went out')
  assert.ok(because(proxy).includes('TLS asked for another server name'))
  assert.ok(because(proxy).includes('it did not speak TLS with a server name'))
})

test('what goes out and comes in has a limit', async (context) => {
  const port = await site(context)
  const proxy = await proxyFor(context, {
    list: [`site.example:${port}`],
    limits: { sentBytes: 10_000, receivedBytes: 10_000 },
  })
  const get = (of: Opened): Promise<string> => say(of.port, `GET http://site.example:${port}/ HTTP/1.0\r\n\r\n`)
  for (const _ of [1, 2, 3]) await get(proxy)
  const limitsOf = ({ events }: Opened): readonly unknown[] =>
    events.flatMap((each) => (each.kind === 'limit' ? [each.because] : []))
  assert.deepEqual(limitsOf(proxy), ['it received more than 10000 bytes'], 'told once')
  assert.deepEqual(because(proxy), [], 'it is no attempt to go elsewhere, which may be declared harmless')
  const list = [`site.example:${port}`]
  const both = await proxyFor(context, { list, limits: egressLimitsOf({ networkBytes: 500 }) })
  await get(both)
  assert.deepEqual(limitsOf(both), ['it sent and received more than 500 bytes'])
  const wide = { networkBytes: 1024 ** 2, sentBytes: 1000 }
  const sending = await proxyFor(context, { list, limits: egressLimitsOf(wide) })
  await get(sending)
  assert.deepEqual(limitsOf(sending), [], 'the honest twin')
  await say(sending.port, `GET http://site.example:${port}/ HTTP/1.0\r\nX-Data: ${'x'.repeat(1000)}\r\n\r\n`)
  assert.deepEqual(limitsOf(sending), ['it sent more than 1000 bytes'])
  const often = await proxyFor(context, { list, limits: egressLimitsOf({ connections: 2 }) })
  const answers = [await get(often), await get(often), await get(often)]
  assert.deepEqual(
    answers.map((each) => each.split('\r\n')[0]?.slice(0, 12)),
    ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 403'],
  )
  assert.deepEqual(limitsOf(often), ['it connected more than 2 times'])
})

test('a limit that is wide for a download lets no more out than the usual one, unless it is said', () => {
  const gib = 1024 ** 3
  const sentBy = (limits: Parameters<typeof egressLimitsOf>[0]) => egressLimitsOf(limits).sentBytes
  assert.equal(sentBy({ networkBytes: 100 * gib }), gib)
  assert.equal(egressLimitsOf({ networkBytes: 100 * gib }).receivedBytes, 100 * gib)
  assert.equal(sentBy({ networkBytes: 100 * gib, sentBytes: 20 * gib }), 20 * gib)
  assert.equal(sentBy({ networkBytes: 500 }), 500)
  assert.equal(sentBy({ sentBytes: 20 * gib }), 20 * gib)
  assert.equal(sentBy({}), gib)
})

test('a listed host that does not answer is a failed connection, not an attempt to go elsewhere', async (context) => {
  const proxy = await proxyFor(context, { list: ['gone.example:9'] })
  assert.match(await say(proxy.port, 'GET http://gone.example:9/ HTTP/1.0\r\n\r\n'), /502[\s\S]*ECONNREFUSED/)
  assert.deepEqual(
    proxy.events.map((each) => each.kind === 'connection' && each.failed),
    ['ECONNREFUSED'],
  )
})

test('a look-up that failed is tried again; a refused name stays refused', async (context) => {
  const port = await site(context)
  let asked = 0
  const proxy = await proxyFor(context, {
    list: [`site.example:${port}`],
    resolve: async () => {
      asked += 1
      if (asked === 1) throw Object.assign(new Error('try again'), { code: 'EAI_AGAIN' })
      return [{ address: '127.0.0.1', family: 4 }]
    },
  })
  const get = `GET http://site.example:${port}/ HTTP/1.0\r\n\r\n`
  assert.match(await say(proxy.port, get), /502[\s\S]*EAI_AGAIN/)
  assert.match(await say(proxy.port, get), /200 OK/)
  assert.equal(asked, 2)
  let found = 0
  const inside = await proxyFor(context, {
    list: [`site.example:${port}`],
    permitted: parseSubnets([]),
    resolve: async () => {
      found += 1
      return [{ address: found === 1 ? '10.0.0.1' : '127.0.0.1', family: 4 }]
    },
  })
  for (const _ of [1, 2]) assert.match(await say(inside.port, get), /403/)
  assert.equal(found, 1)
})

test('a line that the proxy did not live to end says nothing', () => {
  assert.equal(eventIn('{"kind":"connection","ho'), undefined)
  assert.deepEqual(eventIn('{"kind":"ready"}'), { kind: 'ready' })
})

test('a proxy that is closed has told every connection, also one that was still open', async (context) => {
  const silent = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  context.after(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const events: EgressEvent[] = []
  const { server, close } = openProxy({
    allowed: [`site.example:${port}`].map(parseAllowedHost).filter((each) => each !== undefined),
    permitted: parseSubnets(['127.0.0.1']),
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    onEvent: (event) => void events.push(event),
    now: () => new Date(0),
    limits: egressLimitsOf({}),
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const [reached, socket] = [once(silent, 'connection'), connect((server.address() as AddressInfo).port, '127.0.0.1')]
  socket.on('error', () => undefined).write(`GET http://site.example:${port}/slow HTTP/1.1\r\nHost: x\r\n\r\n`)
  await reached
  await close()
  assert.deepEqual(
    events.map((each) => each.kind === 'connection' && each.host),
    ['site.example'],
  )
})

test('an answer that the host cut is cut for the stage too; one that it ended is ended', async (context) => {
  const server = createHttp((asked, answer) => {
    answer.write('the first half')
    if (asked.url === '/cut') setTimeout(() => asked.socket.destroy(), 50)
    else answer.end(', and the second')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const proxy = await proxyFor(context, { list: [`site.example:${port}`] })
  const get = (path: string): Promise<string> =>
    say(proxy.port, `GET http://site.example:${port}${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  const lastChunk = '\r\n0\r\n\r\n'
  const cut = await get('/cut')
  assert.match(cut, /the first half/)
  assert.ok(!cut.endsWith(lastChunk) && !cut.includes('assay:'), cut)
  assert.ok((await get('/whole')).endsWith(`, and the second${lastChunk}`), 'the honest twin')
})
