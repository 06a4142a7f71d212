import { describe, expect, it } from 'vitest'
import {
  buildStationTbsCertificate,
  lintStationCertificate
} from '../../../src/pki/certificate/station-certificate.ts'
import { buildTbsCertificate } from '../../../src/pki/certificate/tbs-certificate.ts'
import { editDer, nodeAt, readNode } from '../der/der-edit.ts'
import { pointersOf, refusalOf } from '../refusal.ts'
import { createTestAuthority, deviceContent } from './authority-fixture.ts'

const authority = createTestAuthority()
const { keyUsage, extendedKeyUsage, subjectNameDer, ...content } = deviceContent(authority)
const station = 'station-7'
const expectation = {
  issuer: authority.certificate,
  signatureAlgorithm: authority.signatureAlgorithm,
  spkiDer: content.spkiDer,
  station
}
const lint = (tbsDer: Uint8Array) => refusalOf(() => lintStationCertificate(tbsDer, expectation))
const sound = buildStationTbsCertificate({ ...content, station })

/** Where the subjectAltName is among the extensions. */
const alternativeName = nodeAt(readNode(sound), [7, 0]).children!.findIndex(
  ({ children = [] }) => Buffer.from(children[0]!.content!).toString('hex') === '551d11'
)

describe('the certificate of a station', () => {
  it('passes its lint as it is written', () => {
    expect(lintStationCertificate(sound, expectation).subject).toEqual({ CommonName: station })
  })

  it.each([
    [
      'criticality',
      editDer(sound, [7, 0, alternativeName], ({ children = [], ...node }) => ({
        ...node,
        children: [children[0]!, { tag: 1, content: Uint8Array.of(0xff) }, children[1]!]
      }))
    ],
    ['stationNamed', buildStationTbsCertificate({ ...content, station: 'station-8' })],
    [
      'clientAlone',
      buildTbsCertificate({ ...content, keyUsage, extendedKeyUsage: ['serverAuth'], subjectNameDer })
    ],
    [
      'extensionsKnown',
      buildTbsCertificate({ ...content, keyUsage, extendedKeyUsage, subjectNameDer, hasNoCheck: true })
    ]
  ])('is refused by %s', async (name, tbsDer) => {
    expect(pointersOf(await lint(tbsDer))).toContain(`/lint/${name}`)
  })
})
