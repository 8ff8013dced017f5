/** Threats: data theft, supply chain. A stage with a list of hosts is let out to them and to nothing else, on record. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { type Document, runAssay, type Scratch, scratchEnvironment } from '../support/scratch.ts'

const client = `import json, os, socket, ssl, sys, urllib.error, urllib.request
plain, secure, out = sys.argv[1:]
done = {}
def tried(name, act):
    try:
        done[name] = act()
    except (OSError, ValueError) as fault:
        done[name] = type(fault).__name__
context = ssl._create_unverified_context()
def get(address):
    return urllib.request.urlopen(address, timeout=20, context=context if address.startswith('https') else None).read().decode()
def raw(text, host='127.0.0.1', port=3128):
    with socket.create_connection((host, port), timeout=5) as sock:
        sock.sendall(text.encode())
        return sock.recv(200).decode('latin1').split('\\r\\n')[0]
if os.environ.get('LATE'):
    get('http://localhost:' + plain + '/kill')
tried('plain', lambda: get('http://localhost:' + plain + '/data'))
tried('secure', lambda: get('https://localhost:' + secure + '/data'))
if os.environ.get('ATTACK'):
    tried('other', lambda: get('http://example.org/'))
    tried('metadata', lambda: get('http://169.254.169.254/latest/meta-data'))
    tried('redirect', lambda: get('http://localhost:' + plain + '/away'))
    tried('address', lambda: raw('CONNECT 127.0.0.1:' + secure + ' HTTP/1.1\\r\\n\\r\\n'))
    tried('port', lambda: raw('CONNECT localhost:22 HTTP/1.1\\r\\n\\r\\n'))
    tried('direct', lambda: raw('x', '203.0.113.9', 80))
    tried('fronting', lambda: urllib.request.urlopen(urllib.request.Request('http://localhost:' + plain + '/host', headers={'Host': 'evil.example'}), timeout=20).read().decode())
json.dump(done, open(out, 'w'))
`

type Sites = Readonly<{ plain: number; secure: number; asked: string[] }>

/** @param onKill called when a stage asks for `/kill` */
async function sites(context: TestContext, onKill: () => void = () => undefined): Promise<Sites> {
  const asked: string[] = []
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost']
  execFileSync('openssl', [...words, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const pem = { key: readFileSync(key), cert: readFileSync(cert) }
  const answer: Parameters<typeof createServer>[1] = (request, response) => {
    asked.push(`${request.headers.host} ${request.url}`)
    if (request.url === '/kill') onKill()
    if (request.url === '/away') response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    else response.end(`hello ${request.headers.host?.split(':')[0]}`)
  }
  const open = async (server: ReturnType<typeof createServer>): Promise<number> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    context.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return (server.address() as AddressInfo).port
  }
  return {
    plain: await open(createServer(answer)),
    secure: await open(createSecure(pem, answer)),
    asked,
  }
}

async function letOut(context: TestContext, { plain, secure }: Sites, env = ''): Promise<Scratch> {
  const project = await adopted(context, {
    'dvc.yaml': `stages:\n  fetch:\n    cmd: python3 src/client.py ${plain} ${secure} out/done.json\n    deps: [src/client.py]\n    outs: [out/done.json]\n`,
    'src/client.py': client,
    '.gitignore': '/out\n',
  })
  const network = `[localhost:${plain}, localhost:${secure}]`
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}stages: {fetch: {network: ${network}${env}}}\n` })
  project.commit()
  return project
}

async function run(project: Scratch, ...words: readonly string[]): Promise<Document> {
  const environment = { ...scratchEnvironment(project.keys), ASSAY_EGRESS_PERMIT: '127.0.0.0/8 ::1' }
  return JSON.parse((await runAssay(['run', '--json', ...words], project.root, environment)).stdout)
}

function predicateIn(project: Scratch, attestation: string): Document {
  const file = join(project.root, '.assay/attestations', `${attestation.replace('sha256:', '')}.sigstore.json`)
  const { dsseEnvelope } = JSON.parse(readFileSync(file, 'utf8'))
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()).predicate
}

function networkIn(project: Scratch, attestation: string): Document {
  const { byproducts } = predicateIn(project, attestation).runDetails
  return byproducts.find(({ name }: Document) => name === 'network').annotations
}

test('a stage reaches the hosts on its list, through a proxy that puts each connection into the evidence', async (context) => {
  const served = await sites(context)
  const project = await letOut(context, served)
  const { stages } = await run(project)
  assert.equal(stages[0].status, 'ran', JSON.stringify(stages[0]))
  assert.deepEqual(JSON.parse(project.read('out/done.json')), { plain: 'hello localhost', secure: 'hello localhost' })
  const network = networkIn(project, stages[0].attestation)
  assert.deepEqual(network.allowed, [`localhost:${served.plain}`, `localhost:${served.secure}`])
  assert.deepEqual(network.permitted, ['127.0.0.0/8', '::1'])
  assert.equal(network.deniedAttempts, 0)
  assert.deepEqual(
    network.connections.map(({ host, port }: Document) => `${host}:${port}`).sort(),
    [`localhost:${served.plain}`, `localhost:${served.secure}`].sort(),
  )
  assert.ok(network.connections.every(({ sentBytes, receivedBytes }: Document) => sentBytes > 0 && receivedBytes > 0))
  const { resources } = (await project.json(0, 'show', '--resources')).stages[0]
  const sum = (name: string): number => network.connections.reduce((all: number, each: Document) => all + each[name], 0)
  assert.deepEqual([resources.sentBytes, resources.receivedBytes], [sum('sentBytes'), sum('receivedBytes')])
  const shown = await project.assay('show', '--stage', 'fetch')
  assert.match(
    shown.stdout,
    /let out to +localhost[\s\S]*connection +localhost:\d+ \((127\.0\.0\.1|::1)\) .* sent, .* received/,
  )
})

test('elsewhere, an address, another port, a redirect to the metadata service, the door itself: refused, counted, named', async (context) => {
  const served = await sites(context)
  const project = await letOut(context, served, ', env: {ATTACK: "1"}')
  const { stages } = await run(project)
  assert.deepEqual([stages[0].status, stages[0].code], ['refused', 'ERR_STAGE_NETWORK_DENIED'])
  for (const name of ['example.org', '169.254.169.254', `127.0.0.1:${served.secure}`, 'localhost:22'])
    assert.ok(stages[0].because.includes(name), `${name} is named: ${stages[0].because}`)
  assert.ok(!served.asked.some((each) => each.includes('evil')), 'a host is called by its own name')
})

test('more bytes or connections than its limits, over the hosts on its list: ended, and no reason makes that harmless', async (context) => {
  const served = await sites(context)
  const project = await letOut(context, served, ', harmlessAttempts: "telemetry"')
  const settings = project.read('assay.yaml')
  const within = async (limits: string): Promise<Document> => {
    project.write({ 'assay.yaml': settings.replace('telemetry"', `telemetry", limits: ${limits}`) })
    return (await run(project, '--force')).stages[0]
  }
  for (const [limits, because] of [
    ['{connections: 1}', /its network limit: it connected more than 1 times/],
    ['{network: 1KiB}', /its network limit: it sent and received more than 1024 bytes/],
    ['{network: 1MiB, sent: 64B}', /its network limit: it sent more than 64 bytes/],
  ] as const) {
    const { code, because: told, attestation } = await within(limits)
    assert.deepEqual([code, attestation], ['ERR_STAGE_LIMIT', undefined])
    assert.match(told, because)
  }
  const honest = await within('{connections: 2, network: 1MiB, sent: 512KiB}')
  assert.equal(honest.status, 'ran', honest.because)
  const { limits } = predicateIn(project, honest.attestation).buildDefinition.internalParameters
  assert.deepEqual([limits.connections, limits.networkBytes, limits.sentBytes], [2, 1024 ** 2, 512 * 1024])
})

test('without the word of whoever runs it, a name on the list may not stand for this machine', async (context) => {
  const served = await sites(context)
  const project = await letOut(context, served)
  const { stages } = JSON.parse((await project.assay('run', '--json')).stdout)
  assert.equal(stages[0].code, 'ERR_STAGE_NETWORK_DENIED')
  assert.deepEqual(served.asked, [])
  const wrong = { ...scratchEnvironment(project.keys), ASSAY_EGRESS_PERMIT: 'everything' }
  const { stages: refused } = JSON.parse((await runAssay(['run', '--json'], project.root, wrong)).stdout)
  assert.match(refused[0].because, /ASSAY_EGRESS_PERMIT.*everything/)
})

test('a list that lets out to everything, or to an address, is no list', async (context) => {
  const project = await adopted(context, {
    'dvc.yaml': 'stages: {a: {cmd: "true > o", outs: [o]}}\n',
    '.gitignore': '/o\n',
  })
  const settings = project.read('assay.yaml')
  for (const host of [
    '"*"',
    '"*:443"',
    '10.0.0.1',
    '10.0.0.1:80',
    '"[::1]:80"',
    '0x7f000001',
    '"http://example.org"',
  ]) {
    project.write({ 'assay.yaml': `${settings}stages: {a: {network: [${host}]}}\n` })
    assert.equal((await project.json(2, 'run')).error.code, 'ERR_SETTINGS_INVALID', host)
  }
})

/** Ends the proxy of the run that works in this folder, as a machine that is short of memory may. */
function killProxy(root: string): void {
  const about = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1')
    } catch {
      return '' // it has ended meanwhile
    }
  }
  const proxies = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || !/\0proxy\0[^\0]*egress\0$/.test(about(pid, 'cmdline'))) return false
    const parent = /^PPid:\s+(\d+)/m.exec(about(pid, 'status'))?.[1]
    return parent !== undefined && readlinkSync(`/proc/${parent}/cwd`) === root
  })
  assert.equal(proxies.length, 1)
  process.kill(Number(proxies[0]), 'SIGKILL')
}

test('a stage whose proxy ended before it had told all is refused: nobody knows where it went', async (context) => {
  let root = ''
  const served = await sites(context, () => killProxy(root))
  const project = await letOut(context, served, ', env: {LATE: "1"}')
  root = project.root
  const { status, stages } = await run(project)
  assert.deepEqual([status, stages[0].status, stages[0].code], ['refused', 'refused', 'ERR_STAGE_NETWORK_UNKNOWN'])
  assert.equal(stages[0].attestation, undefined)
})
