import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64, portable, toBase64, toHex } from '../../../src/pki/der/octet-text.ts'

const octets = fc.uint8Array({ maxLength: 200 })

/** What came of it, whatever that is; not its wording. */
function outcomeOf(decode: () => Uint8Array): unknown {
  try {
    return [...decode()]
  } catch (error) {
    return (error as Error).name
  }
}

describe('where the platform brings no text of octets, it is', () => {
  it('written as where it does', () => {
    fc.assert(
      fc.property(octets, bytes => {
        expect(portable.toHex(bytes)).toBe(toHex(bytes))
        expect(portable.toBase64(bytes)).toBe(toBase64(bytes))
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
      })
    )
  })

  it('read as where it does, and refused as there', () => {
    const almost = fc.tuple(octets, fc.string({ unit: fc.constantFrom(...'A/+=b9-_ \n\v'), maxLength: 4 }))
    fc.assert(
      fc.property(almost, fc.nat(), fc.boolean(), ([bytes, noise], at, isStrict) => {
        const base64 = toBase64(bytes)
        const place = at % (base64.length + 1)
        const text = base64.slice(0, place) + noise + base64.slice(place)
        expect(outcomeOf(() => portable.fromBase64(text, isStrict))).toEqual(
          outcomeOf(() => fromBase64(text, isStrict))
        )
      })
    )
  })

  it.each(['', 'QQ', 'QQ=', 'QQ==', 'QR==', 'QUJ=', 'QUI', 'QUI=', 'Q', 'Q Q = =', 'QQ==QQ=='])(
    '%j',
    text => {
      for (const isStrict of [true, false]) {
        expect(outcomeOf(() => portable.fromBase64(text, isStrict))).toEqual(
          outcomeOf(() => fromBase64(text, isStrict))
        )
      }
    }
  )
})
