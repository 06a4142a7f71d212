import type { Certificate } from 'pkijs'
import { readCertificate } from '../registry/certificates/certificate-reading.ts'
import type { StandInSettings } from '../stand-in-settings.ts'

/** The X.500 attribute behind each parameter that the subject gives (X.520). */
const subjectParameters: Readonly<Record<string, string>> = {
  Country: '2.5.4.6',
  Organization: '2.5.4.10',
  OrganizationalUnit: '2.5.4.11',
  DistinguishedNameQualifier: '2.5.4.46',
  StateName: '2.5.4.8',
  CommonName: '2.5.4.3'
}
const serialNumberAttribute = '2.5.4.5'
const prefix = 'AWS::IoT::Certificate::'

export interface CertificateParameters {
  readonly values: ReadonlyMap<string, string>
  /** Parameters that the certificate could give but does not, and why. */
  readonly withheld: ReadonlyMap<string, string>
}

/** What just-in-time provisioning takes from a certificate: at most the eight parameters that AWS IoT knows. */
export function readCertificateParameters(
  certificatePem: string,
  settings: StandInSettings
): CertificateParameters {
  const { certificateId, x509, parsed } = readCertificate(certificatePem)
  const values = new Map<string, string>()
  const withheld = new Map<string, string>()
  const subject = subjectValues(parsed)
  const take = (suffix: string, attribute: string) => {
    const [first, ...more] = subject.get(attribute) ?? []
    if (first === undefined) return
    if (more.length > 0 && settings.multipleValues === 'refuse')
      withheld.set(prefix + suffix, `the subject has ${more.length + 1} values for it`)
    else values.set(prefix + suffix, settings.subjectCharacters === 'escape' ? escapeValue(first) : first)
  }
  for (const [suffix, attribute] of Object.entries(subjectParameters)) take(suffix, attribute)
  if (settings.serialNumberSource === 'subject') take('SerialNumber', serialNumberAttribute)
  else if (x509.serialNumber.startsWith('-'))
    withheld.set(`${prefix}SerialNumber`, 'the serial number of the certificate is negative')
  else values.set(`${prefix}SerialNumber`, BigInt(`0x${x509.serialNumber}`).toString())
  values.set(`${prefix}Id`, certificateId)
  return { values, withheld }
}

/** The values of each attribute of the subject, in their order, by object identifier. */
export function subjectValues({ subject }: Certificate): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>()
  for (const { type, value } of subject.typesAndValues)
    values.set(type, [...(values.get(type) ?? []), String(value.valueBlock.value)])
  return values
}

/** RFC 4514 §2.4, and the equals sign, which was seen escaped. */
function escapeValue(value: string): string {
  return value.replace(/[,+"\\<>;=]|^[# ]| $/g, character => `\\${character}`)
}
