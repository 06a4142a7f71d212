import fc from 'fast-check'
import { assertDerForm } from '../../../src/pki/der/form.ts'
import { createDerRefusal, DerReader } from '../../../src/pki/der/reader.ts'
import { type DerNode, editDer, nodeAt, pathsOf, readNode, writeNode } from './der-edit.ts'

type Mutation = (der: Uint8Array) => Uint8Array

/** One structural change somewhere in DER, some with a part of a donor. */
export const mutationWith = (donors: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Mutation> =>
  fc
    .record({
      at: fc.nat(),
      from: fc.nat(),
      kind: fc.constantFrom(
        'length',
        'tag',
        'remove',
        'duplicate',
        'splice',
        'nest',
        'content',
        'swap',
        'insert'
      ),
      donor: donors,
      octet: fc.integer({ min: 0, max: 255 }),
      bytes: fc.uint8Array({ maxLength: 12 })
    })
    .map(({ at, from, kind, donor, octet: value, bytes }) => der => {
      const tree = readNode(der)
      const paths = pathsOf(tree)
      const path = paths[at % paths.length] as readonly number[]
      const donorTree = readNode(donor)
      const donorPaths = pathsOf(donorTree)
      const graft = nodeAt(donorTree, donorPaths[from % donorPaths.length] as readonly number[])
      return editDer(der, path, node => changed(node, kind, { graft, value, bytes }))
    })

interface Change {
  readonly graft: DerNode
  readonly value: number
  readonly bytes: Uint8Array
}

function changed(node: DerNode, kind: string, { graft, value, bytes }: Change): DerNode | readonly DerNode[] {
  const encoding = writeNode(node)
  switch (kind) {
    case 'length':
      return {
        tag: 0,
        raw: Buffer.concat([encoding.subarray(0, 1), Uint8Array.of(value), encoding.subarray(2)])
      }
    case 'tag':
      return { tag: 0, raw: Buffer.concat([Uint8Array.of(value), encoding.subarray(1)]) }
    case 'remove':
      return []
    case 'duplicate':
      return [node, node]
    case 'splice':
      return graft
    case 'nest':
      return { tag: (value & 1) === 0 ? 0x30 : 0x31, children: [node] }
    case 'swap':
      return { ...node, ...(node.children && { children: node.children.toReversed() }) }
    case 'insert':
      return [node, { tag: 0, raw: bytes }]
    default:
      return { tag: node.tag, content: bytes }
  }
}

/** Changes build on one another while the result can still be taken apart. */
export function mutated(der: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  return mutations.reduce((result, mutate) => (isDerForm(result) ? mutate(result) : result), der)
}

function isDerForm(der: Uint8Array): boolean {
  try {
    assertDerForm(new DerReader(der, createDerRefusal('csr_malformed', 'CSR')))
    return der.length > 0
  } catch {
    return false
  }
}
