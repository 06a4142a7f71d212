import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { assertSetOfOrder } from '../der/form.ts'
import type { DerReader } from '../der/reader.ts'
import { tagName, tags } from '../der/tag.ts'
import { encodeObjectIdentifier, encodeSequence, encodeSetOf, encodeString } from '../der/writer.ts'
import { attributeName, attributeTypeOf, attributeTypeOfOid, attributeTypes } from './attribute-type.ts'
import { decodeDirectoryString, findInvisibleCharacter, isPrintableString } from './directory-string.ts'
import { type Subject, type SubjectField } from './subject-field.ts'

/** One AttributeTypeAndValue. `field` is undefined for the types that a Mintline certificate cannot carry. */
export interface NameAttribute {
  readonly oid: string
  /** The subject field, else the usual name, else the OID. */
  readonly name: string
  readonly field: SubjectField | undefined
  /** Empty when it is unreadable. */
  readonly value: string
  /** The tag of its string type. */
  readonly tag: number
  /** Why the value is no text that a subject of ours may have, and what stands there instead. */
  readonly unreadable: { readonly fault: string; readonly octets: Uint8Array } | undefined
  /** It shares its RDN with the attribute before it. */
  readonly isJoined: true | undefined
}

export interface Name {
  readonly der: Uint8Array
  /** In the order of the encoding, the attributes of a multi-valued RDN one after another. */
  readonly attributes: readonly NameAttribute[]
  /** What no subject of ours may have: multi-valued RDNs, repeated types, other string types, unreadable text. */
  readonly violations: readonly Violation[]
}

const disorderedRdn =
  'several attributes stand in one SET (a multi-valued RDN), and out of order; give each attribute a SET of its own'

/**
 * Reads a Name (RFC 5280 §4.1.2.4). Faults of structure are thrown by the reader. What is well-formed but refused
 * in a subject becomes violations with pointers like `/subject/CommonName`, since foreign issuers may have it.
 */
export function parseName(reader: DerReader, what: string): Name {
  const element = reader.readTagged(tags.sequence, what)
  const rdns = reader.enter(element)
  const attributes: NameAttribute[] = []
  while (!rdns.isAtEnd) {
    const rdn = rdns.readSet('a RelativeDistinguishedName')
    if (rdn.isAtEnd) throw rdn.refuse('a RelativeDistinguishedName has no attribute', rdn.offset)
    assertSetOfOrder(rdn, disorderedRdn)
    for (let position = 0; !rdn.isAtEnd; position++) attributes.push(parseAttribute(rdn, position > 0))
  }
  return { der: reader.encoding(element), attributes, violations: nameViolations(attributes) }
}

function parseAttribute(rdn: DerReader, isJoined: boolean): NameAttribute {
  const typeAndValue = rdn.readSequence('an AttributeTypeAndValue')
  const oid = typeAndValue.readObjectIdentifier('an attribute type')
  const element = typeAndValue.readElement('an attribute value')
  typeAndValue.assertEnd('an AttributeTypeAndValue')
  const name = attributeName(oid)
  const field = attributeTypeOfOid(oid)?.field
  const octets = typeAndValue.content(element)
  const decoded = decodeDirectoryString(element.tag, octets)
  // IA5String is the type of emailAddress and domainComponent, and of none of the subject fields.
  const fault = field !== undefined && element.tag === tags.ia5String ? tagName(element.tag) : decoded.fault
  return {
    oid,
    name,
    field,
    value: decoded.text ?? '',
    tag: element.tag,
    unreadable: fault === undefined ? undefined : { fault, octets },
    isJoined: isJoined || undefined
  }
}

/**
 * What keeps the attributes from being a subject of ours: multi-valued RDNs, repeated types, other string types,
 * unreadable text. Those that are not kept are passed over, as if they were not there.
 */
export function nameViolations(
  attributes: readonly NameAttribute[],
  isKept: (attribute: NameAttribute) => boolean = () => true
): readonly Violation[] {
  const violations: Violation[] = []
  const seen = new Set<string>()
  let isRdnTaken = false
  for (const attribute of attributes) {
    if (attribute.isJoined === undefined) isRdnTaken = false
    if (!isKept(attribute)) continue
    const { oid, name, unreadable } = attribute
    if (unreadable !== undefined) violations.push(notText(name, unreadable.fault))
    if (isRdnTaken) violations.push(multiValued(attribute))
    if (seen.has(oid)) violations.push(repeated(attribute))
    isRdnTaken = true
    seen.add(oid)
  }
  return violations
}

function notText(name: string, found: string): Violation {
  return {
    pointer: `/subject/${name}`,
    expected: 'a PrintableString or UTF8String of visible characters',
    found,
    message: `${name} is ${found}. Make the CSR with ${name} as UTF8String (PrintableString for ASCII), visible characters only.`
  }
}

function multiValued({ name }: NameAttribute): Violation {
  return {
    pointer: `/subject/${name}`,
    expected: 'one attribute in each RelativeDistinguishedName',
    found: 'an attribute joined to another one in a multi-valued RDN',
    message: `${name} shares a multi-valued RDN ("+" in openssl's -subj). Give each attribute its own.`
  }
}

function repeated({ name, field }: NameAttribute): Violation {
  return {
    pointer: `/subject/${name}`,
    expected: 'each attribute type once',
    found: 'the type a second time',
    message: `${name} occurs more than once in the subject. ${field === undefined ? 'Leave out all of them: no certificate from here carries it.' : 'Leave one.'}`
  }
}

/** The values of the subject fields. Attributes of other types are left out; of repeated ones the first counts. */
export function subjectOf(name: Pick<Name, 'attributes'>): Subject {
  const subject: Partial<Record<SubjectField, string>> = {}
  for (const { field, value } of name.attributes) if (field !== undefined) subject[field] ??= value
  return subject
}

/** The attributes of a subject, each in an RDN of its own, in the order of `buildName`. */
export function attributesOf(subject: Subject): readonly NameAttribute[] {
  return attributeTypes.flatMap(({ field, oid, stringTag }) => {
    const value = subject[field]
    if (value === undefined) return []
    return { oid, name: field, field, value, tag: stringTag, unreadable: undefined, isJoined: undefined }
  })
}

/** What keeps `value` from being written as this field: X.520 length (in characters), string type, characters. */
export function encodingViolations(field: SubjectField, value: string): readonly Violation[] {
  const { stringTag, minimumLength, maximumLength } = attributeTypeOf(field)
  const violations: Violation[] = []
  const add = (expected: string, found: string): void => {
    const message = `${field} must be ${expected}; found ${found}.`
    violations.push({ pointer: `/subject/${field}`, expected, found, message })
  }
  const length = [...value].length
  if (field === 'Country') {
    if (!/^[A-Za-z]{2}$/.test(value))
      add('a country code of two letters', `${length} characters: ${quoted(value)}`)
    return violations
  }
  if (length < minimumLength || length > maximumLength) {
    add(`${minimumLength} to ${maximumLength} characters`, `${length} characters`)
  }
  const invisible = value.isWellFormed() ? findInvisibleCharacter(value) : 'an unpaired surrogate'
  if (invisible !== undefined) add('text of visible characters', invisible)
  else if (/^\s|\s$|\s\s/u.test(value)) add('no space at either end and none doubled', quoted(value))
  else if (stringTag === tags.printableString && !isPrintableString(value)) {
    add("a PrintableString (letters, digits, space and ' ( ) + , - . / : = ?)", quoted(value))
  }
  return violations
}

/**
 * The Name of a subject: one attribute in each RDN, in the order C, ST, L, O, OU, dnQualifier, CN, serialNumber,
 * with the string types of RFC 5280 Appendix A. Throws `subject_refused` with all violations at once.
 */
export function buildName(subject: Subject): Uint8Array {
  const violations: Violation[] = []
  const rdns: Uint8Array[] = []
  for (const { field, stringTag } of attributeTypes) {
    const value = subject[field]
    if (value === undefined) continue
    violations.push(...encodingViolations(field, value))
    rdns.push(encodeSetOf(encodeSequence(oidDer[field], encodeString(stringTag, value))))
  }
  throwSubjectViolations(violations)
  return encodeSequence(...rdns)
}

const oidDer = Object.fromEntries(
  attributeTypes.map(({ field, oid }) => [field, encodeObjectIdentifier(oid)])
) as Readonly<Record<SubjectField, Uint8Array>>

/** Throws `subject_refused` when there is anything to tell. */
export function throwSubjectViolations(violations: readonly Violation[]): void {
  if (violations.length === 0) return
  const detail = `The subject is refused: ${violations.map(({ message }) => message).join(' ')}`
  throw new MintlineError('subject_refused', detail, { violations })
}

function quoted(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
}
