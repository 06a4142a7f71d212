import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  type AuthorityCertificate,
  parseAuthorityCertificate
} from '../../../src/pki/certificate/authority/certificate.ts'
import { buildAuthorityTbsCertificate } from '../../../src/pki/certificate/authority/tbs-certificate.ts'
import { assembleCertificate } from '../../../src/pki/certificate/certificate.ts'
import type { TbsCertificateContent } from '../../../src/pki/certificate/tbs-certificate.ts'
import { parseCertificationRequest } from '../../../src/pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../../src/pki/csr/intake.ts'
import {
  authoritySignatureAlgorithm,
  hashNameOf,
  type SignatureAlgorithm
} from '../../../src/pki/key/signature-algorithm.ts'
import { buildName } from '../../../src/pki/name/name.ts'
import { readFixture } from '../csr/csr-fixture.ts'
import { rsaKeyPair } from '../key/rsa-key.ts'

export type AuthorityKey = 'P-256' | 'P-384' | 'P-521' | 'RSA'

export interface TestAuthority {
  readonly certificate: AuthorityCertificate
  readonly publicKey: KeyObject
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly sign: (tbsDer: Uint8Array) => Uint8Array
}

/** A self-signed authority valid from 2020 through 9999. */
export function createTestAuthority(key: AuthorityKey = 'P-256'): TestAuthority {
  const { publicKey, privateKey } =
    key === 'RSA' ? rsaKeyPair() : generateKeyPairSync('ec', { namedCurve: key })
  const spkiDer = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  const signatureAlgorithm = authoritySignatureAlgorithm(spkiDer)
  const signBytes = (bytes: Uint8Array): Uint8Array => sign(hashNameOf(signatureAlgorithm), bytes, privateKey)
  const tbsDer = buildAuthorityTbsCertificate({
    serialNumber: Uint8Array.of(0x85, 1, 2, 3, 4, 5, 6, 7, 8),
    signatureAlgorithm,
    subject: { Country: 'DE', Organization: 'Acme', CommonName: `Acme ${key} authority` },
    notBefore: new Date('2020-01-01T00:00:00Z'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
    spkiDer,
    pathLength: 0
  })
  const certificate = parseAuthorityCertificate(
    assembleCertificate(tbsDer, signatureAlgorithm, signBytes(tbsDer))
  )
  return { certificate, publicKey, signatureAlgorithm, sign: signBytes }
}

/** A sound device certificate for the key of a CSR fixture. */
export function deviceContent(authority: TestAuthority, fixture = 'openssl-p256.pem'): TbsCertificateContent {
  const { spkiDer } = parseCertificationRequest(decodeCertificationRequest(readFixture(fixture)))
  return {
    serialNumber: Uint8Array.of(0x45, 0xff, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16),
    signatureAlgorithm: authority.signatureAlgorithm,
    issuerNameDer: authority.certificate.subjectNameDer,
    notBefore: new Date('2026-01-02T03:04:05Z'),
    notAfter: new Date('2036-01-02T03:04:05Z'),
    subjectNameDer: buildName({ Country: 'US', CommonName: 'device-0001', SerialNumber: '7' }),
    spkiDer,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    authorityKeyIdentifier: authority.certificate.subjectKeyIdentifier
  }
}
