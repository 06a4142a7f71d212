import { isEqual } from '../der/octets.ts'
import { parseAlternativeNames } from '../name/alternative-names.ts'
import { buildName } from '../name/name.ts'
import type { TbsCertificate } from './certificate.ts'
import { extensionOids } from './extension.ts'
import { holdAgainst } from './lint.ts'
import type { LintCheck, LintExpectation } from './lint-checks.ts'
import { checksWithExtension } from './purpose-checks.ts'
import { buildTbsCertificate, type TbsCertificateContent } from './tbs-certificate.ts'

/** All that the certificate of a station says. Of the CSR nothing but the key is in it. */
export interface StationCertificateContent extends Pick<
  TbsCertificateContent,
  | 'serialNumber'
  | 'signatureAlgorithm'
  | 'issuerNameDer'
  | 'notBefore'
  | 'notAfter'
  | 'spkiDer'
  | 'authorityKeyIdentifier'
> {
  readonly station: string
}

/** By what a station's own certificate names it, in the subjectAltName; the CommonName is the station's name. */
function stationUri(station: string): string {
  return `urn:mintline:station:${station}`
}

/** The DER of the TBSCertificate: as of a device, for a TLS client, and with the station's URI. */
export function buildStationTbsCertificate({ station, ...content }: StationCertificateContent): Uint8Array {
  return buildTbsCertificate({
    ...content,
    subjectNameDer: buildName({ CommonName: station }),
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    uris: [stationUri(station)]
  })
}

interface StationExpectation extends LintExpectation {
  readonly station: string
}

const stationChecks: readonly LintCheck<StationExpectation>[] = [
  ...checksWithExtension(
    extensionOids.subjectAlternativeName,
    'basicConstraints, keyUsage, extKeyUsage, subjectAltName and the two key identifiers alone'
  ),
  {
    name: 'clientAlone',
    source: 'RFC 5280 §4.2.1.12, RFC 8446 §4.4.2.3',
    expected: 'digitalSignature and clientAuth alone',
    check({ tbs: { extensions } }) {
      const found = [...(extensions.keyUsage ?? []), ...(extensions.extendedKeyUsage ?? [])].join(', ')
      return found === 'digitalSignature, clientAuth' ? undefined : found
    }
  },
  {
    name: 'stationNamed',
    source: 'the name of the station',
    expected: 'its name as the CommonName alone, and its URI as the subjectAltName alone',
    check({ tbs, expectation: { station } }) {
      if (!isEqual(tbs.subjectName.der, buildName({ CommonName: station }))) return 'another subject'
      const value = tbs.extensions.all.find(({ oid }) => oid === extensionOids.subjectAlternativeName)?.value
      const { uris, dnsNames } =
        value === undefined ? { uris: [], dnsNames: [] } : parseAlternativeNames(value)
      const names = [...uris, ...dnsNames]
      return names.length === 1 && names[0] === stationUri(station) ? undefined : names.join(', ') || 'none'
    }
  }
]

/** As `lintTbsCertificate`, with the rules for the certificate of a station. @throws MintlineError `lint_failed`. */
export function lintStationCertificate(tbsDer: Uint8Array, expectation: StationExpectation): TbsCertificate {
  return holdAgainst(tbsDer, expectation, stationChecks)
}
