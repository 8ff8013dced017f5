/** `remotes` of assay.yaml: where what was made is kept for others. */
import type { RemoteSettings } from '../definition.ts'
import { faultAt } from './fault.ts'
import { classifications } from './settings-shape.ts'
import { isMap, pythonText, type ValueMap } from './value.ts'
import type { Places } from './yaml.ts'

/**
 * One remote is the default without a word; of several, at most one says so.
 *
 * @param map held to its shape
 * @throws ERR_SETTINGS_INVALID for two defaults
 */
export function remotesOf(map: ValueMap, places: Places): ReadonlyMap<string, RemoteSettings> {
  const found = new Map<string, RemoteSettings>()
  for (const [key, value] of map) {
    if (!isMap(value)) continue
    const name = pythonText(key)
    const isDefault = value.get('default') === true
    const other = [...found].find(([, remote]) => remote.isDefault)?.[0]
    if (isDefault && other !== undefined) {
      const what = `two remotes are the default: ${other} and ${name}`
      throw faultAt('ERR_SETTINGS_INVALID', places.ofValue(value, 'default'), what, 'leave it with one of them')
    }
    const region = value.get('region')
    found.set(name, {
      url: String(value.get('url')),
      // INVARIANT: what nobody cleared for more holds no data that was called confidential.
      classification: classifications.find((word) => word === value.get('classification')) ?? 'internal',
      ...(typeof region === 'string' ? { region } : {}),
      isDefault,
    })
  }
  return found
}
