/** The parts of a Markdown page that can be checked: fenced blocks, links, headings. LIMIT: no nested fences. */

export type Fence = Readonly<{ info: string; lines: readonly string[]; line: number }>
export type Page = Readonly<{
  fences: readonly Fence[]
  /** Target and line of every inline link and image, outside code. */
  links: readonly Readonly<{ target: string; line: number }>[]
  /** Text in single backticks, with its line. */
  code: readonly Readonly<{ text: string; line: number }>[]
  /** Anchors as GitHub makes them. */
  anchors: ReadonlySet<string>
  /** Lines of indented code blocks. */
  indented: readonly Readonly<{ text: string; line: number }>[]
}>

export function readPage(text: string): Page {
  const fences: Fence[] = []
  const links: { target: string; line: number }[] = []
  const code: { text: string; line: number }[] = []
  const indented: { text: string; line: number }[] = []
  const anchors = new Set<string>()
  let open: { info: string; lines: string[]; line: number } | undefined
  let blankBefore = true
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s{0,3}```\s*(.*)$/.exec(line)
    if (open !== undefined) {
      if (fence === null) open.lines.push(line)
      else {
        fences.push(open)
        open = undefined
      }
      continue
    }
    if (fence !== null) {
      open = { info: fence[1]?.trim() ?? '', lines: [], line: index + 1 }
      continue
    }
    const isIndented = /^( {4}|\t)\S/.test(line) && (blankBefore || indented.at(-1)?.line === index)
    blankBefore = line.trim() === ''
    if (isIndented) {
      indented.push({ text: line.trim(), line: index + 1 })
      continue
    }
    const heading = /^#{1,6}\s+(.*)$/.exec(line)
    if (heading !== null) anchors.add(anchorOf(heading[1] ?? ''))
    for (const match of line.matchAll(/`([^`]+)`/g)) code.push({ text: match[1] ?? '', line: index + 1 })
    for (const match of line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^()\s]+)\)/g)) {
      links.push({ target: match[1] ?? '', line: index + 1 })
    }
  }
  return { fences, links, code, anchors, indented }
}

/** `## ERR_IO: a file` -> `err_io-a-file`. */
export function anchorOf(heading: string): string {
  const plain = heading.trim().toLowerCase().replace(/[`*]/g, '')
  return plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
}
