/** Goal: every attestation is in a log that others can hold its owner to. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  cosignNote,
  isConsistent,
  noteKeyOf,
  parseNoteKey,
  printNoteKey,
  verifyCheckpoint,
} from '../../src/attestation/index.ts'
import { printSignature, rawPublic } from '../../src/attestation/tlog/note.ts'
import { adopted } from '../support/adopted.ts'
import { words } from '../support/projects.ts'
import type { Scratch } from '../support/scratch.ts'

const log = '.assay/log'

test('what a run signs is in the log, its proof holds offline for these bytes and no others, and a killed run is caught up with', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const whole = await project.json(0, 'tlog', 'verify')
  assert.equal(whole.size, readdirSync(join(project.root, '.assay/attestations')).length)
  assert.deepEqual([whole.trusted, whole.missing], [true, []])

  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'evidence')
  await project.json(0, 'tlog', 'prove', 'evidence/count.sigstore.json', '--out', 'count.tlog-proof')
  const proof = ['--proof', 'count.tlog-proof', '--key', whole.key]
  const { index, size } = await project.json(0, 'tlog', 'verify', 'evidence/count.sigstore.json', ...proof)
  assert.deepEqual([Number.isInteger(index), size], [true, whole.size])
  symlinkSync('evidence/count.sigstore.json', join(project.root, 'link'))
  symlinkSync('nowhere', join(project.root, 'broken'))
  assert.equal((await project.json(0, 'tlog', 'verify', 'link', ...proof)).index, index)
  for (const none of ['broken', 'evidence', 'missing'])
    assert.equal((await project.json(2, 'tlog', 'verify', none, ...proof)).error.code, 'ERR_INPUT_MALFORMED', none)

  const other = await project.json(1, 'tlog', 'verify', 'evidence/sort.sigstore.json', ...proof)
  assert.equal(other.error.code, 'ERR_TLOG_PROOF')
  const text = readFileSync(join(project.root, 'count.tlog-proof'), 'utf8')
  for (const [from, to, exit, code] of [
    [/^index \d+/m, 'index 900', 1, 'ERR_TLOG_PROOF'],
    [/\n(\d+)\n/, '\n1000\n', 1, 'ERR_TLOG_SIGNATURE'],
    ['tlog-proof@v1', 'tlog-proof@v9', 2, 'ERR_TLOG_MALFORMED'],
  ] as const) {
    writeFileSync(join(project.root, 'forged'), text.replace(from, to))
    const forged = ['--proof', 'forged', '--key', whole.key]
    assert.equal(
      (await project.json(exit, 'tlog', 'verify', 'evidence/count.sigstore.json', ...forged)).error.code,
      code,
    )
  }

  // a policy that names the log: every statement of the chain must be in it
  const policy = `${readFileSync(join(project.root, 'trust.yaml'), 'utf8')}logs: [{key: '${whole.key}'}]\n`
  writeFileSync(join(project.keys, 'policy.yaml'), policy)
  const verify = ['verify', 'model/count.txt', '--policy', join(project.keys, 'policy.yaml')]
  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'evidence.jsonl')
  const codes = async (exit: number, ...more: string[]) => {
    const { findings } = await project.json(exit, ...verify, ...more)
    const logged = findings.filter(({ check }: Record<string, string>) => check === 'logged')
    return logged.map((finding: Record<string, string>) => `${finding['subject']} ${finding['code']}`).toSorted()
  }
  const both = (what: string) => [`count ${what}`, `sort ${what}`]
  assert.deepEqual(await codes(0), both('OK'), 'by the own log')
  assert.deepEqual(await codes(0, '--evidence', 'evidence.jsonl'), both('OK'), 'by what travelled')
  assert.deepEqual(await codes(0, '--evidence', 'evidence'), both('OK'), 'by a folder')
  const lines = readFileSync(join(project.root, 'evidence.jsonl'), 'utf8').split('\n')
  writeFileSync(join(project.root, 'bare.jsonl'), lines.filter((line) => !line.includes('assayLogProof')).join('\n'))
  assert.deepEqual(await codes(1, '--evidence', 'bare.jsonl'), both('ERR_TLOG_ENTRY'))
  writeFileSync(join(project.root, 'forged.jsonl'), lines.join('\n').replaceAll(/index \d+/g, 'index 7'))
  assert.deepEqual(await codes(1, '--evidence', 'forged.jsonl'), both('ERR_TLOG_PROOF'))

  rmSync(join(project.root, '.assay/attestations'), { recursive: true })
  rmSync(join(project.root, '.assay/index'), { recursive: true })
  await project.json(1, 'verify', 'model/count.txt')
  assert.equal((await project.json(0, 'attest', 'import', 'evidence.jsonl')).stages.length, 2)
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true)

  // a run that is killed after it wrote tiles and before it signed the checkpoint
  cpSync(join(project.root, log), join(project.keys, 'log'), { recursive: true })
  await project.json(0, 'run', '--force')
  // as if it had been killed: after the tiles, before the checkpoint
  cpSync(join(project.keys, 'log/checkpoint'), join(project.root, log, 'checkpoint'))
  const lost = await project.json(1, 'tlog', 'verify')
  assert.deepEqual([lost.code, lost.size, lost.missing.length > 0], ['ERR_TLOG_ENTRY', whole.size, true])
  const caught = await project.json(0, 'tlog', 'append')
  assert.equal(caught.added, lost.missing.length)
  assert.equal((await project.json(0, 'tlog', 'verify')).trusted, true)
  assert.equal((await project.json(0, 'tlog', 'append')).added, 0)
})

test('nothing is signed on top of a log that was changed; a monitor refuses one that went back or shows another history', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const { key, size } = await project.json(0, 'tlog', 'append')
  for (const [file, verified, appended] of [
    [`${log}/tile/0/000.p/${size}`, 'ERR_TLOG_FORK', 'ERR_TLOG_FORK'],
    [`${log}/checkpoint`, 'ERR_TLOG_SIGNATURE', 'ERR_TLOG_SIGNATURE'],
  ] as const) {
    const path = join(project.root, file)
    const signed = readFileSync(path)
    writeFileSync(path, flipped(signed, file.endsWith('checkpoint') ? signed.indexOf('\n') + 1 : 40))
    assert.equal((await project.json(1, 'tlog', 'verify')).error.code, verified)
    assert.equal((await project.json(1, 'tlog', 'append')).error.code, appended)
    writeFileSync(path, signed)
  }
  const entries = join(project.root, `${log}/tile/entries/000.p/${size}`)
  const honest = readFileSync(entries)
  writeFileSync(entries, flipped(honest, 20))
  assert.equal((await project.json(1, 'tlog', 'verify')).error.code, 'ERR_TLOG_FORK')
  assert.equal((await project.json(1, 'tlog', 'append')).error.code, 'ERR_TLOG_FORK')
  writeFileSync(entries, honest)
  assert.equal((await project.json(0, 'tlog', 'append')).added, 0)
  assert.equal((await project.json(0, 'tlog', 'verify')).trusted, true)

  const monitor = ['tlog', 'monitor', log, '--key', key, '--state', join(project.keys, 'seen')]
  assert.deepEqual(pick(await project.json(0, ...monitor)), { size, added: size })
  cpSync(join(project.root, log), join(project.keys, 'earlier'), { recursive: true })

  writeFileSync(join(project.root, 'one.txt'), 'one')
  await project.json(0, 'tlog', 'append', 'one.txt')
  assert.deepEqual(pick(await project.json(0, ...monitor)), { size: size + 1, added: 1 })
  assert.deepEqual(pick(await project.json(0, ...monitor)), { size: size + 1, added: 0 })

  const served = ['tlog', 'monitor', await serve(context, join(project.root, log)), '--key', key]
  const remote = [...served, '--state', join(project.keys, 'seen-remotely')]
  assert.deepEqual(pick(await project.json(0, ...remote)), { size: size + 1, added: size + 1 }, 'over HTTP')
  const nowhere = ['tlog', 'monitor', `${served[2]}/nothing`, '--key', key, '--state', join(project.keys, 'none')]
  assert.equal((await project.json(1, ...nowhere)).error.code, 'ERR_TLOG_MISSING')

  put(project, 'earlier')
  assert.equal((await project.json(1, ...monitor)).error.code, 'ERR_TLOG_REWIND')
  assert.equal((await project.json(1, ...remote)).error.code, 'ERR_TLOG_REWIND')
  for (const other of ['two.txt', 'three.txt']) writeFileSync(join(project.root, other), other)
  await project.json(0, 'tlog', 'append', 'two.txt')
  assert.equal((await project.json(1, ...monitor)).error.code, 'ERR_TLOG_FORK', 'another history of the same length')
  await project.json(0, 'tlog', 'append', 'three.txt')
  assert.equal((await project.json(1, ...monitor)).error.code, 'ERR_TLOG_FORK', 'another, longer history')
  rmSync(join(project.root, log, 'checkpoint'))
  assert.equal((await project.json(1, ...monitor)).error.code, 'ERR_TLOG_MISSING')
})

test('a run that cannot enter a damaged log says so, and is over: its record is whole, and a mended log catches up', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const { size } = await project.json(0, 'tlog', 'append')
  const tile = join(project.root, `${log}/tile/0/000.p/${size}`)
  const honest = readFileSync(tile)
  const newest = () => {
    const runs = readdirSync(join(project.root, '.assay/runs')).toSorted()
    const { finishedAt, report } = JSON.parse(project.read(`.assay/runs/${runs.at(-1)}/run.json`))
    return { runs: runs.length, isFinished: finishedAt !== undefined, status: report.status }
  }
  writeFileSync(tile, flipped(honest, 40))
  assert.equal((await project.json(1, 'run', '--force')).error.code, 'ERR_TLOG_FORK')
  assert.deepEqual(newest(), { runs: 2, isFinished: true, status: 'succeeded' })
  assert.equal((await project.json(0, 'verify', 'model/count.txt')).trusted, true, 'what it signed is kept')

  writeFileSync(tile, honest)
  assert.equal((await project.json(1, 'tlog', 'verify')).code, 'ERR_TLOG_ENTRY')
  await project.json(0, 'run', '--force')
  assert.deepEqual(newest(), { runs: 3, isFinished: true, status: 'succeeded' })
  assert.equal((await project.json(0, 'tlog', 'verify')).trusted, true)
})

test('a witness countersigns what grew out of what it saw, and the proof under its name is asked for', async (context) => {
  const project = await adopted(context, words)
  await project.json(0, 'run')
  const { key, size } = await project.json(0, 'tlog', 'append')
  const witness = await openWitness(context, key)
  const cosigned = ['tlog', 'append', '--witness', witness.address, '--witness-key', witness.key]
  assert.deepEqual((await project.json(0, ...cosigned)).witnesses, ['witness.example.org'])
  writeFileSync(join(project.root, 'more'), 'more')
  const grown = await project.json(0, ...cosigned, 'more')
  assert.deepEqual([grown.size, grown.witnesses], [size + 1, ['witness.example.org']])
  assert.deepEqual(witness.asked, [`old 0`, `old 0`, `old ${size}`])

  await project.json(0, 'attest', 'export', 'model/count.txt', '--out', 'evidence')
  await project.json(0, 'tlog', 'prove', 'evidence/count.sigstore.json', '--out', 'proof')
  const verify = ['tlog', 'verify', 'evidence/count.sigstore.json', '--proof', 'proof', '--key', key]
  const { witnesses } = await project.json(0, ...verify, '--witness-key', witness.key)
  assert.equal(witnesses[0].name, 'witness.example.org')
  const stranger = printNoteKey(noteKeyOf('stranger', 'witness', new Uint8Array(32).fill(9)))
  assert.equal((await project.json(1, ...verify, '--witness-key', stranger)).error.code, 'ERR_TLOG_WITNESS')

  // that the log grew, for whoever kept an earlier checkpoint
  cpSync(join(project.root, log, 'checkpoint'), join(project.root, 'earlier'))
  writeFileSync(join(project.root, 'again'), 'again')
  await project.json(0, 'tlog', 'append', 'again')
  await project.json(0, 'tlog', 'prove', '--from', 'earlier', '--out', 'growth')
  assert.equal((await project.json(0, 'tlog', 'verify', 'earlier', '--proof', 'growth', '--key', key)).size, size + 2)
  const text = readFileSync(join(project.root, 'growth'), 'utf8')
  writeFileSync(join(project.root, 'growth'), text.replace(/^old \d+/, 'old 1'))
  assert.equal(
    (await project.json(1, 'tlog', 'verify', 'earlier', '--proof', 'growth', '--key', key)).error.code,
    'ERR_TLOG_PROOF',
  )
})

/** A witness as C2SP tlog-witness has it: of one log, in memory. */
async function openWitness(context: TestContext, logKey: string) {
  const pair = generateKeyPairSync('ed25519')
  const own = noteKeyOf('witness.example.org', 'witness', rawPublic(createPublicKey(pair.privateKey)))
  const trust = { log: parseNoteKey(logKey), witnesses: [], threshold: 0 }
  let seen: Readonly<{ size: number; root: Uint8Array }> = { size: 0, root: new Uint8Array(32) }
  const asked: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const split = body.indexOf('\n\n')
      const [old = '', ...hashes] = body.toString('latin1', 0, split).split('\n')
      asked.push(old)
      const checkpoint = verifyCheckpoint(body.subarray(split + 2), trust)
      if (old !== `old ${seen.size}`) {
        response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${seen.size}\n`)
        return
      }
      const proof = hashes.filter((line) => line !== '').map((line) => Buffer.from(line, 'base64'))
      const from = { size: BigInt(seen.size), root: seen.root }
      const to = { size: BigInt(checkpoint.size), root: checkpoint.root }
      if (seen.size > 0 && !isConsistent({ from, to, proof })) {
        response.writeHead(422).end()
        return
      }
      seen = checkpoint
      const signature = cosignNote(checkpoint.note.text, own, { privateKey: pair.privateKey, at: new Date() })
      response.end(printSignature(signature))
    })
  })
  return { address: await listen(context, server), key: printNoteKey(own), asked }
}

/** Any web server that shows a folder. */
async function serve(context: TestContext, folder: string): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    try {
      response.end(readFileSync(join(folder, url)))
    } catch {
      response.writeHead(404).end()
    }
  })
  return listen(context, server)
}

async function listen(context: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return `http://127.0.0.1:${address.port}`
}

function pick({ size, added }: Readonly<Record<string, unknown>>): unknown {
  return { size, added }
}

function put(project: Scratch, name: string): void {
  rmSync(join(project.root, log), { recursive: true })
  cpSync(join(project.keys, name), join(project.root, log), { recursive: true })
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
