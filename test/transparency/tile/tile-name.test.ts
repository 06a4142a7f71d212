import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTilePath, parseTilePath, widthInTree } from '../../../src/transparency/tile/tile-name.ts'

describe('the path of a tile', () => {
  it.each([
    ['tile/0/000', { level: 0, index: 0, width: 256 }],
    ['tile/0/000.p/1', { level: 0, index: 0, width: 1 }],
    ['tile/1/x001/000.p/255', { level: 1, index: 1000, width: 255 }],
    ['tile/entries/x001/x234/067', { level: 'entries', index: 1_234_067, width: 256 }],
    ['tile/6/000.p/31', { level: 6, index: 0, width: 31 }]
  ])('%s is read and written', (path, tile) => {
    expect(parseTilePath(path)).toEqual(tile)
    expect(formatTilePath(tile as never)).toBe(path)
  })

  it.each([
    'tile/0/0',
    'tile/0/0000',
    'tile/00/000',
    'tile/-1/000',
    'tile/7/000',
    'tile/64/000',
    'tile/0/x000/001',
    'tile/0/001/002',
    'tile/0/x001',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/999',
    'tile/0/000.p',
    'tile/0/000/',
    '/tile/0/000',
    'tile/entries/000\n',
    'tile/data/000',
    'tile/8/0/000',
    'tile/6/032',
    'tile/0/x999/x999/x999/x999/x999/999',
    'tile/0/x001/x001/x001/x001/x001/x001/001',
    ''
  ])('%j is none', path => {
    expect(parseTilePath(path)).toBeUndefined()
  })

  it('is read as it was written, for every tile that a tree below 2^53 can have', () => {
    const level = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant('entries' as const))
    fc.assert(
      fc.property(level, fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (of, some, width) => {
        const leaves = 256 ** ((of === 'entries' ? 0 : of) + 1)
        const tile = { level: of, index: Math.max(0, Math.floor(some / leaves) - 1), width }
        if (width * (leaves / 256) > Number.MAX_SAFE_INTEGER) return
        expect(parseTilePath(formatTilePath(tile))).toEqual(tile)
      })
    )
  })

  it('says how wide it is in a tree', () => {
    const size = 256 * 256 + 256 + 7
    const width = (level: number | 'entries', index: number) => widthInTree({ level, index }, size)
    expect([width(0, 0), width(0, 257), width('entries', 257), width(0, 258)]).toEqual([256, 7, 7, 0])
    expect([width(1, 0), width(1, 1), width(1, 2), width(2, 0), width(3, 0)]).toEqual([256, 1, 0, 1, 0])
  })
})
