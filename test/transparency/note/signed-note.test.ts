import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { verifyMessage } from '../../../src/pki/crypto/node-crypto.ts'
import { encodeUtf8 } from '../../../src/pki/der/octets.ts'
import { formatSignedNote, parseSignedNote } from '../../../src/transparency/note/signed-note.ts'
import { parseVerifierKey } from '../../../src/transparency/note/verifier-key.ts'
import { decodeText } from '../../../src/transparency/text.ts'
import { refusalOf } from '../refusal.ts'

/** Of the documentation of golang.org/x/mod/sumdb/note (BSD-3-Clause, The Go Authors). */
const goKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const goNote = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`

describe('a signed note', () => {
  it('of Go is read, and its signature is right', async () => {
    const { text, signatures } = parseSignedNote(goNote)
    const key = parseVerifierKey(goKey, 1)
    const [signature] = signatures
    expect(signatures).toHaveLength(1)
    expect(signature).toMatchObject({ name: key.name, keyIdHex: key.keyIdHex })
    const signed = { algorithm: 'Ed25519' as const, publicKey: key.publicKey, signature: signature!.octets }
    expect(await verifyMessage({ ...signed, message: encodeUtf8(text) })).toBe(true)
    expect(await verifyMessage({ ...signed, message: encodeUtf8(`${text}\n`) })).toBe(false)
  })

  it('is written as it was read', () => {
    expect(formatSignedNote(parseSignedNote(goNote))).toBe(goNote)
  })

  const signature = '— name AAAAAAA=\n'
  it.each([
    ['no signature', 'text\n\n', 'line 3'],
    ['no empty line', 'text\n', 'line 2'],
    ['a hyphen in the place of the em dash', 'text\n\n- name AAAAAAA=\n', 'line 3'],
    ['a name with a plus', 'text\n\n— na+me AAAAAAA=\n', 'line 3'],
    ['no name', 'text\n\n—  AAAAAAA=\n', 'line 3'],
    ['two spaces', 'text\n\n— name  AAAAAAA=\n', 'line 3'],
    ['a space of another kind in the name', 'text\n\n— na\u2003me AAAAAAA=\n', 'line 3'],
    ['a key id alone', 'text\n\n— name AAAAAA==\n', 'line 3'],
    ['base64 without padding', 'text\n\n— name AAAAAAA\n', 'line 3'],
    ['base64 with bits behind its end', 'text\n\n— name AAAAAAB=\n', 'line 3'],
    ['base64 of URLs', 'text\n\n— name AAAA-AA=\n', 'line 3'],
    ['something behind the signatures', `text\n\n${signature}more\n`, 'line 4'],
    ['33 signatures', `text\n\n${signature.repeat(33)}`, 'line 35']
  ])('with %s is refused', (_, note, line) => {
    expect(refusalOf(() => parseSignedNote(note)).line).toBe(line)
  })

  it.each([
    ['a carriage return', encodeUtf8('text\r\n'), 'line 1'],
    ['a tab', encodeUtf8('text\nmore\t\n'), 'line 2'],
    ['no newline at the end', encodeUtf8('text\nmore'), 'line 2'],
    ['nothing', new Uint8Array(), 'line 1'],
    ['octets that are no UTF-8', Uint8Array.of(0xc3, 0x28, 10), 'line 1']
  ])('of %s is no text', (_, octets, line) => {
    expect(refusalOf(() => decodeText(octets)).line).toBe(line)
  })

  it('of whatever octets is read or refused', () => {
    const parts = fc.constantFrom('\n', '\n\n', '— ', 'name ', 'AAAAAAA=', '+', ' ', '\u2003', 'é')
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 30 }), texts => {
        try {
          const note = parseSignedNote(decodeText(encodeUtf8(texts.join(''))))
          expect(formatSignedNote(note)).toBe(texts.join(''))
        } catch (error) {
          expect(isMintlineError(error, 'note_malformed')).toBe(true)
        }
      })
    )
  })
})
