/**
 * What a wheel says of itself: WHEEL, METADATA and entry_points.txt.
 *
 * SOURCE: PEP 427 (WHEEL), "Core metadata" (METADATA, fields in the form of mail headers), "Entry points". Trust: all of
 * it comes from the wheel; it is compared with the lock, and what becomes code is held to a narrow pattern.
 */
import { normaliseName } from './lock.ts'

export type WheelFacts = Readonly<{
  name: string
  version: string
  tags: readonly string[]
  requiresPython: string
  /** As written: `numpy >=1.22 ; extra == "x"`. */
  requires: readonly string[]
}>

/** The fields needed, or the reason why the files are refused. */
export function parseWheelFacts(wheelFile: Uint8Array, metadata: Uint8Array): WheelFacts | string {
  const wheel = headersOf(wheelFile)
  const core = headersOf(metadata)
  const format = one(wheel, 'wheel-version')
  if (format === undefined || !/^1\.\d+$/.test(format)) return `is of a wheel format that is not known: \`${format}\``
  const [name, version] = [one(core, 'name'), one(core, 'version')]
  if (name === undefined || version === undefined) return 'does not say its name and version exactly once'
  return {
    name: normaliseName(name),
    version,
    tags: (wheel.get('tag') ?? []).flatMap(expandTag),
    requiresPython: one(core, 'requires-python') ?? '',
    requires: core.get('requires-dist') ?? [],
  }
}

/** `py2.py3-none-any` -> `py2-none-any`, `py3-none-any`. */
function expandTag(tag: string): readonly string[] {
  const [pythons = [], abis = [], platforms = []] = tag
    .toLowerCase()
    .split('-')
    .map((part) => part.split('.'))
  return pythons.flatMap((python) => abis.flatMap((abi) => platforms.map((platform) => `${python}-${abi}-${platform}`)))
}

/** Header lines up to the first empty one; a line that begins with space continues the one before. */
function headersOf(bytes: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  let last: string[] | undefined
  for (const line of Buffer.from(bytes).toString('utf8').split(/\r?\n/)) {
    if (line.trim() === '') break
    if (/^[ \t]/.test(line)) {
      last?.push(`${last.pop() ?? ''} ${line.trim()}`)
      continue
    }
    const [, field = '', value = ''] = /^([\w-]+):\s*(.*)$/.exec(line) ?? []
    if (field === '') continue
    last = found.get(field.toLowerCase()) ?? []
    last.push(value.trim())
    found.set(field.toLowerCase(), last)
  }
  return found
}

function one(headers: ReadonlyMap<string, readonly string[]>, field: string): string | undefined {
  const values = headers.get(field) ?? []
  return values.length === 1 ? values[0] : undefined
}

export type EntryPoint = Readonly<{ name: string; module: string; attribute: string }>

/**
 * The console and GUI scripts, or the reason for a refusal.
 *
 * THREAT: names and objects become a file name and Python source, so each must match a pattern that holds no code.
 */
export function parseEntryPoints(bytes: Uint8Array): readonly EntryPoint[] | string {
  const points: EntryPoint[] = []
  let isScript = false
  for (const raw of Buffer.from(bytes).toString('utf8').split(/\r?\n/)) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const section = /^\[(.*)\]$/.exec(line)?.[1]?.trim()
    if (section !== undefined) {
      isScript = section === 'console_scripts' || section === 'gui_scripts'
      continue
    }
    if (!isScript) continue
    const [, name, module, attribute] =
      /^([\w.-]+)\s*=\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*:\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*(?:\[[\w\s,.-]*\])?$/.exec(
        line,
      ) ?? []
    if (name === undefined || module === undefined || attribute === undefined) {
      return `has an entry point that is not plain: \`${line.slice(0, 100)}\``
    }
    if (/^\.{1,2}$/.test(name)) return `has an entry point without a name: \`${line.slice(0, 100)}\``
    points.push({ name, module, attribute })
  }
  return points
}
