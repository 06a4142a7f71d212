import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { verifyAuthorityChain } from '../../../src/authorities/generations/certificate-chain.ts'
import { importAuthorityKey } from '../../../src/authorities/generations/import-key.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const utf16 = Buffer.from(`\ufeff${pem}`, 'utf16le').toString('latin1')

const ofChain = (chainPem: string) =>
  verifyAuthorityChain(chainPem, { spkiDer: new Uint8Array(), now: new Date(), origin: 'import' })

describe('in the place of PEM', () => {
  it.each<[string, Buffer | string, string, string]>([
    ['a PKCS#12 file', Buffer.from('30820a3b020103308209', 'hex'), 'a PKCS#12 key store', 'openssl pkcs12'],
    ['DER', Buffer.from('308201f130820197a003', 'hex'), 'a certificate in DER', 'openssl x509 -inform DER'],
    ['UTF-16', utf16, 'UTF-16', 'PowerShell'],
    ['UTF-16 without a mark', utf16.slice(2), 'UTF-16', 'PowerShell'],
    ['nothing', '', '0', 'Send the chain']
  ])('%s in a chain is named', async (...row) => {
    const [, sent, found, help] = row
    await expect(ofChain(typeof sent === 'string' ? sent : sent.toString('base64'))).rejects.toMatchObject({
      violations: [{ pointer: '/chain', found, message: expect.stringContaining(help) as unknown }]
    })
  })

  it('a key in UTF-16 is named', () => {
    expect(importAuthorityKey(pem).type).toBe('private')
    for (const text of [utf16, utf16.slice(2)]) expect(() => importAuthorityKey(text)).toThrow(/UTF-16/)
  })
})
