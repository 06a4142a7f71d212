import { encodeUtf8 } from '../der/octets.ts'
import type { DerReader } from '../der/reader.ts'
import { tags } from '../der/tag.ts'
import {
  encodeBoolean,
  encodeImplicitOctets,
  encodeNamedBits,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeUnsignedInteger
} from '../der/writer.ts'

export const extensionOids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
  authorityInformationAccess: '1.3.6.1.5.5.7.1.1',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5'
} as const

/** In the order of their bits (RFC 5280 §4.2.1.3). */
export const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly'
] as const

export type KeyUsage = (typeof keyUsageNames)[number]

/** RFC 5280 §4.2.1.12. */
const extendedKeyUsageOids = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  /** RFC 6960 §4.2.2.2. */
  OCSPSigning: '1.3.6.1.5.5.7.3.9'
} as const

export type ExtendedKeyUsage = keyof typeof extendedKeyUsageOids

const extendedKeyUsageNames: ReadonlyMap<string, string> = new Map(
  Object.entries(extendedKeyUsageOids).map(([name, oid]) => [oid, name])
)

/** One extension as it stands, and where its value is to be read. */
export interface Extension {
  readonly oid: string
  readonly critical: boolean
  /** The content of extnValue. */
  readonly value: Uint8Array
}

/** The extensions that Mintline reads. What a certificate does not have is undefined. */
export interface Extensions {
  readonly all: readonly Extension[]
  readonly basicConstraints: BasicConstraints | undefined
  readonly keyUsage: readonly KeyUsage[] | undefined
  /** Names of `ExtendedKeyUsage`, dotted OIDs for other purposes. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly subjectKeyIdentifier: Uint8Array | undefined
  /** The keyIdentifier member. */
  readonly authorityKeyIdentifier: Uint8Array | undefined
}

interface BasicConstraints {
  readonly isCa: boolean
  readonly pathLength: number | undefined
}

const critical = encodeBoolean(true)
const oidDer = mapValues(extensionOids, encodeObjectIdentifier)
const purposeDer = mapValues(extendedKeyUsageOids, encodeObjectIdentifier)

function mapValues<K extends string, V, W>(
  record: Readonly<Record<K, V>>,
  map: (value: V) => W
): Record<K, W> {
  const entries = Object.entries<V>(record).map(([key, value]) => [key, map(value)])
  return Object.fromEntries(entries) as Record<K, W>
}

/** CA:FALSE, critical. cA is FALSE by default, so the value is an empty SEQUENCE. */
export function encodeEndEntityConstraints(): Uint8Array {
  return encodeSequence(oidDer.basicConstraints, critical, encodeOctetString(encodeSequence()))
}

/** CA:TRUE with a path length, critical. */
export function encodeAuthorityConstraints(pathLength: number): Uint8Array {
  const value = encodeSequence(encodeBoolean(true), encodeUnsignedInteger(Uint8Array.of(pathLength)))
  return encodeSequence(oidDer.basicConstraints, critical, encodeOctetString(value))
}

/** Critical, as RFC 5280 §4.2.1.3 recommends. */
export function encodeKeyUsage(usages: readonly KeyUsage[]): Uint8Array {
  const bits = usages.map(usage => keyUsageNames.indexOf(usage))
  return encodeSequence(oidDer.keyUsage, critical, encodeOctetString(encodeNamedBits(bits)))
}

export function encodeExtendedKeyUsage(usages: readonly ExtendedKeyUsage[]): Uint8Array {
  const purposes = usages.map(usage => purposeDer[usage])
  return encodeSequence(oidDer.extendedKeyUsage, encodeOctetString(encodeSequence(...purposes)))
}

/** A subjectAltName of URIs (RFC 5280 §4.2.1.6), which are ASCII. Not critical: the subject is not empty. */
export function encodeUriNames(uris: readonly string[]): Uint8Array {
  const names = uris.map(uri => encodeImplicitOctets(6, encodeUtf8(uri)))
  return encodeSequence(oidDer.subjectAlternativeName, encodeOctetString(encodeSequence(...names)))
}

export function encodeSubjectKeyIdentifier(keyIdentifier: Uint8Array): Uint8Array {
  return encodeSequence(oidDer.subjectKeyIdentifier, encodeOctetString(encodeOctetString(keyIdentifier)))
}

export function encodeAuthorityKeyIdentifier(keyIdentifier: Uint8Array): Uint8Array {
  const value = encodeSequence(encodeImplicitOctets(0, keyIdentifier))
  return encodeSequence(oidDer.authorityKeyIdentifier, encodeOctetString(value))
}

/** id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1): that nobody asks whether the responder itself is revoked. */
export function encodeOcspNoCheck(): Uint8Array {
  return encodeSequence(oidDer.ocspNoCheck, encodeOctetString(encodeNull()))
}

/** Reads Extensions (RFC 5280 §4.1.2.9). Of a repeated extension the first value counts; `all` shows both. */
export function parseExtensions(reader: DerReader): Extensions {
  const list = reader.readSequence('the extensions')
  if (list.isAtEnd) throw list.refuse('the list of extensions is empty', list.offset)
  const all: Extension[] = []
  const values = new Map<string, DerReader>()
  while (!list.isAtEnd) {
    const { extension, value } = parseExtension(list)
    all.push(extension)
    if (!values.has(extension.oid)) values.set(extension.oid, value)
  }
  const read = <T>(oid: string, what: string, parse: (value: DerReader) => T): T | undefined => {
    const value = values.get(oid)
    if (value === undefined) return undefined
    const parsed = parse(value)
    value.assertEnd(what)
    return parsed
  }
  return {
    all,
    basicConstraints: read(extensionOids.basicConstraints, 'basicConstraints', parseBasicConstraints),
    keyUsage: read(extensionOids.keyUsage, 'keyUsage', parseKeyUsage),
    extendedKeyUsage: read(extensionOids.extendedKeyUsage, 'extKeyUsage', parseExtendedKeyUsage),
    subjectKeyIdentifier: read(extensionOids.subjectKeyIdentifier, 'subjectKeyIdentifier', value =>
      value.readOctetString('subjectKeyIdentifier')
    ),
    authorityKeyIdentifier: read(
      extensionOids.authorityKeyIdentifier,
      'authorityKeyIdentifier',
      parseAuthorityKeyIdentifier
    )
  }
}

function parseExtension(list: DerReader): { readonly extension: Extension; readonly value: DerReader } {
  const reader = list.readSequence('an extension')
  const oid = reader.readObjectIdentifier('an extension type')
  const criticalStart = reader.offset
  const hasCriticality = reader.peekTag() === tags.boolean
  const isCritical = hasCriticality && reader.readBoolean('critical')
  if (hasCriticality && !isCritical) throw reader.refuse('the default FALSE must be left out', criticalStart)
  const value = reader.enterOctetString('an extension value')
  reader.assertEnd('an extension')
  return { extension: { oid, critical: isCritical, value: value.rest }, value }
}

function parseBasicConstraints(value: DerReader): BasicConstraints {
  const constraints = value.readSequence('basicConstraints')
  const start = constraints.offset
  const hasCa = constraints.peekTag() === tags.boolean
  const isCa = hasCa && constraints.readBoolean('cA')
  if (hasCa && !isCa) throw constraints.refuse('the default FALSE must be left out', start)
  const pathLength = constraints.isAtEnd ? undefined : constraints.readSmallInteger('pathLenConstraint')
  constraints.assertEnd('basicConstraints')
  return { isCa, pathLength }
}

function parseKeyUsage(value: DerReader): readonly KeyUsage[] {
  const element = value.readTagged(tags.bitString, 'keyUsage')
  value.assertPrimitive(element)
  const octets = value.content(element).subarray(1)
  const unusedBits = value.bytes[element.contentStart] as number
  const last = octets.at(-1)
  if (last !== undefined && ((last >> unusedBits) & 1) === 0) {
    throw value.refuse('trailing zero bits of keyUsage must be left out', element.contentStart)
  }
  return keyUsageNames.filter((_, bit) => (((octets[bit >> 3] ?? 0) << (bit & 7)) & 0x80) !== 0)
}

function parseExtendedKeyUsage(value: DerReader): readonly string[] {
  const purposes = value.readSequence('extKeyUsage')
  const names: string[] = []
  while (!purposes.isAtEnd) {
    const oid = purposes.readObjectIdentifier('a key purpose')
    names.push(extendedKeyUsageNames.get(oid) ?? oid)
  }
  return names
}

function parseAuthorityKeyIdentifier(value: DerReader): Uint8Array | undefined {
  const identifier = value.readSequence('authorityKeyIdentifier')
  let keyIdentifier: Uint8Array | undefined
  // authorityCertIssuer and authorityCertSerialNumber may follow; nobody needs them.
  while (!identifier.isAtEnd) {
    const element = identifier.readElement('a member of authorityKeyIdentifier')
    if (element.tag === 0x80) keyIdentifier = identifier.content(element)
  }
  return keyIdentifier
}
