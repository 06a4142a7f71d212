import { describe, expect, it } from 'vitest'
import { type LintExpectation, lintTbsCertificate } from '../../../src/pki/certificate/lint.ts'
import { lintChecks } from '../../../src/pki/certificate/lint-checks.ts'
import {
  buildTbsCertificate,
  type TbsCertificateContent
} from '../../../src/pki/certificate/tbs-certificate.ts'
import { type DerNode, editDer } from '../der/der-edit.ts'
import { pointersOf, refusalOf } from '../refusal.ts'
import { createTestAuthority, deviceContent } from './authority-fixture.ts'

const authority = createTestAuthority()
const content = deviceContent(authority)
const sound = buildTbsCertificate(content)
const chainEnd = new Date(content.notAfter.getTime() + 1000)

const expectation: LintExpectation = {
  chainEnd,
  issuer: authority.certificate,
  signatureAlgorithm: authority.signatureAlgorithm,
  spkiDer: content.spkiDer
}
const rsaContent = deviceContent(authority, 'openssl-rsa2048.pem')

const serialNumber = [1]
const subject = [5]
const extensionList = [7, 0]
const extension = (index: number): readonly number[] => [...extensionList, index]
const basicConstraints = 0
const keyUsage = 1
const extendedKeyUsage = 2
const subjectKeyIdentifier = 3

function tbsWith(change: Partial<TbsCertificateContent>, base = content): Uint8Array {
  return buildTbsCertificate({ ...base, ...change })
}

function edit(path: readonly number[], change: (node: DerNode) => DerNode | readonly DerNode[]): Uint8Array {
  return editDer(sound, path, change)
}

/** The subject with its second attribute (CommonName) written in another way. */
function withCommonName(oid: readonly number[], tag: number, text: string): Uint8Array {
  const children = [
    { tag: 0x06, content: Uint8Array.from(oid) },
    { tag, content: Buffer.from(text) }
  ]
  return edit([...subject, 1, 0], () => ({ tag: 0x30, children }))
}

function extensionOf(oidHex: string, valueHex: string, isCritical = false): DerNode {
  const critical: DerNode[] = isCritical ? [{ tag: 0x01, content: Uint8Array.of(0xff) }] : []
  const type = { tag: 0x06, content: Buffer.from(oidHex, 'hex') }
  return { tag: 0x30, children: [type, ...critical, { tag: 0x04, content: Buffer.from(valueHex, 'hex') }] }
}

const without = (index: number): Uint8Array => edit(extension(index), () => [])
const asGeneralizedTime = ({ content: text = new Uint8Array() }: DerNode): DerNode => ({
  tag: 0x18,
  content: Buffer.concat([Buffer.from('20'), text])
})

/** Shorter than the CommonName, so ahead of it in a SET OF. */
const shortOrganization: DerNode = {
  tag: 0x30,
  children: [
    { tag: 0x06, content: Uint8Array.of(0x55, 4, 10) },
    { tag: 0x0c, content: Buffer.from('A') }
  ]
}

/** For each check, certificates that it alone finds fault with. */
const breaches: Readonly<Record<string, readonly Uint8Array[]>> = {
  version: [edit([0, 0], () => ({ tag: 0x02, content: Uint8Array.of(1) })), edit([0], () => [])],
  serialNumberPositive: [
    edit(serialNumber, () => ({ tag: 0x02, content: Uint8Array.of(0x85, 2, 3, 4, 5, 6, 7, 8, 9) }))
  ],
  serialNumberLength: [
    tbsWith({ serialNumber: new Uint8Array(21).fill(1) }),
    tbsWith({ serialNumber: new Uint8Array(20).fill(0xff) })
  ],
  serialNumberEntropy: [tbsWith({ serialNumber: new Uint8Array(7).fill(1) })],
  signatureAlgorithm: [
    tbsWith({ signatureAlgorithm: 'ecdsa-with-SHA384' }),
    tbsWith({ signatureAlgorithm: 'sha256WithRSAEncryption' })
  ],
  issuer: [tbsWith({ issuerNameDer: content.subjectNameDer })],
  validityOrder: [
    tbsWith({ notAfter: content.notBefore }),
    tbsWith({ notBefore: content.notAfter, notAfter: content.notBefore })
  ],
  validityEncoding: [edit([4, 0], asGeneralizedTime), edit([4, 1], asGeneralizedTime)],
  validityWithinIssuer: [tbsWith({ notBefore: new Date('2019-12-31T23:59:59Z') })],
  validityWithinChain: [tbsWith({ notAfter: new Date(chainEnd.getTime() + 1000) })],
  subjectPresent: [edit(subject, () => ({ tag: 0x30, children: [] }))],
  subjectForm: [
    edit([...subject, 1], node => [node, node]),
    edit([...subject, 1], ({ tag, children = [] }) => ({
      tag,
      children: [shortOrganization, ...children]
    }))
  ],
  subjectAttributeTypes: [withCommonName([0x55, 4, 42], 0x0c, 'given name')],
  subjectStringTypes: [withCommonName([0x55, 4, 3], 0x13, 'device-0001')],
  subjectValues: [withCommonName([0x55, 4, 3], 0x0c, 'x'.repeat(65)), withCommonName([0x55, 4, 3], 0x0c, '')],
  publicKey: [tbsWith({ spkiDer: deviceContent(authority, 'openssl-text.pem').spkiDer })],
  extensionsOnce: [edit(extension(extendedKeyUsage), node => [node, node])],
  extensionsKnown: [edit(extension(extendedKeyUsage), node => [node, extensionOf('551d11', '3003820141')])],
  criticality: [
    edit(extension(keyUsage), () => extensionOf('551d0f', '03020780')),
    edit(extension(basicConstraints), () => extensionOf('551d13', '3000')),
    edit(extension(extendedKeyUsage), () => extensionOf('551d25', '300a06082b06010505070302', true))
  ],
  endEntity: [
    edit(extension(basicConstraints), () => extensionOf('551d13', '30030101ff', true)),
    edit(extension(basicConstraints), () => extensionOf('551d13', '3003020100', true)),
    without(basicConstraints)
  ],
  keyUsagePresent: [without(keyUsage), tbsWith({ keyUsage: [] })],
  keyUsageForKey: [
    tbsWith({ keyUsage: ['digitalSignature', 'keyEncipherment'] }),
    tbsWith({ keyUsage: ['dataEncipherment'] }),
    tbsWith({ keyUsage: ['digitalSignature', 'keyCertSign'] }),
    tbsWith({ keyUsage: ['cRLSign'] })
  ],
  extendedKeyUsage: [
    without(extendedKeyUsage),
    tbsWith({ extendedKeyUsage: [] }),
    tbsWith({ extendedKeyUsage: ['clientAuth', 'clientAuth'] }),
    edit(extension(extendedKeyUsage), () => extensionOf('551d25', '30060604551d2500'))
  ],
  subjectKeyIdentifier: [
    without(subjectKeyIdentifier),
    edit(extension(subjectKeyIdentifier), () => extensionOf('551d0e', '040101'))
  ],
  authorityKeyIdentifier: [tbsWith({ authorityKeyIdentifier: new Uint8Array(20) }), without(4)],
  statusAddresses: [
    tbsWith({ addresses: { crl: 'http://pki.example.com/crl' } }),
    tbsWith({ addresses: { ocsp: 'http://pki.example.com/ocsp' } }),
    tbsWith({ addresses: { caIssuers: 'http://pki.example.com/ca.cer' } }),
    edit(extension(extendedKeyUsage), node => [node, extensionOf('551d1f', '3000')])
  ]
}

const unreadable: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(),
  'a trailing byte': Buffer.concat([sound, Uint8Array.of(0)]),
  'a padded serial number': edit(serialNumber, () => ({
    tag: 0x02,
    content: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8)
  })),
  'a time that does not exist': edit([4, 0], () => ({ tag: 0x17, content: Buffer.from('260231000000Z') })),
  'a time without seconds': edit([4, 0], () => ({ tag: 0x17, content: Buffer.from('2602010000Z') })),
  'a time with an offset': edit([4, 0], () => ({ tag: 0x17, content: Buffer.from('260201000000+0100') })),
  'a time with a fraction': edit([4, 1], () => ({ tag: 0x18, content: Buffer.from('20500101000000.5Z') })),
  'a time as text': edit([4, 0], () => ({ tag: 0x13, content: Buffer.from('260201000000Z') })),
  'CA:FALSE written out': edit(extension(basicConstraints), () => extensionOf('551d13', '3003010100', true)),
  'a criticality of FALSE written out': edit([...extension(keyUsage), 1], () => ({
    tag: 0x01,
    content: Uint8Array.of(0)
  })),
  'a keyUsage with trailing zero bits': edit(extension(keyUsage), () =>
    extensionOf('551d0f', '03020080', true)
  ),
  'an empty list of extensions': edit(extensionList, () => ({ tag: 0x30, children: [] })),
  'version 1 written out': edit([0, 0], () => ({ tag: 0x02, content: Uint8Array.of(0) }))
}

describe('the lint of a TBSCertificate', () => {
  it('passes sound ones for EC and RSA keys', () => {
    lintTbsCertificate(sound, expectation)
    lintTbsCertificate(buildTbsCertificate(rsaContent), { ...expectation, spkiDer: rsaContent.spkiDer })
    expect(edit([], node => node)).toEqual(sound)
  })

  it('has a breach in this table for each check', () => {
    expect(lintChecks.map(({ name }) => name)).toEqual(Object.keys(breaches))
  })

  const cases = Object.entries(breaches).flatMap(([name, list]) =>
    list.map((tbs, index) => [name, index, tbs] as const)
  )
  it.each(cases)('%s fires alone (%i)', async (name, _, tbs) => {
    const error = await refusalOf(() => lintTbsCertificate(tbs, expectation))
    expect(error?.code).toBe('lint_failed')
    expect(pointersOf(error)).toEqual([`/lint/${name}`])
  })

  it('the addresses of the status are those that are expected, and no others', async () => {
    const addresses = { crl: 'http://pki.example.com/crl', ocsp: 'http://pki.example.com/ocsp' }
    const tbs = tbsWith({ addresses })
    lintTbsCertificate(tbs, { ...expectation, addresses })
    const others = [
      { ...addresses, crl: 'http://pki.example.com/crm' },
      { ...addresses, caIssuers: 'http://pki.example.com/ca.cer' },
      { crl: addresses.crl },
      { ocsp: addresses.ocsp },
      {}
    ]
    for (const other of others) {
      const error = await refusalOf(() => lintTbsCertificate(tbs, { ...expectation, addresses: other }))
      expect(pointersOf(error)).toEqual(['/lint/statusAddresses'])
    }
  })

  it('a serial number of zero is short, too', async () => {
    const error = await refusalOf(() =>
      lintTbsCertificate(tbsWith({ serialNumber: Uint8Array.of(0) }), expectation)
    )
    expect(pointersOf(error)).toEqual(['/lint/serialNumberPositive', '/lint/serialNumberEntropy'])
  })

  it('keyAgreement is refused for RSA and allowed for EC', async () => {
    const usages = { keyUsage: ['digitalSignature', 'keyAgreement'] } as const
    lintTbsCertificate(tbsWith(usages), expectation)
    const rsaExpectation = { ...expectation, spkiDer: rsaContent.spkiDer }
    const error = await refusalOf(() => lintTbsCertificate(tbsWith(usages, rsaContent), rsaExpectation))
    expect(pointersOf(error)).toEqual(['/lint/keyUsageForKey'])
    lintTbsCertificate(
      tbsWith({ keyUsage: ['digitalSignature', 'keyEncipherment'] }, rsaContent),
      rsaExpectation
    )
  })

  it('a certificate may end with its issuer but not a second later', async () => {
    const issuer = { ...authority.certificate, notAfter: content.notAfter }
    lintTbsCertificate(sound, { ...expectation, issuer })
    const shorter = { ...issuer, notAfter: new Date(content.notAfter.getTime() - 1000) }
    const error = await refusalOf(() => lintTbsCertificate(sound, { ...expectation, issuer: shorter }))
    expect(pointersOf(error)).toEqual(['/lint/validityWithinIssuer'])
  })

  it.each(Object.entries(unreadable))('%s cannot be read', async (_, tbs) => {
    const error = await refusalOf(() => lintTbsCertificate(tbs, expectation))
    expect(error?.code).toBe('lint_failed')
    expect(pointersOf(error)).toEqual(['/lint/der'])
  })
})
