import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { assembleCertificate } from '../../../src/pki/certificate/certificate.ts'
import { decodeCertificate } from '../../../src/pki/certificate/intake.ts'
import { buildTbsCertificate } from '../../../src/pki/certificate/tbs-certificate.ts'
import { encodeCertificatePem, encodeChainPem, encodePem } from '../../../src/pki/pem/pem.ts'
import { readFixture } from '../csr/csr-fixture.ts'
import { refusalOf } from '../refusal.ts'
import { createTestAuthority, deviceContent } from './authority-fixture.ts'

const authority = createTestAuthority()
const tbsDer = buildTbsCertificate(deviceContent(authority))
const der = assembleCertificate(tbsDer, authority.signatureAlgorithm, authority.sign(tbsDer))
const pem = encodeCertificatePem(der)

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))

describe('a certificate is read from', () => {
  it.each([
    ['DER', der],
    ['DER and a line end', Uint8Array.of(...der, 0x0a)],
    ['PEM', bytesOf(pem)],
    ['PEM with CRLF', bytesOf(pem.replaceAll('\n', '\r\n'))],
    ['PEM behind a byte order mark', bytesOf(`\xef\xbb\xbf${pem}`)],
    ['PEM without a last line end', bytesOf(pem.trimEnd())],
    ['PEM behind text, as `openssl x509 -text` writes it', bytesOf(`Certificate:\n    Data: é\n${pem}`)],
    ['the first of a chain', bytesOf(encodeChainPem([der, authority.certificate.der]))],
    ['PEM behind a key', bytesOf(encodePem('EC PRIVATE KEY', der.subarray(0, 90)) + pem)],
    ['PEM with the label X509 CERTIFICATE', bytesOf(encodePem('X509 CERTIFICATE', der))],
    [
      'OpenSSL’s TRUSTED CERTIFICATE',
      bytesOf(encodePem('TRUSTED CERTIFICATE', Uint8Array.of(...der, 0x30, 0)))
    ]
  ])('%s', (_name, input) => {
    const decoded = decodeCertificate(input)
    expect(decoded).toEqual(der)
    expect(decoded).toEqual(new Uint8Array(new X509Certificate(input).raw))
  })
})

describe('no certificate is', () => {
  it.each([
    ['nothing', new Uint8Array()],
    ['a CSR in PEM', readFixture('openssl-p256.pem')],
    ['a CSR in DER', readFixture('certtool-p384.der')],
    [
      'a CSR under the label of a certificate',
      bytesOf(encodePem('CERTIFICATE', readFixture('certtool-p384.der')))
    ],
    [
      'a private key',
      bytesOf('-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n')
    ],
    ['PEM that is cut off', bytesOf(pem.slice(0, 200))],
    ['PEM with another character', bytesOf(pem.replace('MII', 'M*I'))],
    ['DER that is cut off', der.subarray(0, -1)],
    ['bare base64', bytesOf(der.toBase64())],
    ['UTF-16', new Uint8Array(Buffer.from(pem, 'utf16le'))]
  ])('%s', async (_name, input) => {
    const error = await refusalOf(() => decodeCertificate(input))
    expect(error?.code).toBe('certificate_malformed')
    expect(error?.message).not.toContain('MC4CAQ')
    expect(() => new X509Certificate(input)).toThrow()
  })

  it('UTF-16, which is named as such', async () => {
    const error = await refusalOf(() => decodeCertificate(new Uint8Array(Buffer.from(pem, 'utf16le'))))
    expect(error?.message).toContain('UTF-16')
  })

  it('a text of many BEGIN lines, however long', async () => {
    const start = performance.now()
    const error = await refusalOf(() =>
      decodeCertificate(bytesOf('-----BEGIN CERTIFICATE-----\n'.repeat(40_000)))
    )
    expect(error?.code).toBe('certificate_malformed')
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
