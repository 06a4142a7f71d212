import { toHex } from '../der/octet-text.ts'
import { isEqual } from '../der/octets.ts'
import { tagName } from '../der/tag.ts'
import { timeTagOf } from '../der/time.ts'
import { keyIdentifierOf } from '../key/key-identifier.ts'
import { type SignatureAlgorithm, signatureAlgorithmDer } from '../key/signature-algorithm.ts'
import { attributeTypeOf } from '../name/attribute-type.ts'
import { encodingViolations } from '../name/name.ts'
import {
  describeAddresses,
  differingAddresses,
  type StatusAddresses,
  statusAddressOids
} from './addresses/status-addresses.ts'
import type { TbsCertificate } from './certificate.ts'
import { type Extension, extensionOids, type KeyUsage } from './extension.ts'

/** What a certificate must agree with besides the standards. */
export interface LintExpectation {
  readonly issuer: {
    readonly subjectNameDer: Uint8Array
    readonly notBefore: Date
    readonly notAfter: Date
    readonly subjectKeyIdentifier: Uint8Array
  }
  /** When the first of the issuer and the CAs above it ends; the issuer's end unless given. */
  readonly chainEnd?: Date
  readonly signatureAlgorithm: SignatureAlgorithm
  /** Of the CSR. */
  readonly spkiDer: Uint8Array
  /** Where its status is to be had; nowhere unless given. */
  readonly addresses?: StatusAddresses
}

interface LintContext<Expectation extends LintExpectation> {
  readonly tbs: TbsCertificate
  readonly expectation: Expectation
}

export interface LintCheck<Expectation extends LintExpectation = LintExpectation> {
  readonly name: string
  readonly source: string
  readonly expected: string
  /** What was found instead, or `undefined` when the rule holds. */
  readonly check: (context: LintContext<Expectation>) => string | undefined
}

const forbiddenUsages: Readonly<Record<string, readonly KeyUsage[]>> = {
  ec: ['keyEncipherment', 'dataEncipherment', 'keyCertSign', 'cRLSign'],
  rsa: ['keyAgreement', 'encipherOnly', 'decipherOnly', 'keyCertSign', 'cRLSign']
}

/** The extensions of a device certificate and whether each is critical. */
export const deviceCriticalities: ReadonlyMap<string, boolean> = new Map([
  [extensionOids.basicConstraints, true],
  [extensionOids.keyUsage, true],
  [extensionOids.extendedKeyUsage, false],
  [extensionOids.subjectKeyIdentifier, false],
  [extensionOids.authorityKeyIdentifier, false]
])

/** Those that it may have besides; whether it is to have them, `statusAddresses` says. */
const allCriticalities: ReadonlyMap<string, boolean> = new Map([
  ...deviceCriticalities,
  ...statusAddressOids.map(oid => [oid, false] as const)
])

/** The rules for a device certificate; each says where it comes from. */
export const lintChecks: readonly LintCheck[] = [
  {
    name: 'version',
    source: 'RFC 5280 §4.1.2.1',
    expected: 'v3',
    check: ({ tbs }) => (tbs.version === 2 ? undefined : `v${tbs.version + 1}`)
  },
  {
    name: 'serialNumberPositive',
    source: 'RFC 5280 §4.1.2.2',
    expected: 'a serial number above zero',
    check: ({ tbs: { serialNumber } }) => {
      if ((serialNumber[0] as number) >= 0x80) return 'a negative number'
      return serialNumber.every(octet => octet === 0) ? 'zero' : undefined
    }
  },
  {
    name: 'serialNumberLength',
    source: 'RFC 5280 §4.1.2.2',
    expected: 'a serial number of at most 20 octets',
    check: ({ tbs }) => unless(tbs.serialNumber.length <= 20, `${tbs.serialNumber.length} octets`)
  },
  {
    name: 'serialNumberEntropy',
    source: 'CA/Browser Forum Baseline Requirements §7.1',
    expected: 'room for 64 random bits: at least 8 octets',
    check: ({ tbs }) => unless(tbs.serialNumber.length >= 8, `${tbs.serialNumber.length} octets`)
  },
  {
    name: 'signatureAlgorithm',
    source: 'RFC 5280 §4.1.2.3',
    expected: "the signer's algorithm",
    check: ({ tbs, expectation }) =>
      unless(
        isEqual(tbs.signatureAlgorithm.der, signatureAlgorithmDer(expectation.signatureAlgorithm)),
        tbs.signatureAlgorithm.found
      )
  },
  {
    name: 'issuer',
    source: 'RFC 5280 §4.1.2.4',
    expected: "the issuing authority's subject, byte for byte",
    check: ({ tbs, expectation }) =>
      unless(isEqual(tbs.issuerName.der, expectation.issuer.subjectNameDer), 'another name')
  },
  {
    name: 'validityOrder',
    source: 'RFC 5280 §4.1.2.5',
    expected: 'notBefore ahead of notAfter',
    check: ({ tbs: { notBefore, notAfter } }) =>
      notBefore < notAfter ? undefined : `${iso(notBefore)} to ${iso(notAfter)}`
  },
  {
    name: 'validityEncoding',
    source: 'RFC 5280 §4.1.2.5',
    expected: 'UTCTime through 2049, GeneralizedTime from 2050',
    check: ({ tbs: { validity } }) => {
      const wrong = Object.values(validity).find(({ date, tag }) => tag !== timeTagOf(date))
      return wrong && `${iso(wrong.date)} as ${tagName(wrong.tag)}`
    }
  },
  {
    name: 'validityWithinIssuer',
    source: 'RFC 5280 §6.1.3 (a)(2)',
    expected: "a validity inside the issuer's",
    check: ({ tbs: { notBefore, notAfter }, expectation: { issuer } }) =>
      notBefore >= issuer.notBefore && notAfter <= issuer.notAfter
        ? undefined
        : `${iso(notBefore)} to ${iso(notAfter)}, issuer ${iso(issuer.notBefore)} to ${iso(issuer.notAfter)}`
  },
  {
    name: 'validityWithinChain',
    source: 'RFC 5280 §6.1.3 (a)(2)',
    expected: 'an end no later than the first of the CAs above',
    check: ({ tbs: { notAfter }, expectation: { chainEnd } }) =>
      chainEnd === undefined || notAfter <= chainEnd
        ? undefined
        : `${iso(notAfter)}, the first CA above ends ${iso(chainEnd)}`
  },
  {
    name: 'subjectPresent',
    source: 'RFC 5280 §4.1.2.6',
    expected: 'a subject with at least one attribute, since there is no subjectAltName',
    check: ({ tbs }) => unless(tbs.subjectName.attributes.length > 0, 'an empty subject')
  },
  {
    name: 'subjectForm',
    source: 'X.520 §6, RFC 5280 §4.1.2.6',
    expected: 'each attribute once, in an RDN of its own, as readable text',
    check: ({ tbs }) => tbs.subjectName.violations[0]?.found
  },
  {
    name: 'subjectAttributeTypes',
    source: 'the closed list of subject fields',
    expected: 'attributes of these types alone',
    check: ({ tbs }) => tbs.subjectName.attributes.find(({ field }) => field === undefined)?.name
  },
  {
    name: 'subjectStringTypes',
    source: 'RFC 5280 §4.1.2.4, Appendix A.1',
    expected: 'PrintableString for Country, dnQualifier and serialNumber, UTF8String for the rest',
    check: ({ tbs }) => {
      const wrong = tbs.subjectName.attributes.find(
        ({ field, tag }) => field !== undefined && tag !== attributeTypeOf(field).stringTag
      )
      return wrong && `${wrong.name} as ${tagName(wrong.tag)}`
    }
  },
  {
    name: 'subjectValues',
    source: 'RFC 5280 Appendix A.1 (upper bounds), ISO 3166-1',
    expected: 'values within their lengths and alphabets',
    check: ({ tbs }) => {
      for (const { field, value } of tbs.subjectName.attributes) {
        const violation = field && encodingViolations(field, value)[0]
        if (violation !== undefined) return `${violation.found} in ${field}`
      }
      return undefined
    }
  },
  {
    name: 'publicKey',
    source: 'RFC 2986 §3',
    expected: "the CSR's public key, byte for byte",
    check: ({ tbs, expectation }) =>
      unless(isEqual(tbs.subjectPublicKeyInfo.der, expectation.spkiDer), 'another key')
  },
  {
    name: 'extensionsOnce',
    source: 'RFC 5280 §4.2',
    expected: 'each extension once',
    check: ({ tbs: { extensions } }) => {
      const oids = extensions.all.map(({ oid }) => oid)
      const repeated = oids.find((oid, index) => oids.indexOf(oid) !== index)
      return repeated && `${repeated} again`
    }
  },
  {
    name: 'extensionsKnown',
    source: 'the closed list of extensions',
    expected:
      'basicConstraints, keyUsage, extKeyUsage, the two key identifiers and the addresses of its status alone',
    check: ({ tbs }) => tbs.extensions.all.find(({ oid }) => !allCriticalities.has(oid))?.oid
  },
  {
    name: 'criticality',
    source: 'RFC 5280 §4.2.1',
    expected: 'basicConstraints and keyUsage critical, the others not',
    check: ({ tbs }) => {
      const isWrong = ({ oid, critical }: Extension): boolean =>
        (allCriticalities.get(oid) ?? critical) !== critical
      const wrong = tbs.extensions.all.find(isWrong)
      return wrong && `${wrong.oid} ${wrong.critical ? '' : 'not '}critical`
    }
  },
  {
    name: 'endEntity',
    source: 'RFC 5280 §4.2.1.9',
    expected: 'basicConstraints with CA:FALSE and no path length',
    check: ({ tbs: { extensions } }) => {
      if (extensions.basicConstraints === undefined) return 'no basicConstraints'
      const { isCa, pathLength } = extensions.basicConstraints
      if (isCa) return 'CA:TRUE'
      return unless(pathLength === undefined, `path length ${pathLength}`)
    }
  },
  {
    name: 'keyUsagePresent',
    source: 'RFC 5280 §4.2.1.3',
    expected: 'keyUsage with at least one bit',
    check: ({ tbs: { extensions } }) => unless((extensions.keyUsage ?? []).length > 0, 'none')
  },
  {
    name: 'keyUsageForKey',
    source: 'RFC 5480 §3, RFC 3279 §2.3.1, RFC 5280 §4.2.1.3',
    expected: 'key usages that the key can serve and a device may have',
    check: ({ tbs: { extensions, subjectPublicKeyInfo } }) => {
      const forbidden = forbiddenUsages[subjectPublicKeyInfo.key.type] ?? []
      return extensions.keyUsage?.find(usage => forbidden.includes(usage))
    }
  },
  {
    name: 'extendedKeyUsage',
    source: 'RFC 5280 §4.2.1.12',
    expected: 'at least one purpose, each once, none of them anyExtendedKeyUsage',
    check: ({ tbs: { extensions } }) => {
      const purposes = extensions.extendedKeyUsage ?? []
      if (purposes.length === 0) return 'none'
      if (new Set(purposes).size < purposes.length) return 'a repeated purpose'
      return unless(!purposes.includes('2.5.29.37.0'), 'anyExtendedKeyUsage')
    }
  },
  {
    name: 'subjectKeyIdentifier',
    source: 'RFC 5280 §4.2.1.2, RFC 7093 §2',
    expected: 'the key identifier of the certified key',
    check: ({ tbs: { extensions, subjectPublicKeyInfo } }) =>
      differing(extensions.subjectKeyIdentifier, keyIdentifierOf(subjectPublicKeyInfo.subjectPublicKey))
  },
  {
    name: 'authorityKeyIdentifier',
    source: 'RFC 5280 §4.2.1.1',
    expected: "the issuer's SubjectKeyIdentifier",
    check: ({ tbs: { extensions }, expectation }) =>
      differing(extensions.authorityKeyIdentifier, expectation.issuer.subjectKeyIdentifier)
  },
  {
    name: 'statusAddresses',
    source: 'RFC 5280 §4.2.1.13, §4.2.2.1',
    expected: 'the addresses of its status that the profile asks for, and no others',
    check: ({ tbs: { extensions }, expectation: { addresses = {} } }) => {
      const found = differingAddresses(extensions.all, addresses)
      return found && `${found} instead of ${describeAddresses(addresses)}`
    }
  }
]

/** `found` is made in any case, so it must be cheap. */
function unless(holds: boolean, found: string): string | undefined {
  return holds ? undefined : found
}

function differing(found: Uint8Array | undefined, expected: Uint8Array): string | undefined {
  if (found === undefined) return 'none'
  return unless(isEqual(found, expected), `another one: ${toHex(found)}`)
}

function iso(date: Date): string {
  return date.toISOString()
}
