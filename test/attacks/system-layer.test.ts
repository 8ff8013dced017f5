/** Threat: supply-chain compromise below the lock. A stage runs on no other system than `assay.lock` accepts. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { processesNaming, until } from '../support/interrupt.ts'
import { cannotChangeSystem, otherSystem } from '../support/other-system.ts'
import { words } from '../support/projects.ts'
import { scratch } from '../support/scratch.ts'

const options = { skip: cannotChangeSystem }
const newer = '99:1.0-evil'

test(
  'a package upgraded between two stages is told by name and refused, until a person accepts it',
  options,
  async (context) => {
    const project = scratch(context, words)
    project.commit()
    await project.json(0, 'init', '--yes', '--commit')
    const system = otherSystem(project)
    const first = await system.json(0, 'run', 'sort')
    project.commit('the lock')

    const older = system.upgrade('dash', newer)
    const refused = await system.json(1, 'run')
    assert.deepEqual(
      refused.stages.map((stage: { code: string }) => stage.code),
      ['ERR_SYSTEM_CHANGED', 'ERR_STAGE_UPSTREAM'],
    )
    assert.ok(refused.error.message.includes(`system package dash:amd64 ${older} -> ${newer}`), refused.error.message)
    assert.match(refused.error.help, /assay env accept-system host/)

    const { systems } = await system.json(0, 'env', 'accept-system')
    assert.deepEqual(systems[0].moved, [{ what: 'system package dash:amd64', before: older, after: newer }])
    assert.equal(systems[0].accepted, 2)
    project.commit('the new dash is reviewed')
    const after = await system.json(0, 'run', '--require-level', '1')
    const said = await system.json(0, 'verify', 'model/count.txt')
    const finding = said.findings.find((one: { check: string }) => one.check === 'system')
    assert.match(finding.because, /accepted by assay\.lock in the commit$/)
    const { stages } = await system.json(0, 'diff', first.runId, after.runId)
    assert.deepEqual(
      stages[0].changes.filter(({ what }: { what: string }) => what.startsWith('system ')),
      [{ what: 'system package dash:amd64', before: older, after: newer }],
    )

    system.upgrade('dash', '99:2')
    const again = await system.json(0, 'reproduce')
    assert.equal(again.verdict, 'identical')
    assert.ok(again.differences.some(({ what }: { what: string }) => what === 'system package dash:amd64'))
  },
)

test(
  'a lock whose accepted system was edited without a commit earns nothing; the committed word stands',
  options,
  async (context) => {
    const project = scratch(context, words)
    project.commit()
    await project.json(0, 'init', '--yes', '--commit')
    const system = otherSystem(project)
    await system.json(0, 'run')
    project.commit('the lock')
    system.upgrade('dash', newer)
    const { error } = await system.json(1, 'run')
    const here = /sha256:[0-9a-f]{64}/.exec(error.message)?.[0] ?? ''

    const reviewed = project.read('assay.lock')
    rmSync(join(project.root, 'assay.lock'))
    assert.equal((await system.json(1, 'run')).error.code, 'ERR_SYSTEM_CHANGED')
    project.write({ 'assay.lock': reviewed.replace(/sha256:[0-9a-f]{64}: Debian/, `${here}: Debian`) })
    const edited = await system.assay('run', '--require-level', '1')
    assert.equal(edited.code, 1)
    assert.match(
      edited.stderr,
      /level 0 until this is committed: assay\.lock \(accepts a system for `host` that its commit does not\)/,
    )
    assert.match(edited.stderr + edited.stdout, /ERR_RUN_LEVEL/)

    project.commit('reviewed')
    await system.json(0, 'run', '--require-level', '1')
    assert.equal((await system.json(0, 'verify', 'model/count.txt')).trusted, true)
  },
)

test('nothing is signed of a stage during which packages moved; at rest it runs', options, async (context) => {
  const project = scratch(context, { ...words, 'src/sort.sh': 'sort "$1" > "$2"; sleep 2.7182\n' })
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  const system = otherSystem(project)
  const running = system.assay('run', 'sort', '--json')
  await until('the stage runs', () => processesNaming('2.7182').length > 0)
  system.upgrade('dash', newer)
  const { stages } = JSON.parse((await running).stdout)
  assert.equal(stages[0].code, 'ERR_SYSTEM_CHANGED')
  assert.match(stages[0].because, /were changed while `sort` ran/)

  assert.equal((await system.json(0, 'run', 'sort')).stages[0].status, 'ran')
})

test(
  'a program that somebody put before the packages is seen; without it, the project runs as before',
  options,
  async (context) => {
    const project = scratch(context, words)
    project.commit()
    await project.json(0, 'init', '--yes', '--commit')
    const local = join(dirname(project.root), 'local')
    mkdirSync(local)
    const system = otherSystem(project, { [local]: '/usr/local/bin' })
    await system.json(0, 'run')
    writeFileSync(join(local, 'sort'), '#!/bin/sh\necho poisoned\n', { mode: 0o755 })
    const { error } = await system.json(1, 'run', '--force')
    assert.equal(error.code, 'ERR_SYSTEM_CHANGED')
    assert.match(error.message, /system file \/usr\/local\/bin\/sort none -> sha256:/)
    rmSync(join(local, 'sort'))
    await system.json(0, 'run', '--force')
  },
)
