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
  /** Empty when a violation says why it could not be read. */
  readonly value: string
  /** The tag of its string type. */
  readonly tag: number
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
  const violations: Violation[] = []
  while (!rdns.isAtEnd) {
    const rdn = rdns.readSet('a RelativeDistinguishedName')
    if (rdn.isAtEnd) throw rdn.refuse('a RelativeDistinguishedName has no attribute', rdn.offset)
    assertSetOfOrder(rdn, disorderedRdn)
    for (let position = 0; !rdn.isAtEnd; position++) {
      const attribute = parseAttribute(rdn, violations)
      if (position > 0) violations.push(multiValued(attribute))
      if (attributes.some(({ oid }) => oid === attribute.oid)) violations.push(repeated(attribute))
      attributes.push(attribute)
    }
  }
  return { der: reader.encoding(element), attributes, violations }
}

function parseAttribute(rdn: DerReader, violations: Violation[]): NameAttribute {
  const typeAndValue = rdn.readSequence('an AttributeTypeAndValue')
  const oid = typeAndValue.readObjectIdentifier('an attribute type')
  const element = typeAndValue.readElement('an attribute value')
  typeAndValue.assertEnd('an AttributeTypeAndValue')
  const name = attributeName(oid)
  const field = attributeTypeOfOid(oid)?.field
  const decoded = decodeDirectoryString(element.tag, typeAndValue.content(element))
  // IA5String is the type of emailAddress and domainComponent, and of none of the subject fields.
  const fault = field !== undefined && element.tag === tags.ia5String ? tagName(element.tag) : decoded.fault
  if (fault !== undefined) violations.push(unreadable(name, fault))
  return { oid, name, field, value: decoded.text ?? '', tag: element.tag }
}

function unreadable(name: string, found: string): Violation {
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

function repeated({ name }: NameAttribute): Violation {
  return {
    pointer: `/subject/${name}`,
    expected: 'each attribute type once',
    found: 'the type a second time',
    message: `${name} occurs more than once in the subject. Leave one.`
  }
}

/** The values of the subject fields. Attributes of other types are left out; of repeated ones the first counts. */
export function subjectOf(name: Pick<Name, 'attributes'>): Subject {
  const subject: Partial<Record<SubjectField, string>> = {}
  for (const { field, value } of name.attributes) if (field !== undefined) subject[field] ??= value
  return subject
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
