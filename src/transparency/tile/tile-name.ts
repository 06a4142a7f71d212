/** Hashes that a full tile has, and entries that a full bundle has. */
export const tileWidth = 256
/** Of a tree below 2^53 entries, no node is in a higher one. */
const maximumLevel = 6

/** Of a part of a log: c2sp.org/tlog-tiles. */
export interface TileName {
  /** 0 has the hashes of leaves, each further one a hash for 256 of the one below; `entries` are the entries themselves. */
  readonly level: number | 'entries'
  /** From 0, in its level. */
  readonly index: number
  /** How many hashes or entries it has, from 1; below 256 it is a partial one. */
  readonly width: number
}

/** Octets between the slashes of a path: a group of three digits, the last one without `x`. */
const pattern = /^tile\/(0|[1-9][0-9]?|entries)\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/

/**
 * @param path below the prefix of the log, without a slash before it: `tile/0/x001/234.p/17`.
 * @returns undefined for a path that is not written so, and for a tile that no tree below 2^53 entries has.
 */
export function parseTilePath(path: string): TileName | undefined {
  const [, level, index, width] = pattern.exec(path) ?? []
  if (level === undefined || index === undefined) return undefined
  const tile: TileName = {
    level: level === 'entries' ? level : Number(level),
    index: Number(index.replaceAll(/[x/]/g, '')),
    width: width === undefined ? tileWidth : Number(width)
  }
  // A full one with its width, and an index with a group of zeros before it, are written in another way.
  return isTile(tile) && formatTilePath(tile) === path ? tile : undefined
}

function isTile({ level, index, width }: TileName): boolean {
  const height = level === 'entries' ? 0 : level
  return (
    height <= maximumLevel &&
    width <= tileWidth &&
    // Beyond 2^53 numbers are not exact, but stay beyond it.
    (index * tileWidth + width) * tileWidth ** height <= Number.MAX_SAFE_INTEGER
  )
}

/** What `parseTilePath` reads. */
export function formatTilePath({ level, index, width }: TileName): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/[0-9]{3}/g) as string[]
  const path = [...groups.slice(0, -1).map(group => `x${group}`), groups.at(-1)].join('/')
  return `tile/${level}/${path}${width === tileWidth ? '' : `.p/${width}`}`
}

/**
 * How many hashes the tile has in a tree of that size; 0 where it is beyond it.
 *
 * @param size number of entries.
 */
export function widthInTree({ level, index }: Pick<TileName, 'level' | 'index'>, size: number): number {
  const hashes = level === 'entries' ? size : Math.floor(size / tileWidth ** level)
  return Math.max(0, Math.min(tileWidth, hashes - index * tileWidth))
}
