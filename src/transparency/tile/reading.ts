import { joinSubtrees } from '../tree/compact-range.ts'
import { emptyRoot, hashNode, hashOctets } from '../tree/tree-hash.ts'
import { formatTilePath, type TileName, tileWidth, widthInTree } from './tile-name.ts'

/** Where tiles come from. What it gives is reckoned with, and not believed: proofs and roots show what it is worth. */
export interface TileReader {
  /** @returns the octets of each, in their order. @throws what it throws where one is not there. */
  read(tiles: readonly TileName[]): Promise<readonly Uint8Array[]>
}

/** Leaves from `from` up to, not including, `to`. */
export interface Leaves {
  readonly from: number
  readonly to: number
}

/** Levels of nodes that a tile holds the roots of. */
const tileHeight = 8

/** A full subtree: of 2^level leaves, the number `index` of its level. */
interface Node {
  readonly level: number
  readonly index: number
}

/**
 * The roots of parts of a tree, each as RFC 6962 §2.1 would split it off: its first leaf is a multiple of the least power of two
 * that the part fits in. All tiles are asked for at once, each once, as a tree of that size has them.
 *
 * @param size of the tree, below 2^53.
 * @throws RangeError for tiles of another length than they must have; what the reader throws.
 */
export async function readRoots(
  reader: TileReader,
  size: number,
  parts: readonly Leaves[]
): Promise<readonly Uint8Array[]> {
  const nodesOfParts = parts.map(fullSubtrees)
  const tiles = new Map<string, TileName>()
  for (const node of nodesOfParts.flat()) {
    const tile = tileOf(node, size)
    tiles.set(formatTilePath(tile), tile)
  }
  const octets = await reader.read([...tiles.values()])
  const read = new Map([...tiles].map(([path, tile], at) => [path, checked(tile, octets[at])]))
  return nodesOfParts.map(nodes => {
    const hashes = nodes.map(node => rootOf(node, read.get(formatTilePath(tileOf(node, size)))!))
    return joinSubtrees(hashes) ?? emptyRoot()
  })
}

/** The root that the tree had at that size. As `readRoots`. */
export async function rootAt(reader: TileReader, size: number): Promise<Uint8Array> {
  const [root] = await readRoots(reader, size, [{ from: 0, to: size }])
  return root as Uint8Array
}

/** What a compact range of that size is made of. As `readRoots`. */
export function readCompactHashes(reader: TileReader, size: number): Promise<readonly Uint8Array[]> {
  const subtrees = fullSubtrees({ from: 0, to: size }).map(({ level, index }) => ({
    from: index * 2 ** level,
    to: (index + 1) * 2 ** level
  }))
  return readRoots(reader, size, subtrees)
}

/** The largest first. */
function fullSubtrees({ from, to }: Leaves): readonly Node[] {
  const nodes: Node[] = []
  for (let at = from; at < to;) {
    const level = Math.floor(Math.log2(to - at))
    // Math.log2 rounds up from just below a power of two beyond 2^48.
    const fitting = 2 ** level > to - at ? level - 1 : level
    nodes.push({ level: fitting, index: at / 2 ** fitting })
    at += 2 ** fitting
  }
  return nodes
}

function tileOf({ level, index }: Node, size: number): TileName {
  const tileLevel = Math.floor(level / tileHeight)
  const nodesOfTile = 2 ** (tileHeight * (tileLevel + 1) - level)
  const tile = { level: tileLevel, index: Math.floor(index / nodesOfTile) }
  return { ...tile, width: widthInTree(tile, size) }
}

function checked(tile: TileName, octets: Uint8Array | undefined): Uint8Array {
  if (octets?.length === tile.width * hashOctets) return octets
  throw new RangeError(
    `${formatTilePath(tile)} has ${octets?.length ?? 0} octets, and not ${tile.width * hashOctets}`
  )
}

function rootOf({ level, index }: Node, tile: Uint8Array): Uint8Array {
  const count = 2 ** (level % tileHeight)
  const first = (index * count) % tileWidth
  let hashes = Array.from({ length: count }, (_, at) =>
    tile.subarray((first + at) * hashOctets, (first + at + 1) * hashOctets)
  )
  while (hashes.length > 1)
    hashes = Array.from({ length: hashes.length / 2 }, (_, at) =>
      hashNode(hashes[2 * at] as Uint8Array, hashes[2 * at + 1] as Uint8Array)
    )
  return new Uint8Array(hashes[0] as Uint8Array)
}
