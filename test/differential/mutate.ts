// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are DVC's
/** Damage: a sound project with a few characters or lines changed. */
import type { Random } from './random.ts'

const insertions = [
  ' ',
  '  ',
  '\t',
  '-',
  '- ',
  ':',
  ': ',
  '#',
  ' #',
  '[',
  ']',
  '{',
  '}',
  ',',
  '&a ',
  '*a',
  '!',
  '!!str ',
  '|',
  '>',
  "'",
  '"',
  '%',
  '@',
  '`',
  '\n',
  '\n\n',
  '\r\n',
  '---\n',
  '...\n',
  '${',
  '}',
  '?',
  '? ',
  '<<: ',
  '~',
  '\\',
  '\u00a0',
  'é',
  '\u2028',
  '\u0000',
  '\ufeff',
  '😀',
  '=',
  '.',
  '0',
]

export function mutated(files: Readonly<Record<string, string>>, random: Random): Record<string, string> {
  const copy = { ...files }
  const targets = Object.keys(copy).filter((path) => /\.(yaml|dvc|json|toml|py|lock)$/.test(path))
  if (targets.length === 0) return copy
  const path = random.pick(targets)
  let content = copy[path] ?? ''
  for (let count = 1 + random.below(2); count > 0; count -= 1) content = once(content, random)
  copy[path] = content
  return copy
}

function once(content: string, random: Random): string {
  const lines = content.split('\n')
  const line = random.below(lines.length)
  const place = random.below(content.length + 1)
  return random.pick<() => string>([
    () => content.slice(0, place) + random.pick(insertions) + content.slice(place),
    () => content.slice(0, place) + random.pick(insertions) + content.slice(place),
    () => content.slice(0, place) + content.slice(place + 1 + random.below(3)),
    () => lines.toSpliced(line, 1).join('\n'),
    () => lines.toSpliced(line, 0, lines[line] ?? '').join('\n'),
    () => lines.toSpliced(line, 0, lines[random.below(lines.length)] ?? '').join('\n'),
    () => lines.with(line, ` ${lines[line]}`).join('\n'),
    () => lines.with(line, (lines[line] ?? '').replace(/^ /, '')).join('\n'),
    () => lines.with(line, `${lines[line]} `).join('\n'),
    () => lines.with(line, `${lines[line]} # c`).join('\n'),
    () => content.replaceAll('\n', '\r\n'),
    () => `\ufeff${content}`,
    () => content.replace(/\n$/, ''),
    () => `${content}\n\n# end`,
    () => `---\n${content}`,
    () => `%YAML ${random.pick(['1.1', '1.2', '1.3', '2.0'])}\n---\n${content}`,
    () => `${content}...\n`,
    () => lines.with(line, (lines[line] ?? '').replaceAll('  ', '\t')).join('\n'),
  ])()
}
