import { describe, expect, it } from 'vitest'
import { concatenate } from '../../../src/pki/der/octets.ts'
import { proveConsistency, proveInclusion } from '../../../src/transparency/tile/proving.ts'
import { readCompactHashes, rootAt, type TileReader } from '../../../src/transparency/tile/reading.ts'
import { formatTilePath } from '../../../src/transparency/tile/tile-name.ts'
import { createCompactRange } from '../../../src/transparency/tree/compact-range.ts'
import { isConsistent } from '../../../src/transparency/tree/consistency.ts'
import { isIncluded } from '../../../src/transparency/tree/inclusion.ts'
import { hashLeaf, hashNode } from '../../../src/transparency/tree/tree-hash.ts'
import consistencyVectors from '../../fixtures/transparency/consistency.json' with { type: 'json' }
import inclusionVectors from '../../fixtures/transparency/inclusion.json' with { type: 'json' }
import { entriesOf, naiveConsistency, naiveInclusion } from '../naive-tree.ts'
import { createLog } from './log-in-memory.ts'

/** The leaves of the vectors, as Certificate Transparency has tested with them since its beginning. */
const published = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
  .map(hex => Uint8Array.fromHex(hex)) // prettier-ignore
const base64 = (hashes: readonly Uint8Array[]) => hashes.map(hash => hash.toBase64())
const large = [255, 256, 257, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 66_000]

describe('a proof made of tiles', () => {
  it('is that of the vectors, for every right one', async () => {
    const log = createLog(published)
    const inclusions = inclusionVectors.filter(({ wantErr, treeSize }) => !wantErr && treeSize > 1)
    expect(inclusions.length).toBeGreaterThan(3)
    for (const { leafIdx, treeSize, proof, root } of inclusions) {
      expect(base64(await proveInclusion(log, leafIdx, treeSize))).toEqual(proof ?? [])
      expect((await rootAt(log, treeSize)).toBase64()).toBe(root)
    }
    const consistencies = consistencyVectors.filter(
      ({ wantErr, size1, size2 }) => !wantErr && size1 > 0 && size2 > 1
    )
    expect(consistencies.length).toBeGreaterThan(3)
    for (const { size1, size2, proof, root1 } of consistencies) {
      expect(base64(await proveConsistency(log, size1, size2))).toEqual(proof ?? [])
      expect((await rootAt(log, size1)).toBase64()).toBe(root1)
    }
  })

  it('is that of the definitions, for every entry and size of small trees', async () => {
    const entries = entriesOf(40)
    const log = createLog(entries)
    for (let size = 1; size <= entries.length; size++) {
      const tree = entries.slice(0, size)
      for (let at = 0; at < size; at++) {
        expect(await proveInclusion(log, at, size), `${at} of ${size}`).toEqual(naiveInclusion(at, tree))
        const proof = await proveConsistency(log, at + 1, size)
        expect(proof, `${at + 1} to ${size}`).toEqual(naiveConsistency(at + 1, tree))
      }
    }
  })

  it('holds in trees of several levels of tiles, for sizes at their borders', async () => {
    const entries = entriesOf(large.at(-1)!)
    const log = createLog()
    const heads = large.map(size => {
      log.append(entries.slice(log.range.size, size))
      return { size, root: log.range.root() }
    })
    for (const [at, head] of heads.entries()) {
      expect(await rootAt(log, head.size)).toEqual(head.root)
      for (const index of [0, 1, 254, Math.floor(head.size / 2), head.size - 2, head.size - 1]) {
        const leaf = { index, hash: hashLeaf(entries[index]!) }
        expect(isIncluded(leaf, head, await proveInclusion(log, index, head.size))).toBe(true)
      }
      for (const earlier of heads.slice(0, at)) {
        const proof = await proveConsistency(log, earlier.size, head.size)
        expect(isConsistent(earlier, head, proof), `${earlier.size} to ${head.size}`).toBe(true)
      }
      const range = createCompactRange(head.size, await readCompactHashes(log, head.size))
      expect(range.root()).toEqual(head.root)
    }
  })

  it('asks for each tile once, as wide as the tree has it', async () => {
    const log = createLog(entriesOf(600))
    await proveInclusion(log, 300, 520)
    expect(log.asked.toSorted()).toEqual(['tile/0/001', 'tile/0/002.p/8', 'tile/1/000.p/2'])
    log.asked.length = 0
    await rootAt(log, 512)
    expect(log.asked).toEqual(['tile/1/000.p/2'])
  })

  it('of entries and sizes that there are not is refused', async () => {
    const log = createLog(entriesOf(5))
    for (const [index, size] of [
      [5, 5],
      [0, 0],
      [-1, 5],
      [0.5, 5]
    ] as const)
      // prettier-ignore
      await expect(proveInclusion(log, index, size)).rejects.toThrow(RangeError)
    for (const [from, to] of [
      [0, 5],
      [5, 4],
      [1.5, 5],
      [-1, 5]
    ] as const)
      // prettier-ignore
      await expect(proveConsistency(log, from, to)).rejects.toThrow(RangeError)
  })

  it('is not made of tiles that are shorter or longer than they must be', async () => {
    const log = createLog(entriesOf(300))
    const cut: TileReader = { read: async tiles => (await log.read(tiles)).map(tile => tile.subarray(32)) }
    await expect(proveInclusion(cut, 7, 300)).rejects.toThrow(RangeError)
    const lacking: TileReader = { read: async () => [] }
    await expect(proveConsistency(lacking, 7, 300)).rejects.toThrow(RangeError)
  })

  it('is reckoned beyond 2^32 entries', async () => {
    // Every tile of hashes of one value: all nodes of a level are the same, and so are the subtrees.
    const levels: Uint8Array[] = [new Uint8Array(32).fill(1)]
    for (let level = 1; level < 54; level++) levels.push(hashNode(levels[level - 1]!, levels[level - 1]!))
    const same: TileReader = {
      read: async tiles =>
        tiles.map(({ level, width }) =>
          concatenate(Array.from({ length: width }, () => levels[8 * (level as number)]!))
        )
    }
    for (const size of [2 ** 40 + 1, 2 ** 53 - 1, 2 ** 49 - 1, 2 ** 50 + 2 ** 33]) {
      const tree = { size, root: await rootAt(same, size) }
      for (const index of [0, 2 ** 33 + 5, size - 1]) {
        const proof = await proveInclusion(same, index, size)
        expect(isIncluded({ index, hash: levels[0]! }, tree, proof), `${index} of ${size}`).toBe(true)
      }
      const from = 2 ** 39 + 3
      const earlier = { size: from, root: await rootAt(same, from) }
      expect(isConsistent(earlier, tree, await proveConsistency(same, from, size))).toBe(true)
    }
    expect(formatTilePath({ level: 0, index: 2 ** 45 - 1, width: 255 })).toBe(
      'tile/0/x035/x184/x372/x088/831.p/255'
    )
  })
})
