import { describe, expect, it } from 'vitest'
import { formatVerifierKey, parseVerifierKey } from '../../../src/transparency/note/verifier-key.ts'
import { refusalOf } from '../refusal.ts'
import { createKey } from '../signing.ts'

/** Of Go's checksum database: golang.org/x/mod, cmd/go (BSD-3-Clause, The Go Authors). */
const goSum = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'

describe('a verifier key', () => {
  it('of others is read, and written the same', () => {
    const key = parseVerifierKey(goSum, 1)
    expect(key).toMatchObject({ name: 'sum.golang.org', keyIdHex: '033de0ae', type: 'note' })
    expect(formatVerifierKey(key)).toBe(goSum)
  })

  it.each(['note', 'cosignature', 'postQuantumCosignature'] as const)(
    'of type %s is read as written',
    type => {
      const { verifierKey } = createKey('log.example', type)
      expect(parseVerifierKey(formatVerifierKey(verifierKey), 1)).toEqual(verifierKey)
    }
  )

  it.each([
    ['another key id', goSum.replace('033de0ae', '033de0af')],
    ['another name', goSum.replace('sum', 'sun')],
    ['an unknown type', goSum.replace('+Ac4z', '+As4z')],
    ['a key that is too short', goSum.replace('OuAn8', 'O')],
    ['a key id in capitals', goSum.replace('033de0ae', '033DE0AE')],
    ['something behind it', `${goSum} sum.golang.org`],
    ['no name', goSum.replace('sum.golang.org', '')],
    ['nothing', '']
  ])('with %s is refused', (_, text) => {
    expect(refusalOf(() => parseVerifierKey(text, 7)).line).toBe('line 7')
  })

  it('is refused without a word of the private key that stands in its place', () => {
    const secret = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
    expect(refusalOf(() => parseVerifierKey(secret, 1)).found).toBe('a private key')
  })
})
