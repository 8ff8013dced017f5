/** What dpkg's database says is installed. SOURCE: dpkg(1), deb822(5): stanzas of fields, apart by empty lines. Pure. */

/** The states of a package that has none of its programs and libraries on disk. */
const absentStates = ['not-installed', 'config-files']

export type InstalledPackage = Readonly<{ name: string; architecture: string; version: string }>

/**
 * Packages with files on disk, also such as were not set up to the end, by name and architecture; of several stanzas for one package the last counts, as in a database
 * with updates that were not yet folded in.
 *
 * @param texts `status`, then each file of `updates` in order
 */
export function installedPackages(texts: readonly string[]): readonly InstalledPackage[] {
  const byName = new Map<string, InstalledPackage | undefined>()
  for (const stanza of texts.flatMap((text) => text.split(/\n[ \t]*\n/))) {
    const field = (name: string): string | undefined => new RegExp(`^${name}: *(.*)$`, 'm').exec(stanza)?.[1]
    const name = field('Package')
    if (name === undefined) continue
    const [architecture = '', version = ''] = [field('Architecture'), field('Version')]
    byName.set(`${name}:${architecture}`, isOnDisk(field('Status')) ? { name, architecture, version } : undefined)
  }
  return [...byName.values()].filter((found) => found !== undefined)
}

/** @param status three words: what is wanted, whether it is broken, its state; dpkg takes a package without it for not installed */
function isOnDisk(status: string | undefined): boolean {
  const state = status?.trim().split(/\s+/)[2]
  return state !== undefined && !absentStates.includes(state)
}
