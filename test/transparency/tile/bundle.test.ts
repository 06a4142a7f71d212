import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle } from '../../../src/transparency/tile/bundle.ts'

describe('a bundle', () => {
  it('has each entry behind its length', () => {
    const entries = [Uint8Array.of(7, 8), new Uint8Array(), new Uint8Array(258).fill(9)]
    const octets = encodeBundle(entries)
    expect([...octets.subarray(0, 9)]).toEqual([0, 2, 7, 8, 0, 0, 1, 2, 9])
    expect(decodeBundle(octets)).toEqual(entries)
  })

  it('that ends within an entry or its length is none', () => {
    const entry = fc.uint8Array({ minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), fc.nat(), (entries, some) => {
        const octets = encodeBundle(entries)
        expect(decodeBundle(octets)).toEqual(entries)
        const cut = octets.subarray(0, some % octets.length)
        const read = decodeBundle(cut)
        // A cut between two entries leaves a whole bundle, of fewer.
        if (read !== undefined) expect(encodeBundle(read)).toEqual(cut)
        else expect(encodeBundle(entries.slice(0, -1))).not.toEqual(cut)
      })
    )
  })

  it('takes no entry that its length has no room for', () => {
    expect(encodeBundle([new Uint8Array(65_535)])).toHaveLength(65_537)
    expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(RangeError)
  })
})
