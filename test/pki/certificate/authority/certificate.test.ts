import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseAuthorityCertificate } from '../../../../src/pki/certificate/authority/certificate.ts'
import {
  examineAuthorityCertificate,
  lintAuthorityCertificate
} from '../../../../src/pki/certificate/authority/lint.ts'
import { buildAuthorityTbsCertificate } from '../../../../src/pki/certificate/authority/tbs-certificate.ts'
import { assembleCertificate, verifyIssuedCertificate } from '../../../../src/pki/certificate/certificate.ts'
import { buildTbsCertificate } from '../../../../src/pki/certificate/tbs-certificate.ts'
import { type DerNode, editDer } from '../../der/der-edit.ts'
import { platformKey } from '../../key/platform-key.ts'
import { pointersOf, refusalOf } from '../../refusal.ts'
import { createTestAuthority, deviceContent } from '../authority-fixture.ts'

const authority = createTestAuthority()
const { der } = authority.certificate
const extensions = [0, 7, 0]

function edit(path: readonly number[], change: (node: DerNode) => DerNode | readonly DerNode[]): Uint8Array {
  return editDer(der, path, change)
}

const removed = (): DerNode[] => []
const octets = (hex: string) => (): DerNode => ({ tag: 0x04, content: Buffer.from(hex, 'hex') })

describe('an authority certificate', () => {
  it.each(['P-256', 'P-384', 'P-521', 'RSA'] as const)('for a %s key is sound and self-signed', async key => {
    const { certificate, publicKey } = createTestAuthority(key)
    lintAuthorityCertificate(certificate.der)
    expect(certificate).toMatchObject({
      isSelfSigned: true,
      pathLength: 0,
      keyUsage: ['keyCertSign', 'cRLSign']
    })
    expect(Buffer.from(certificate.spkiDer)).toEqual(publicKey.export({ type: 'spki', format: 'der' }))
    expect(new X509Certificate(certificate.der).verify(publicKey)).toBe(true)
    expect(new X509Certificate(certificate.der).ca).toBe(true)
  })

  it('keeps what it was told, on both sides of 2050', () => {
    const told = {
      serialNumber: Uint8Array.of(0x7f, 1, 2, 3, 4, 5, 6, 7),
      signatureAlgorithm: authority.signatureAlgorithm,
      subject: { CommonName: 'Größe', Country: 'DE' },
      notBefore: new Date('2049-12-31T23:59:59Z'),
      notAfter: new Date('2050-01-01T00:00:00Z'),
      spkiDer: authority.certificate.spkiDer
    }
    const tbsDer = buildAuthorityTbsCertificate(told)
    const certificateDer = assembleCertificate(tbsDer, told.signatureAlgorithm, authority.sign(tbsDer))
    lintAuthorityCertificate(certificateDer)
    const { notBefore, notAfter, pathLength } = parseAuthorityCertificate(certificateDer)
    expect({ notBefore, notAfter, pathLength }).toEqual({
      notBefore: told.notBefore,
      notAfter: told.notAfter,
      pathLength: undefined
    })
  })

  const unusable: Readonly<Record<string, Uint8Array>> = {
    'a device certificate': (() => {
      const tbs = buildTbsCertificate(deviceContent(authority))
      return assembleCertificate(tbs, authority.signatureAlgorithm, authority.sign(tbs))
    })(),
    'no basicConstraints': edit([...extensions, 0], removed),
    'CA:FALSE': edit([...extensions, 0, 2], octets('3000')),
    'no keyCertSign': edit([...extensions, 1, 2], octets('03020102')),
    'no SubjectKeyIdentifier': edit([...extensions, 2], removed),
    'an empty subject': edit([0, 5], () => ({ tag: 0x30, children: [] })),
    'no extensions': edit([0, 7], removed),
    'a trailing byte': Buffer.concat([der, Uint8Array.of(0)]),
    'no bytes': new Uint8Array()
  }
  it.each(Object.entries(unusable))('with %s is unusable', async (_, bytes) => {
    expect((await refusalOf(() => parseAuthorityCertificate(bytes)))?.code).toBe('key_unusable')
  })

  const unsound: Readonly<Record<string, readonly [string, Uint8Array]>> = {
    'version 1': ['version', edit([0, 0], removed)],
    'a negative serial number': [
      'serialNumber',
      edit([0, 1], () => ({ tag: 2, content: Uint8Array.of(0x85, 1) }))
    ],
    'a serial number of 21 octets': [
      'serialNumber',
      edit([0, 1], () => ({ tag: 2, content: new Uint8Array(21).fill(1) }))
    ],
    'another algorithm outside': [
      'signatureAlgorithm',
      assembleCertificate(tbsOf(), 'ecdsa-with-SHA512', new Uint8Array(8))
    ],
    'a UTCTime year written in full': [
      'validity',
      edit([0, 4, 0], () => ({ tag: 0x18, content: Buffer.from('20200101000000Z') }))
    ],
    'an empty subject': ['subjectPresent', edit([0, 5], () => ({ tag: 0x30, children: [] }))],
    'a key on secp256k1': [
      'publicKey',
      edit([0, 6, 0, 1], () => ({ tag: 6, content: Buffer.from('2b8104000a', 'hex') }))
    ],
    'an extension twice': ['extensionsOnce', edit([...extensions, 2], node => [node, node])],
    'CA:TRUE not critical': ['authority', edit([...extensions, 0, 1], removed)],
    'no keyUsage': ['keyUsage', edit([...extensions, 1], removed)],
    'keyUsage not critical': ['keyUsage', edit([...extensions, 1, 1], removed)],
    'keyUsage without cRLSign': ['keyUsage', edit([...extensions, 1, 2], octets('03020204'))],
    'an empty SubjectKeyIdentifier': ['subjectKeyIdentifier', edit([...extensions, 2, 1], octets('0400'))],
    'a critical AuthorityKeyIdentifier': [
      'authorityKeyIdentifier',
      edit([...extensions, 3, 0], node => [node, { tag: 1, content: Uint8Array.of(0xff) }])
    ]
  }
  it.each(Object.entries(unsound))('with %s is found unsound', async (_, [check, bytes]) => {
    const error = await refusalOf(() => lintAuthorityCertificate(bytes))
    expect(error?.code).toBe('lint_failed')
    expect(pointersOf(error)).toContain(`/lint/${check}`)
  })

  it.each(['CA:TRUE not critical', 'no keyUsage', 'keyUsage not critical', 'keyUsage without cRLSign'])(
    'with %s is irregular, not flawed',
    flaw => {
      const [check, bytes] = unsound[flaw]!
      const { flaws, irregularities } = examineAuthorityCertificate(bytes)
      expect([flaws, irregularities.map(({ pointer }) => pointer)]).toEqual([[], [`/lint/${check}`]])
    }
  )

  it('without keyUsage restricts nothing', () => {
    expect(parseAuthorityCertificate(unsound['no keyUsage']![1]).keyUsage).toBe(undefined)
  })

  it('with keyUsage and no keyCertSign is flawed', () => {
    expect(examineAuthorityCertificate(unusable['no keyCertSign']!).flaws).toMatchObject([
      { pointer: '/lint/keyUsage' }
    ])
  })

  it('has the key identifier that it was told', () => {
    const subjectKeyIdentifier = Uint8Array.of(1, 2, 3)
    const tbsDer = buildAuthorityTbsCertificate({
      serialNumber: Uint8Array.of(1),
      signatureAlgorithm: authority.signatureAlgorithm,
      subject: { CommonName: 'Adopted' },
      issuer: authority.certificate,
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2030-01-01T00:00:00Z'),
      spkiDer: authority.certificate.spkiDer,
      subjectKeyIdentifier
    })
    const signed = assembleCertificate(tbsDer, authority.signatureAlgorithm, authority.sign(tbsDer))
    expect(parseAuthorityCertificate(signed).subjectKeyIdentifier).toEqual(subjectKeyIdentifier)
  })

  it('is not self-signed when it names another key as its issuer’s', () => {
    const other = edit([...extensions, 3, 1], octets('30038001aa'))
    expect(parseAuthorityCertificate(other).isSelfSigned).toBe(false)
  })

  it('verifies like any fresh certificate', async () => {
    await verifyIssuedCertificate({
      certificateDer: der,
      tbsDer: tbsOf(),
      issuerPublicKey: await platformKey(authority.publicKey),
      signatureAlgorithm: authority.signatureAlgorithm
    })
  })
})

function tbsOf(): Uint8Array {
  return editDer(der, [], ({ children = [] }) => children[0] as DerNode)
}
