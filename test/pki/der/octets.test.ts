import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareOctets, decodeLatin1, decodeUtf8, encodeUtf8, isEqual } from '../../../src/pki/der/octets.ts'
import { anyCharacter } from './code-point.ts'

const octets = fc.uint8Array({ maxLength: 120 })
const ascii = octets.map(bytes => bytes.map(octet => octet & 0x7f))

describe('octets', () => {
  it('become Latin-1 as Node has it, whatever they are', () => {
    fc.assert(
      fc.property(fc.oneof(octets, ascii), bytes => {
        expect(decodeLatin1(bytes)).toBe(Buffer.from(bytes).toString('latin1'))
      })
    )
  })

  it.each([
    ['of Windows-1252', Uint8Array.of(0x80, 0x9f)],
    ['that UTF-8 replaces one by one', new Uint8Array(60).fill(0xff)],
    ['that are UTF-8', encodeUtf8('ü'.repeat(60))],
    ['that are U+FFFD in UTF-8', encodeUtf8('\uFFFD'.repeat(60))],
    ['with a byte order mark', encodeUtf8(`\uFEFF${'a'.repeat(60)}`)]
  ])('%s become Latin-1 as well', (_name, bytes) => {
    expect(decodeLatin1(bytes)).toBe(Buffer.from(bytes).toString('latin1'))
  })

  it('are made of text, and text of them', () => {
    const text = fc.string({ unit: anyCharacter, maxLength: 120 })
    fc.assert(
      fc.property(text, value => {
        const bytes = encodeUtf8(value)
        expect([...bytes]).toEqual([...Buffer.from(value, 'utf8')])
        expect(decodeUtf8(bytes)).toBe(Buffer.from(bytes).toString('utf8'))
      })
    )
    expect(decodeUtf8(Uint8Array.of(0x41, 0xff))).toBeUndefined()
  })

  it('compare as Node compares them', () => {
    const few = fc.uint8Array({ maxLength: 6, max: 2 })
    fc.assert(
      fc.property(few, few, (a, b) => {
        expect(Math.sign(compareOctets(a, b))).toBe(Buffer.compare(a, b))
        expect(isEqual(a, b)).toBe(Buffer.compare(a, b) === 0)
      })
    )
  })
})
