/** Rules about files that libraries write otherwise each time, or wrongly. Source: libraries of the names, tried. */
import { argument, textAt } from './python-arguments.ts'
import type { Argument, Call, Walk } from './python-scope.ts'
import { type PyNode, textOf } from './python-tree.ts'
import { lastOf } from './python-values.ts'
import type { RuleName } from './rules.ts'

type FileRule = (call: Call, walk: Walk) => readonly Readonly<{ rule: RuleName; node: PyNode; what: string }>[]

const isWriting = (mode: string): boolean => /^[wxa]/.test(mode)

/** gzip and zip hold a time; tar the times of its files. `.to_csv("x.csv.gz")` is gzip too. */
const archives: FileRule = ({ node, path, args }) => {
  const mode = textAt(args, 'mode', 1)
  const isGzip = (/^gzip\.(?:open|GzipFile)$/.test(path) && isWriting(mode)) || path === 'gzip.compress'
  const isArchive =
    (/^(?:zipfile\.ZipFile|tarfile\.(?:open|TarFile))$/.test(path) && isWriting(mode)) || path === 'shutil.make_archive'
  const isTable = /^to_(?:csv|json|pickle|xml)$/.test(lastOf(path)) && isPacked(args)
  const hasTime = (isGzip || isTable) && argument(args, 'mtime') !== undefined
  const isBook = lastOf(path) === 'to_excel'
  return (isGzip || isArchive || isTable || isBook) && !hasTime
    ? [{ rule: 'archive-time', node, what: `\`${path.startsWith('?') ? path.slice(1) : path}\`` }]
    : []
}

function isPacked(args: readonly Argument[]): boolean {
  const compression = argument(args, 'compression')
  if (compression !== undefined) return ['gzip', 'zip', 'tar'].includes(textAt(args, 'compression'))
  return /\.(?:gz|zip|tgz)$/.test(textAt(args, 'path_or_buf', 0))
}

/** SOURCE_DATE_EPOCH, which every stage has, settles the date of the picture, and not its names. */
const pictures: FileRule = ({ node, path, args }, walk) => {
  if (lastOf(path) !== 'savefig') return []
  const isSvg = /\.svgz?$/.test(textAt(args, 'fname', 0)) || /^svgz?$/.test(textAt(args, 'format'))
  return isSvg && !setsSalt(walk) ? [{ rule: 'svg-salt', node, what: '`savefig`' }] : []
}

function setsSalt({ assigned, calls, text }: Walk): boolean {
  const names = (node: PyNode): boolean => textOf(node, text).includes('svg.hashsalt')
  return (
    assigned.some(({ target }) => target.includes('svg.hashsalt')) ||
    calls.some(({ args }) =>
      args.some(({ name, value }) => name === 'hashsalt' || (value?.kind === 'dict' && names(value.node))),
    )
  )
}

const savers = /^safetensors\.(?:numpy|torch|flax|tensorflow|paddle|mlx)\.(?:save_file|save)$/

const metadata: FileRule = ({ node, path, args }, walk) => {
  if (!savers.test(path)) return []
  const value = argument(args, 'metadata', path.endsWith('save_file') ? 2 : 1)?.value
  if (value?.kind !== 'dict') return []
  const entries = value.node.children.filter(({ name }) => name === ':').length
  return entries > 1
    ? [
        {
          rule: 'tensor-metadata',
          node: argument(args, 'metadata', 2)?.node ?? node,
          what: `\`${textOf(node.children[0] ?? node, walk.text)}\``,
        },
      ]
    : []
}

const layout: FileRule = ({ path, args }, walk) => {
  if (!/^safetensors\.numpy\.save(?:_file)?$/.test(path)) return []
  const value = argument(args, 'tensor_dict', 0)?.value
  if (value?.kind !== 'dict') return []
  const { children } = value.node
  return children.flatMap((child, index) => {
    const item = child.name === ':' ? children[index + 1] : undefined
    const isRisk = item !== undefined && mayBeByColumns(item, walk)
    return isRisk
      ? [{ rule: 'tensor-order' as const, node: item, what: `\`${textOf(item, walk.text).slice(0, 60)}\`` }]
      : []
  })
}

/** Transposed, or an attribute that scikit-learn keeps by columns. */
function mayBeByColumns(node: PyNode, walk: Walk): boolean {
  const [object] = node.children
  const property = node.children.at(-1)
  if (node.name === 'MemberExpression' && property?.name === 'PropertyName') {
    return ['T', 'mT', 'coef_', 'components_'].includes(textOf(property, walk.text))
  }
  const call = node.name === 'CallExpression' ? walk.callOf.get(node) : undefined
  if (call === undefined || object === undefined) return false
  const order = textAt(call.args, 'order')
  if (order !== '') return order === 'F'
  const last = lastOf(call.path)
  if (last === 'transpose' || call.path === 'numpy.asfortranarray') return true
  const inner = /^numpy\.(?:array|asarray)$/.test(call.path)
    ? call.args[0]?.node
    : last === 'astype'
      ? object.children[0]
      : undefined
  return inner !== undefined && mayBeByColumns(inner, walk)
}

export const archiveRules: readonly FileRule[] = [archives, pictures]
export const tensorRules: readonly FileRule[] = [metadata, layout]
