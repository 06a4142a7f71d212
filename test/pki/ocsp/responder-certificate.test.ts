import { describe, expect, it } from 'vitest'
import { buildTbsCertificate } from '../../../src/pki/certificate/tbs-certificate.ts'
import {
  buildResponderTbsCertificate,
  lintResponderCertificate
} from '../../../src/pki/ocsp/responder-certificate.ts'
import { createTestAuthority, deviceContent } from '../certificate/authority-fixture.ts'
import { editDer } from '../der/der-edit.ts'
import { pointersOf, refusalOf } from '../refusal.ts'

const authority = createTestAuthority()
const { keyUsage, extendedKeyUsage, subjectNameDer, ...device } = deviceContent(authority)
const content = { ...device, notAfter: new Date(device.notBefore.getTime() + 4 * 86_400_000) }
const expectation = {
  issuer: authority.certificate,
  signatureAlgorithm: authority.signatureAlgorithm,
  spkiDer: content.spkiDer
}
const lint = (tbsDer: Uint8Array) => refusalOf(() => lintResponderCertificate(tbsDer, expectation))
const sound = buildResponderTbsCertificate(content)

describe('the certificate of an OCSP responder', () => {
  it('is named as its issuer is, but for the CommonName', () => {
    expect(lintResponderCertificate(sound, expectation).subject).toEqual({
      Country: 'DE',
      Organization: 'Acme',
      CommonName: 'OCSP responder'
    })
  })

  const own = { ...content, subjectNameDer: lintResponderCertificate(sound, expectation).subjectName.der }
  const as = { keyUsage: ['digitalSignature'], extendedKeyUsage: ['OCSPSigning'], hasNoCheck: true } as const
  it.each([
    ['noCheck', buildTbsCertificate({ ...own, ...as, hasNoCheck: false })],
    ['noCheck', editDer(sound, [7, 0, 5, 1], node => ({ ...node, content: Uint8Array.of(4, 0) }))],
    [
      'responderAlone',
      buildTbsCertificate({ ...own, ...as, extendedKeyUsage: ['OCSPSigning', 'clientAuth'] })
    ],
    [
      'responderAlone',
      buildTbsCertificate({ ...own, ...as, keyUsage: ['digitalSignature', 'keyAgreement'] })
    ],
    ['responderNamed', buildTbsCertificate({ ...own, ...as, subjectNameDer })],
    ['shortLived', buildTbsCertificate({ ...own, ...as, notAfter: device.notAfter })],
    [
      'criticality',
      editDer(sound, [7, 0, 5], ({ children = [], ...node }) => ({
        ...node,
        children: [children[0]!, { tag: 1, content: Uint8Array.of(0xff) }, children[1]!]
      }))
    ],
    ['extensionsKnown', buildTbsCertificate({ ...own, ...as, uris: ['urn:x'] })]
  ])('is refused by %s', async (name, tbsDer) => {
    expect(pointersOf(await lint(tbsDer))).toContain(`/lint/${name}`)
  })
})
