/** What dpkg's database says is installed. SOURCE: dpkg(1), deb822(5): stanzas of fields, apart by empty lines. Pure. */

export type InstalledPackage = Readonly<{ name: string; architecture: string; version: string }>

/**
 * Installed packages, by name and architecture; of several stanzas for one package the last counts, as in a database
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
    const isInstalled = field('Status')?.endsWith(' installed') === true
    byName.set(`${name}:${architecture}`, isInstalled ? { name, architecture, version } : undefined)
  }
  return [...byName.values()].filter((found) => found !== undefined)
}
