/** Where a node is in its level, and where that level ends. */
export interface Path {
  readonly node: number
  readonly last: number
}

/** Bits are reckoned by division: operators on bits know numbers below 2^32 alone. */
export function up({ node, last }: Path): Path {
  return { node: Math.floor(node / 2), last: Math.floor(last / 2) }
}

/** Past the levels on which the node has no sibling. */
export function upToRight(path: Path): Path {
  let at = path
  while (!isRight(at.node) && at.node !== 0) at = up(at)
  return at
}

export function isRight(node: number): boolean {
  return node % 2 === 1
}
