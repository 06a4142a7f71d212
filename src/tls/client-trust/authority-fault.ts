import type { Certificate } from '../../pki/certificate/certificate.ts'
import { extensionOids } from '../../pki/certificate/extension.ts'

/** What is processed here; of what is critical, nothing else may be there (RFC 5280 §4.2). */
const processed: ReadonlySet<string> = new Set([
  extensionOids.keyUsage,
  extensionOids.subjectAlternativeName,
  extensionOids.basicConstraints,
  extensionOids.crlDistributionPoints,
  extensionOids.certificatePolicies,
  extensionOids.extendedKeyUsage
])

/** Why no certificate of a client is taken from this CA; undefined where it is. For a sentence: `…, which is no CA`. */
export function authorityFault(certificate: Certificate): string | undefined {
  const { basicConstraints, keyUsage, all } = certificate.extensions
  if (basicConstraints?.isCa !== true) return 'which is no CA (basicConstraints)'
  if (keyUsage !== undefined && !keyUsage.includes('keyCertSign'))
    return 'which may not sign certificates (keyUsage)'
  if (all.some(({ oid }) => oid === extensionOids.nameConstraints))
    return 'which has nameConstraints: these are not verified here'
  return commonFault(certificate)
}

/** Why it is not the certificate of a TLS client; undefined where it is. */
export function clientFault(certificate: Certificate): string | undefined {
  const { basicConstraints, keyUsage } = certificate.extensions
  if (basicConstraints?.isCa === true) return 'which is of a CA, not of a client'
  if (keyUsage !== undefined && !keyUsage.includes('digitalSignature'))
    return 'whose key may not sign (keyUsage without digitalSignature)'
  return commonFault(certificate)
}

function commonFault({ extensions: { all, extendedKeyUsage } }: Certificate): string | undefined {
  const oids = all.map(({ oid }) => oid)
  const repeated = oids.find((oid, index) => oids.indexOf(oid) !== index)
  if (repeated !== undefined) return `which has the extension ${repeated} twice`
  const unknown = all.find(({ oid, critical }) => critical && !processed.has(oid))
  if (unknown !== undefined) return `which has a critical extension that is not known here (${unknown.oid})`
  if (extendedKeyUsage !== undefined && !extendedKeyUsage.includes('clientAuth'))
    return `which is for other purposes (extendedKeyUsage ${extendedKeyUsage.join(', ')}) than clientAuth`
  return undefined
}
