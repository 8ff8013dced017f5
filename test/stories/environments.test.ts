/** Goal: what my project has locked is what its stages run with, whichever tool locked it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { lockTexts, type WheelToWrite, wheelsIn } from '../../src/compute/environment/testing.exec.ts'
import {
  assayProgram,
  type Document,
  type Ran,
  runAssay,
  type Scratch,
  scratch,
  scratchEnvironment,
} from '../support/scratch.ts'

const stage: Readonly<Record<string, string>> = {
  'dvc.yaml': `stages:
  say: {cmd: python3 say.py, deps: [say.py], outs: [out/said]}
`,
  'say.py': "import tool\nopen('out/said', 'w').write(tool.word)\n",
  '.gitignore': '/out\n',
}
const toolWheel = (version: string): WheelToWrite => ({
  project: 'tool',
  version,
  files: [{ name: 'tool/__init__.py', content: `word = 'tool ${version}'\n` }],
})

type Project = Scratch & Readonly<{ wheels: string; json(exit: number, ...args: readonly string[]): Promise<Document> }>

/** A project whose packages come from a folder alone: no index is asked. */
function offline(context: TestContext, files: Readonly<Record<string, string>>): Project {
  const project = scratch(context, files)
  const wheels = join(project.root, '../wheels')
  const environment = { ...scratchEnvironment(project.keys), PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels }
  const assay = (...args: readonly string[]): Promise<Ran> => runAssay(args, project.root, environment)
  return {
    ...project,
    wheels,
    assay,
    json: async (exit, ...args) => {
      const ran = await assay(...args, '--json')
      assert.equal(
        ran.code,
        exit,
        `${assayProgram} ${args.join(' ')} exited ${ran.code}:\n${ran.stdout}\n${ran.stderr}`,
      )
      return JSON.parse(ran.stdout)
    },
  }
}

test('a project with a lock of any tool is adopted with it, and its stages run with those packages', async (context) => {
  for (const name of ['uv.lock', 'poetry.lock', 'Pipfile.lock', 'pylock.toml']) {
    const project = offline(context, stage)
    const named = wheelsIn(project.wheels, [toolWheel('1.0')])
    project.write({ [name]: lockTexts[name]?.(named) ?? '' })
    project.commit()
    const adopted = await project.json(0, 'init', '--yes', '--commit')
    assert.deepEqual(adopted.locks, { chosen: name, passedOver: [] })
    await project.json(0, 'run')
    assert.equal(project.read('out/said'), 'tool 1.0')
    assert.equal((await project.json(0, 'verify')).properties.locked, true)
  }
})

test('init says why it takes no lock: none with hashes, of an older tool, for another Python', async (context) => {
  const project = offline(context, {
    ...stage,
    'requirements.txt': 'tool==1.0\n',
    'uv.lock': 'version = 1\nrequires-python = ">=3.99"\n[[package]]\nname = "r"\nsource = { virtual = "." }\n',
    'poetry.lock': '[metadata]\nlock-version = "2.0"\npython-versions = "*"\n',
  })
  project.commit()
  const said = await project.json(0, 'init', '--yes')
  assert.equal(said.locks.chosen, null)
  assert.deepEqual(
    said.locks.passedOver.map(({ path }: Document) => path),
    ['requirements.txt', 'uv.lock', 'poetry.lock'],
  )
  const [plain, uv, poetry] = said.locks.passedOver
  assert.equal(plain.because, 'it pins no hashes')
  assert.match(uv.because, /made for Python >=3\.99/)
  assert.match(poetry.help, /poetry lock/)
  assert.match(project.read('assay.yaml'), /environment: host/)
})
