import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertSetOfOrder } from '../../../src/pki/der/form.ts'
import { createDerRefusal, DerReader } from '../../../src/pki/der/reader.ts'
import {
  encodeElement,
  encodeNamedBits,
  encodeObjectIdentifier,
  encodeSetOf,
  encodeUnsignedInteger
} from '../../../src/pki/der/writer.ts'

const reader = (der: Uint8Array): DerReader =>
  new DerReader(der, createDerRefusal('internal_error', 'test value'))

describe('what the writer writes, the reader reads', () => {
  it.each([0, 1, 127, 128, 255, 256, 65535, 65536, 70000])('%i bytes of content', length => {
    const content = new Uint8Array(length).fill(7)
    const read = reader(encodeElement(0x04, content)).readOctetString('content')
    expect(Buffer.compare(read, content)).toBe(0)
  })

  it('numbers of any size', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), number => {
        const digits = number.toString(16)
        const magnitude = Buffer.from(digits.padStart(digits.length + (digits.length % 2) + 4, '0'), 'hex')
        const read = reader(encodeUnsignedInteger(magnitude)).readUnsignedInteger('number')
        expect(BigInt(`0x${Buffer.from(read).toString('hex')}`)).toBe(number)
      })
    )
  })

  it('object identifiers', () => {
    const arcs = fc.array(fc.integer({ min: 0, max: 2 ** 48 }), { minLength: 1, maxLength: 8 })
    const roots = fc.oneof(
      fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 39 })),
      fc.tuple(fc.constant(2), fc.integer({ min: 0, max: 2 ** 40 }))
    )
    fc.assert(
      fc.property(roots, arcs, (root, rest) => {
        const dotted = [...root, ...rest].join('.')
        expect(reader(encodeObjectIdentifier(dotted)).readObjectIdentifier('oid')).toBe(dotted)
      })
    )
  })

  it('sets in DER order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 5 })), contents => {
        const set = encodeSetOf(...contents.map(content => encodeElement(0x04, content)))
        assertSetOfOrder(reader(set).readSet('set'))
      })
    )
  })

  it('named bits without trailing zeros', () => {
    expect(Buffer.from(encodeNamedBits([])).toString('hex')).toBe('030100')
    expect(Buffer.from(encodeNamedBits([0])).toString('hex')).toBe('03020780')
    expect(Buffer.from(encodeNamedBits([5, 6])).toString('hex')).toBe('03020106')
    expect(Buffer.from(encodeNamedBits([8])).toString('hex')).toBe('0303070080')
  })
})
