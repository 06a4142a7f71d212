import { encodeElement } from '../../../src/pki/der/writer.ts'

/** A DER element that tests take apart, change and write back; contents of OCTET and BIT STRINGs stay closed. */
export interface DerNode {
  readonly tag: number
  readonly children?: readonly DerNode[]
  readonly content?: Uint8Array
  /** Written instead of the whole element. */
  readonly raw?: Uint8Array
}

/** Reads well-formed DER; for valid starting points alone. */
export function readNode(der: Uint8Array): DerNode {
  return readNodes(der)[0] as DerNode
}

function readNodes(der: Uint8Array): DerNode[] {
  const nodes: DerNode[] = []
  for (let offset = 0; offset < der.length;) {
    const tag = der[offset] as number
    const first = der[offset + 1] as number
    const lengthOctets = first < 0x80 ? 0 : first & 0x7f
    const start = offset + 2 + lengthOctets
    const length =
      lengthOctets === 0 ? first : Number(`0x${Buffer.from(der.subarray(offset + 2, start)).toString('hex')}`)
    const content = der.subarray(start, start + length)
    nodes.push((tag & 0x20) === 0 ? { tag, content } : { tag, children: readNodes(content) })
    offset = start + length
  }
  return nodes
}

export function writeNode(node: DerNode): Uint8Array {
  if (node.raw !== undefined) return node.raw
  return encodeElement(node.tag, ...(node.children?.map(writeNode) ?? [node.content ?? new Uint8Array()]))
}

/** The element at a path of child indexes. */
export function nodeAt(node: DerNode, path: readonly number[]): DerNode {
  return path.reduce((at, index) => at.children?.[index] as DerNode, node)
}

/** The DER with the element at `path` replaced by what `edit` makes of it: none, one or several elements. */
export function editDer(
  der: Uint8Array,
  path: readonly number[],
  edit: (node: DerNode) => DerNode | readonly DerNode[]
): Uint8Array {
  const results = editNode(readNode(der), path, edit)
  return new Uint8Array(Buffer.concat(results.map(writeNode)))
}

function editNode(
  node: DerNode,
  [index, ...rest]: readonly number[],
  edit: (node: DerNode) => DerNode | readonly DerNode[]
): readonly DerNode[] {
  if (index === undefined) return [edit(node)].flat()
  const children =
    node.children?.flatMap((child, i) => (i === index ? editNode(child, rest, edit) : [child])) ?? []
  return [{ tag: node.tag, children }]
}

/** The paths of all elements, the outermost first. */
export function pathsOf(node: DerNode, path: readonly number[] = []): (readonly number[])[] {
  return [path, ...(node.children ?? []).flatMap((child, index) => pathsOf(child, [...path, index]))]
}
