/**
 * The secrets of a stage: granted by the user to a stage of this project, in the user's own folder and not in the
 * repository, and fetched when the stage is about to start.
 *
 * THREAT: a repository chooses what its stages do and which secrets they ask for. So it is the user who says which stage
 * gets which, for checkouts that their key signs in; and a stage that holds one is let out to named hosts alone.
 */
import { lstatSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { openKeyHome, parseTrustPolicy } from '../attestation/index.ts'
import {
  describeOrigin,
  fetchSecret,
  minSecretBytes,
  parseGrants,
  printGrants,
  readNetworkSettings,
  type Secret,
  type SecretGrants,
  type SecretOrigin,
} from '../compute/index.ts'
import { DomainError, quotedForShell } from '../core/index.ts'
import type { StageDefinition, StageSettings } from './definition.ts'
import { writeDurably } from './evidence.fs.ts'
import type { Caller, Project } from './project.ts'
import { readProjectFile } from './project-file.fs.ts'
import { requireRoot } from './workspace.fs.ts'

export type { SecretOrigin } from '../compute/index.ts'

type Granting = Pick<Project, 'root' | 'id' | 'environment'>

/**
 * What the stage gets, fetched now.
 *
 * @throws ERR_SECRET_NOT_GRANTED, ERR_SECRET_UNAVAILABLE
 */
export async function secretsOf(
  project: Granting,
  stage: StageDefinition,
  { secrets: names, network }: StageSettings,
  { isolated, signal }: Readonly<{ isolated: boolean; signal: AbortSignal }>,
): Promise<readonly Secret[]> {
  if (names.length === 0) return []
  if (!isolated) throw notGranted(stage, names[0] ?? '', 'nothing would keep it in without a sandbox')
  if (network !== 'none' && network.some((host) => host.startsWith('*.')))
    throw notGranted(stage, names[0] ?? '', 'its list of hosts has a `*`, and it could be carried to any of them')
  const grants = readGrants(project)
  const options = {
    environment: project.environment,
    route: readNetworkSettings(project.environment, project.environment['HOME'] ?? homedir()),
    signal,
  }
  const fetched: Secret[] = []
  for (const name of names) {
    const grant = grants.get(name)
    if (grant?.stages.includes(stage.name) !== true) throw notGranted(stage, name, 'you did not grant it to this stage')
    const value = await fetchSecret(name, grant.origin, options)
    if (value.toString('latin1').trim().length < minSecretBytes)
      throw new DomainError(
        'ERR_SECRET_UNAVAILABLE',
        `the secret \`${name}\` is too short to be looked for in what a stage makes`,
        {
          help: `use one of at least ${minSecretBytes} bytes`,
        },
      )
    fetched.push({ name, value })
  }
  return fetched
}

function notGranted({ name: stage }: StageDefinition, name: string, because: string): DomainError {
  return new DomainError(
    'ERR_SECRET_NOT_GRANTED',
    `the stage \`${stage}\` asks for the secret \`${name}\`: ${because}`,
    {
      help: `read what the stage does, then: assay secret grant ${quotedForShell(name)} --stage ${quotedForShell(stage)} --file PATH`,
    },
  )
}

export type GrantedSecret = Readonly<{ name: string; origin: string; stages: readonly string[] }>

/** Grants of this project, by name; values are not looked at. */
export function listSecrets(caller: Caller): readonly GrantedSecret[] {
  return [...readGrants(grantingOf(caller))].map(([name, { origin, stages }]) => ({
    name,
    origin: describeOrigin(origin),
    stages,
  }))
}

/** Lets stages have a secret, beside those that may already; another origin takes the place of the one before. */
export function grantSecret(
  caller: Caller,
  name: string,
  { origin, stages }: Readonly<{ origin: SecretOrigin; stages: readonly string[] }>,
): GrantedSecret {
  const granting = grantingOf(caller)
  const grants = new Map(readGrants(granting))
  const all = [...new Set([...(grants.get(name)?.stages ?? []), ...stages])].toSorted()
  grants.set(name, { origin, stages: all })
  writeGrants(granting, grants)
  return { name, origin: describeOrigin(origin), stages: all }
}

/** Takes a secret back, from every stage. @throws ERR_SECRET_NOT_GRANTED when there is none */
export function takeSecret(caller: Caller, name: string): void {
  const granting = grantingOf(caller)
  const grants = new Map(readGrants(granting))
  if (!grants.delete(name))
    throw new DomainError('ERR_SECRET_NOT_GRANTED', `no secret \`${name}\` is granted in this project`, {
      help: 'see which are: assay secret list',
    })
  writeGrants(granting, grants)
}

function grantingOf(caller: Caller): Granting {
  const root = requireRoot(caller.workingFolder)
  const bytes = readProjectFile(root, 'trust.yaml')
  const id = bytes === undefined ? '' : (parseTrustPolicy(bytes, 'repository').project ?? '')
  if (id === '')
    throw new DomainError('ERR_KEY_HOME', 'the project has no trust.yaml and so no id', { help: 'make it: assay init' })
  return { root, id, environment: caller.environment }
}

/**
 * THREAT: another repository that says it is this project must get nothing of it.
 *
 * @throws ERR_KEY_CHECKOUT
 */
function folderOf({ root, id, environment }: Granting): string {
  const home = openKeyHome({ environment, projectRoot: root })
  const record = home.listKeys().find(({ project }) => project === id)
  if (record?.checkouts.includes(realpathSync(root)) !== true)
    throw new DomainError(
      'ERR_KEY_CHECKOUT',
      `your key of this project was not made for the checkout \`${root}\`, nor are secrets`,
      {
        help: 'if you trust this checkout: assay key use',
      },
    )
  return join(home.folder, 'projects', id)
}

/** LIMIT: 1 MiB. */
const maxBytes = 1024 * 1024

/** Variables of the caller that are granted to stages as secrets: name -> stages. @throws ERR_KEY_CHECKOUT */
export function grantedVariables(granting: Granting): ReadonlyMap<string, readonly string[]> {
  const granted = [...readGrants(granting).values()]
  return new Map(granted.flatMap(({ origin, stages }) => (origin.kind === 'env' ? [[origin.name, stages]] : [])))
}

function readGrants(granting: Granting): SecretGrants {
  const file = join(folderOf(granting), 'secrets.json')
  const stats = lstatSync(file, { throwIfNoEntry: false })
  if (stats === undefined) return new Map()
  if (!stats.isFile() || (stats.mode & 0o022) !== 0 || stats.size > maxBytes)
    throw new DomainError('ERR_SECRET_UNAVAILABLE', `\`${file}\` is no file that you alone may write`, {
      help: `look at it, then: chmod go-w ${quotedForShell(file)}`,
    })
  return parseGrants(readFileSync(file))
}

function writeGrants(granting: Granting, grants: SecretGrants): void {
  const folder = folderOf(granting)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeDurably(join(folder, 'secrets.json'), Buffer.from(printGrants(grants)))
}
