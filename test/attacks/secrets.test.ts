/** Threat: credential theft. A stage gets the secrets that its user granted to it, and they come out nowhere. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { adopted } from '../support/adopted.ts'
import { type Document, runAssay, type Scratch, scratchEnvironment } from '../support/scratch.ts'

const token = 'tok-Zq7w1n+/9xPfe21Aa0'

/** Stages by name; each has one out, `out/<name>`. */
async function withSecret(context: TestContext, stages: Readonly<Record<string, string>>, more = ''): Promise<Scratch> {
  const lines = Object.entries(stages).map(
    ([name]) => `  ${name}: {cmd: sh src/${name}.sh, deps: [src/${name}.sh], outs: [out/${name}]}\n`,
  )
  const files = Object.entries(stages).map(([name, code]) => [`src/${name}.sh`, `${code}\n`])
  const project = await adopted(context, {
    ...Object.fromEntries(files),
    'dvc.yaml': `stages:\n${lines.join('')}`,
    '.gitignore': '/out\n',
  })
  const settings = Object.keys(stages).map((name) => `  ${name}: {secrets: [label]${more}}\n`)
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}stages:\n${settings.join('')}` })
  project.commit()
  const file = join(project.keys, 'label.token')
  writeFileSync(file, `${token}\n`, { mode: 0o600 })
  for (const name of Object.keys(stages))
    await project.json(0, 'secret', 'grant', 'label', '--file', file, '--stage', name)
  return project
}

async function outcomes(project: Scratch, environment = {}): Promise<Readonly<Record<string, Document>>> {
  const ran = await runAssay(['run', '--json', '--keep-going'], project.root, {
    ...scratchEnvironment(project.keys),
    ...environment,
  })
  return Object.fromEntries(JSON.parse(ran.stdout).stages.map((stage: Document) => [stage.name, stage]))
}

/** Whether a text stands anywhere in the project, its state and its store. */
function isOnDisk(project: Scratch, text: string): string {
  const { root } = project
  return spawnSync('grep', ['-r', '-l', '-a', '-F', text, '.'], { cwd: root, encoding: 'utf8' }).stdout
}

const use = 'cat /run/secrets/label | sha256sum | cut -c1-8'

test('a stage reads what it was granted, in memory and alone; evidence has the name and nothing else', async (context) => {
  const project = await withSecret(context, {
    honest: `${use} > out/honest; stat -f -c %T /run/secrets/label >> out/honest; stat -c %a /run/secrets/label >> out/honest; ls /run/secrets >> out/honest; (echo x > /run/secrets/label) 2>/dev/null || echo held >> out/honest`,
  })
  const { honest } = await outcomes(project)
  assert.equal(honest.status, 'ran', JSON.stringify(honest))
  const digest = execFileSync('sh', ['-c', `printf '%s\\n' '${token}' | sha256sum | cut -c1-8`], {
    encoding: 'utf8',
  }).trim()
  assert.deepEqual(project.read('out/honest').split('\n').slice(0, -1), [digest, 'tmpfs', '400', 'label', 'held'])
  assert.match((await project.assay('show', '--stage', 'honest')).stdout, /secrets +label/)
  for (const text of [token, Buffer.from(token).toString('base64')]) assert.equal(isOnDisk(project, text), '')
})

test('printed or written, plain or encoded: refused, and kept nowhere', async (context) => {
  const read = 's=$(cat /run/secrets/label)'
  const project = await withSecret(context, {
    plain: `${read}; echo "token is $s"; echo ok > out/plain`,
    base64: `${read}; printf %s "auth:$s" | base64 -w0; echo ok > out/base64`,
    slowly: `${read}; for c in $(echo "$s" | sed 's/./& /g'); do printf %s "$c"; sleep 0.02; done; echo ok > out/slowly`,
    written: `${read}; (head -c 3000000 /dev/zero; printf %s "$s" | xxd -p -c 200; head -c 100 /dev/zero) > out/written`,
    folder: `${read}; mkdir -p out/folder/a; echo "$s" > out/folder/a/model.bin`,
    named: `${read}; mkdir -p out/named/a; echo ok > out/named/a/$(printf %s "$s" | xxd -p)`,
    other: 'echo AKIA$(echo IOSFODNN7)EXAMPLE > out/other',
    another: 'echo "id AKIA$(echo IOSFODNN7)EXAMPLE"; echo ok > out/another',
  })
  const found = await outcomes(project)
  for (const name of ['plain', 'base64', 'slowly', 'written', 'folder', 'named', 'other', 'another'])
    assert.deepEqual(
      [name, found[name]?.status, found[name]?.code],
      [name, 'refused', 'ERR_SECRET_LEAKED'],
      JSON.stringify(found[name]),
    )
  assert.match(found['plain'].because, /printed the secret label/)
  assert.match(found['written'].because, /out\/written.*holds the secret label/)
  assert.match(found['named'].because, /out\/named.*has a name in it that holds the secret label/)
  assert.match(found['other'].because, /an AWS access key/)
  const log = await project.assay('logs', '--stage', 'plain')
  assert.match(log.stdout + log.stderr, /token is \[secret label\]/)
  assert.match((await project.assay('logs', '--stage', 'another')).stdout, /id \[an AWS access key\]/)
  const hex = Buffer.from(token).toString('hex')
  for (const text of [token, hex, 'AKIAIOSFODNN7EXAMPLE']) assert.equal(isOnDisk(project, text), '')
})

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJ'
const gitHub = `ghp_${letters}`
const made = letters.split('').toReversed().join('')
const pem = (name: string): string =>
  `-----BEGIN ${name}-----\n${'MIIEvQIBADANBgkqhkiG9w0B\n'.repeat(8)}-----END ${name}-----\n`

/** Stages without secrets, by name: each copies its file to its out, but for `loud`, which prints it. */
async function withoutSecrets(context: TestContext, files: Readonly<Record<string, string>>): Promise<Scratch> {
  const lines = Object.keys(files).map((name) => {
    const copy =
      {
        loud: 'cat src/loud && echo ok > out/loud',
        made: '(printf ghp_; cat src/made) > out/made',
      }[name] ?? `cp src/${name} out/${name}`
    const kind = name === 'metrics' ? 'metrics: [out/metrics: {cache: false}]' : `outs: [out/${name}]`
    return `  ${name}: {cmd: "${copy}", deps: [src/${name}], ${kind}}\n`
  })
  return await adopted(context, {
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`src/${name}`, text])),
    'dvc.yaml': `stages:\n${lines.join('')}`,
    '.gitignore': '/out\n',
  })
}

test('a stage that was given no secret is searched too: models, metrics, logs; what opens nothing is no credential', async (context) => {
  const project = await withoutSecrets(context, {
    key: pem('RSA PRIVATE KEY'),
    weights: `${'\0weights\0'.repeat(200_000)}${gitHub}${'\0'.repeat(300_000)}`,
    metrics: JSON.stringify({ accuracy: 0.9, note: `run by ${gitHub}` }),
    loud: `logging in with ${gitHub}\n`,
    made,
    certificate: pem('CERTIFICATE'),
    notebook: JSON.stringify({ cells: [{ source: ['token = "hf_your_token"\n', '!export AWS=AKIA...\n'] }] }),
  })
  const found = await outcomes(project)
  for (const name of ['key', 'weights', 'metrics', 'loud', 'made'])
    assert.deepEqual([name, found[name]?.status, found[name]?.code], [name, 'refused', 'ERR_SECRET_LEAKED'])
  for (const name of ['certificate', 'notebook']) assert.deepEqual([name, found[name]?.status], [name, 'ran'])
  assert.match(found['key'].because, /out\/key.*holds a private key/)
  assert.match((await project.assay('logs', '--stage', 'loud')).stdout, /logging in with \[a GitHub token\]/)
  assert.equal(isOnDisk(project, `ghp_${made}`), '', 'it is kept nowhere')
})

test('what opens nothing is declared harmless by its fingerprint or its out: told in evidence and level, and taken back', async (context) => {
  const project = await withoutSecrets(context, {
    key: pem('PRIVATE KEY'),
    corpus: `${gitHub}\n${pem('EC PRIVATE KEY')}`,
  })
  const refused = await outcomes(project)
  const settings = refused['key'].help.split('say: ').at(-1)
  const line = /stages: (\{key: .*\})$/m.exec(refused['key'].help)?.[1] ?? settings
  const declared = line.replace('WHY', 'the key of a test server')
  const before = project.read('assay.yaml')
  const declare = (text: string): void => {
    project.write({ 'assay.yaml': `${before}${text}` })
    project.commit()
  }
  declare(`stages: ${declared.slice(0, -1)}, corpus: {harmlessCredentials: {out/corpus: texts about keys}}}\n`)
  const { key, corpus } = await outcomes(project)
  assert.deepEqual([key.status, corpus.status], ['ran', 'ran'], JSON.stringify([key, corpus]))
  const shown = (await project.assay('show', '--stage', 'key')).stdout
  assert.match(shown, /a private key in out\/key: the key of a test server/)
  assert.match(
    (await project.assay('show', '--stage', 'corpus')).stdout,
    /a GitHub token, a private key in out\/corpus: texts about keys/,
  )
  const { requirements, findings } = await project.json(0, 'verify')
  const row = requirements.find(({ requirement }: Document) => requirement === 'no credentials')
  assert.deepEqual([row.level, row.held], [3, false])
  assert.match(row.because, /declared harmless/)
  assert.ok(findings.some(({ check }: Document) => check === 'credentials'))

  declare('')
  assert.deepEqual(
    (await outcomes(project))['key'].code,
    'ERR_SECRET_LEAKED',
    'without its declaration it is refused again',
  )
  declare('stages: {key: {harmlessCredentials: {out/other: none}}}\n')
  const misspelt = await project.json(2, 'run')
  assert.equal(misspelt.error.code, 'ERR_SETTINGS_INVALID')
})

test('nobody gets a secret by asking: another stage, another checkout, a list of any host, a run without a sandbox', async (context) => {
  const project = await withSecret(context, { mine: `${use} > out/mine` })
  const stages = 'stages:\n  mine: {secrets: [label]}\n  thief: {secrets: [label]}\n'
  project.write({
    'dvc.yaml': `${project.read('dvc.yaml')}  thief: {cmd: "cat /run/secrets/label > out/thief", outs: [out/thief]}\n`,
    'assay.yaml': project.read('assay.yaml').replace(/stages:[\s\S]*/, stages),
  })
  project.commit()
  const { mine, thief } = await outcomes(project)
  assert.equal(mine.status, 'ran')
  assert.deepEqual([thief.status, thief.code], ['refused', 'ERR_SECRET_NOT_GRANTED'])
  assert.match(thief.help, /assay secret grant label --stage thief/)

  const copy = join(project.root, '../copy')
  cpSync(project.root, copy, { recursive: true })
  const elsewhere = await runAssay(['secret', 'list', '--json'], copy, scratchEnvironment(project.keys))
  assert.equal(JSON.parse(elsewhere.stdout).error.code, 'ERR_KEY_CHECKOUT')

  const open = await withSecret(context, { wide: `${use} > out/wide` }, ', network: ["*.example.org"]')
  assert.equal((await outcomes(open))['wide'].code, 'ERR_SECRET_NOT_GRANTED')
  const unsafe = await withSecret(context, { bare: `${use} > out/bare` })
  const { stages: bare } = JSON.parse((await unsafe.assay('run', '--json', '--unsafe-no-sandbox')).stdout)
  assert.equal(bare[0].code, 'ERR_SECRET_NOT_GRANTED')
})

test('a secret that is not there, empty, exposed or taken back stops the stage; a credential in a variable too', async (context) => {
  const project = await withSecret(context, { mine: `${use} > out/mine` })
  const file = join(project.keys, 'label.token')
  const code = async (): Promise<string> => (await outcomes(project))['mine'].code
  chmodSync(file, 0o644)
  assert.equal(await code(), 'ERR_SECRET_UNAVAILABLE')
  chmodSync(file, 0o600)
  writeFileSync(file, '\n')
  assert.equal(await code(), 'ERR_SECRET_UNAVAILABLE')
  await project.json(0, 'secret', 'grant', 'label', '--env', 'LABEL_TOKEN', '--stage', 'mine')
  assert.equal(await code(), 'ERR_SECRET_UNAVAILABLE')
  assert.equal(
    (await outcomes(project, { LABEL_TOKEN: token }))['mine'].status,
    'ran',
    'the honest twin: from a variable',
  )
  assert.deepEqual((await project.json(0, 'secret', 'list')).secrets, [
    { name: 'label', origin: 'variable LABEL_TOKEN', stages: ['mine'] },
  ])
  await project.json(0, 'secret', 'take', 'label')
  assert.equal((await project.json(1, 'secret', 'take', 'label')).error.code, 'ERR_SECRET_NOT_GRANTED')
  project.write({
    'src/mine.sh': 'true > out/mine\n',
    'assay.yaml': project.read('assay.yaml').replace('secrets: [label]', 'env: [HUB]'),
  })
  project.commit()
  const given = await outcomes(project, { HUB: `hf_${'abcdefghijklmnopqrstuvwxyzABCDEFGH'}` })
  assert.deepEqual([given['mine'].status, given['mine'].code], ['refused', 'ERR_SECRET_LEAKED'])
})

test('HashiCorp Vault, by its documented API: both engines, a wrong token, nonsense, a missing field', async (context) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['x-vault-namespace'] ?? ''}`)
    if (request.headers['authorization'] !== 'Bearer hvs.right')
      response.writeHead(403).end('{"errors":["permission denied"]}')
    else if (request.url === '/v1/secret/data/hub')
      response.end(JSON.stringify({ data: { data: { token }, metadata: { version: 3 } } }))
    else if (request.url === '/v1/kv/hub') response.end(JSON.stringify({ data: { token } }))
    else if (request.url === '/v1/kv/nonsense') response.end('<html>')
    else response.writeHead(404).end('{"errors":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const project = await withSecret(context, { fetch: `${use} > out/fetch` })
  const vault = { VAULT_ADDR: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, VAULT_TOKEN: 'hvs.right' }
  const from = async (path: string, environment: Readonly<Record<string, string>> = vault): Promise<Document> => {
    await project.json(0, 'secret', 'grant', 'label', '--vault', path, '--stage', 'fetch')
    project.write({ 'src/fetch.sh': `# ${asked.length}\n${use} > out/fetch\n` })
    project.commit()
    return (await outcomes(project, environment))['fetch']
  }
  assert.equal((await from('secret/data/hub#token', { ...vault, VAULT_NAMESPACE: 'team' })).status, 'ran')
  assert.deepEqual(asked, ['GET /v1/secret/data/hub team'])
  assert.equal((await from('kv/hub#token')).status, 'ran')
  const refused = [
    await from('kv/hub#other'),
    await from('kv/nonsense#token'),
    await from('kv/none#token'),
    await from('kv/hub#token', { ...vault, VAULT_TOKEN: 'hvs.wrong' }),
  ]
  refused.push(
    await from('kv/hub#token', { VAULT_ADDR: 'http://vault.example.org', VAULT_TOKEN: 'hvs.right' }),
    await from('kv/hub#token', {}),
  )
  for (const each of refused) {
    assert.deepEqual([each.status, each.code], ['refused', 'ERR_SECRET_UNAVAILABLE'], JSON.stringify(each))
    assert.doesNotMatch(JSON.stringify(each), /hvs\.|tok-/)
  }
})
