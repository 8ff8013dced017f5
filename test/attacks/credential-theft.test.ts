/** Threat: credential theft. Nothing of the caller reaches a stage that was not given to it. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { words } from '../support/projects.ts'
import { runAssay, scratch, scratchEnvironment } from '../support/scratch.ts'

test("a stage finds neither the caller's variables nor the signing key; what the definition gives it, it gets", async (context) => {
  const project = scratch(context, {
    ...words,
    'src/sort.sh':
      'env > "$2"; find / -name "*.pem" -path "*assay*" 2>/dev/null >> "$2"; ls -la /home /root 2>/dev/null >> "$2"; true\n',
  })
  project.commit()
  await project.json(0, 'init', '--yes')
  project.write({ 'assay.yaml': `${project.read('assay.yaml')}\nstages:\n  sort:\n    env: {GIVEN: plain}\n` })
  project.commit()
  mkdirSync(join(project.keys, 'assay'), { recursive: true })
  writeFileSync(join(project.keys, 'assay', 'note'), 'x')
  const ran = await runAssay(['run', '--json'], project.root, {
    ...scratchEnvironment(project.keys),
    AWS_SECRET_ACCESS_KEY: 'canary-7f3a',
  })
  assert.equal(ran.code, 0, ran.stderr)
  const seen = project.read('out/sorted.txt')
  assert.match(seen, /GIVEN=plain/)
  assert.doesNotMatch(seen, /canary-7f3a|AWS_SECRET|\.pem/)
  const recorded = spawnSync('grep', ['-r', '-l', 'canary-7f3a', '.assay'], { cwd: project.root, encoding: 'utf8' })
  assert.equal(recorded.status, 1, `the canary is on record: ${recorded.stdout}`)
})

test('a key that others can read is refused', async (context) => {
  const project = scratch(context, words)
  project.commit()
  await project.json(0, 'init', '--yes', '--commit')
  execFileSync('chmod', ['-R', 'a+r', project.keys])
  const refused = await project.assay('run', '--json')
  assert.notEqual(refused.code, 0)
  execFileSync('chmod', ['-R', 'go-rwx', join(project.keys, 'assay')])
  await project.json(0, 'run')
})
