import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { assembleCertificate } from '../../../src/pki/certificate/certificate.ts'
import { lintTbsCertificate } from '../../../src/pki/certificate/lint.ts'
import { buildTbsCertificate } from '../../../src/pki/certificate/tbs-certificate.ts'
import { encodeCertificatePem, encodeChainPem } from '../../../src/pki/pem/pem.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTestAuthority, deviceContent } from './authority-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'mintline-chain-'))
afterAll(() => rmSync(folder, { recursive: true }))

function run(
  command: string,
  ...args: readonly string[]
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

const authorityKeys = ['P-256', 'P-384', 'P-521', 'RSA'] as const
const deviceFixtures = [
  'openssl-p256.pem',
  'certtool-p384.der',
  'certutil-p521.der',
  'openssl-rsa2048.pem'
] as const
const ends = ['2036-01-01T00:00:00Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z', '9999-12-31T23:59:59Z']

describe.each(authorityKeys)('a chain below a %s authority', key => {
  const authority = createTestAuthority(key)
  const chains = deviceFixtures.map((fixture, index) => {
    const content = { ...deviceContent(authority, fixture), notAfter: new Date(ends[index] as string) }
    const tbsDer = buildTbsCertificate(content)
    const { certificate: issuer, signatureAlgorithm } = authority
    lintTbsCertificate(tbsDer, { issuer, signatureAlgorithm, spkiDer: content.spkiDer })
    const der = assembleCertificate(tbsDer, signatureAlgorithm, authority.sign(tbsDer))
    const name = `${key}-${index}`
    writeFileSync(join(folder, `${name}.pem`), encodeCertificatePem(der))
    writeFileSync(join(folder, `${name}-chain.pem`), encodeChainPem([der, issuer.der]))
    return { name, der }
  })
  writeFileSync(join(folder, `${key}-ca.pem`), encodeCertificatePem(authority.certificate.der))

  it('is accepted by node', () => {
    const issuer = new X509Certificate(authority.certificate.der)
    for (const { der } of chains) {
      const certificate = new X509Certificate(der)
      expect([certificate.checkIssued(issuer), certificate.verify(issuer.publicKey), certificate.ca]).toEqual(
        [true, true, false]
      )
      expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    }
  })

  it('is accepted by openssl verify -x509_strict', needs('openssl'), () => {
    for (const { name } of chains) {
      const { status, output } = run(
        'openssl',
        'verify',
        '-x509_strict',
        '-purpose',
        'sslclient',
        '-CAfile',
        `${key}-ca.pem`,
        `${name}.pem`
      )
      expect([status, output]).toEqual([0, `${name}.pem: OK\n`])
    }
  })

  it('is accepted by certtool --verify', needs('certtool'), () => {
    for (const { name } of chains) {
      const { status, output } = run(
        'certtool',
        '--verify',
        '--load-ca-certificate',
        `${key}-ca.pem`,
        '--infile',
        `${name}-chain.pem`
      )
      expect([
        status,
        output.includes('Chain verification output: Verified. The certificate is trusted.')
      ]).toEqual([0, true])
    }
  })
})
