import { concatenate } from '../../../src/pki/der/octets.ts'
import { encodeBundle } from '../../../src/transparency/tile/bundle.ts'
import type { TileReader } from '../../../src/transparency/tile/reading.ts'
import { formatTilePath, tileWidth } from '../../../src/transparency/tile/tile-name.ts'
import { type CompactRange, createCompactRange } from '../../../src/transparency/tree/compact-range.ts'
import { hashLeaf } from '../../../src/transparency/tree/tree-hash.ts'

/** A log in memory, by the octets that each of its tiles has. */
export interface TestLog extends TileReader {
  readonly range: CompactRange
  /** Paths in the order in which they were read. */
  readonly asked: string[]
  append(entries: readonly Uint8Array[]): void
  /** Path and octets of every full tile, and of the partial ones of the size that it has now. */
  files(): ReadonlyMap<string, Uint8Array>
}

export function createLog(entries: readonly Uint8Array[] = []): TestLog {
  const range = createCompactRange()
  const kept: Uint8Array[] = []
  const levels: Uint8Array[][] = []
  const asked: string[] = []
  const octetsOf = (level: number | 'entries', first: number, width: number): Uint8Array => {
    if (level === 'entries') return encodeBundle(kept.slice(first, first + width))
    return concatenate(levels[level]?.slice(first, first + width) ?? [])
  }
  const log: TestLog = {
    range,
    asked,
    append: more => {
      for (const entry of more) {
        kept.push(entry)
        range.append(hashLeaf(entry), (level, hash) => {
          if (level % 8 === 0) (levels[level / 8] ??= []).push(hash)
        })
      }
    },
    files: () => {
      const files = new Map<string, Uint8Array>()
      const counts = [['entries', kept.length] as const, ...levels.map((of, at) => [at, of.length] as const)]
      for (const [level, count] of counts)
        for (let first = 0; first < count; first += tileWidth) {
          const width = Math.min(tileWidth, count - first)
          files.set(formatTilePath({ level, index: first / tileWidth, width }), octetsOf(level, first, width))
        }
      return files
    },
    read: async tiles => {
      asked.push(...tiles.map(formatTilePath))
      return tiles.map(({ level, index, width }) => octetsOf(level, index * tileWidth, width))
    }
  }
  log.append(entries)
  return log
}
