import { tags } from '../der/tag.ts'
import type { SubjectField } from './subject-field.ts'

/** How X.520 and RFC 5280 Appendix A define one subject attribute. Lengths count characters. */
export interface AttributeType {
  readonly field: SubjectField
  readonly oid: string
  readonly stringTag: typeof tags.printableString | typeof tags.utf8String
  readonly minimumLength: number
  readonly maximumLength: number
}

const printable = { stringTag: tags.printableString, minimumLength: 1 } as const
const utf8 = { stringTag: tags.utf8String, minimumLength: 1 } as const

/**
 * In the order in which a Name carries them. X.520 sets no bound for dnQualifier; 128 is what a profile can hold.
 * CommonName and the other DirectoryStrings are written as UTF8String (RFC 5280 §4.1.2.4).
 */
export const attributeTypes: readonly AttributeType[] = [
  { ...printable, field: 'Country', oid: '2.5.4.6', minimumLength: 2, maximumLength: 2 },
  { ...utf8, field: 'StateName', oid: '2.5.4.8', maximumLength: 128 },
  { ...utf8, field: 'Locality', oid: '2.5.4.7', maximumLength: 128 },
  { ...utf8, field: 'Organization', oid: '2.5.4.10', maximumLength: 64 },
  { ...utf8, field: 'OrganizationalUnit', oid: '2.5.4.11', maximumLength: 64 },
  { ...printable, field: 'DistinguishedNameQualifier', oid: '2.5.4.46', maximumLength: 128 },
  { ...utf8, field: 'CommonName', oid: '2.5.4.3', maximumLength: 64 },
  { ...printable, field: 'SerialNumber', oid: '2.5.4.5', maximumLength: 64 }
]

const byOid = new Map(attributeTypes.map(type => [type.oid, type]))
const byField = new Map(attributeTypes.map(type => [type.field, type]))

export function attributeTypeOfOid(oid: string): AttributeType | undefined {
  return byOid.get(oid)
}

export function attributeTypeOf(field: SubjectField): AttributeType {
  const type = byField.get(field)
  if (type === undefined) throw new TypeError(`No attribute type for ${field}`)
  return type
}

/** Attribute types that no certificate of ours carries but that a refusal should call by name. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['0.9.2342.19200300.100.1.1', 'userId'],
  ['0.9.2342.19200300.100.1.25', 'domainComponent'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
  ['1.2.840.113549.1.9.2', 'unstructuredName'],
  ['1.2.840.113549.1.9.8', 'unstructuredAddress'],
  ['2.5.4.4', 'surname'],
  ['2.5.4.9', 'streetAddress'],
  ['2.5.4.12', 'title'],
  ['2.5.4.13', 'description'],
  ['2.5.4.15', 'businessCategory'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.20', 'telephoneNumber'],
  ['2.5.4.41', 'name'],
  ['2.5.4.42', 'givenName'],
  ['2.5.4.43', 'initials'],
  ['2.5.4.44', 'generationQualifier'],
  ['2.5.4.45', 'uniqueIdentifier'],
  ['2.5.4.65', 'pseudonym'],
  ['2.5.4.97', 'organizationIdentifier']
])

/** The subject field, else the usual name, else the dotted OID. */
export function attributeName(oid: string): string {
  return byOid.get(oid)?.field ?? otherNames.get(oid) ?? oid
}

const oidsByName: ReadonlyMap<string, string> = new Map<string, string>([
  ...attributeTypes.map(({ field, oid }) => [field, oid] as const),
  ...[...otherNames].map(([oid, name]) => [name, oid] as const)
])

/** The names that `attributeName` gives instead of an OID. */
export const attributeNames: readonly string[] = [...oidsByName.keys()]

/** The OID of an attribute type by the name that `attributeName` gives it. A dotted OID stands for itself if it has no name. */
export function attributeOid(nameOrOid: string): string | undefined {
  const oid = oidsByName.get(nameOrOid)
  if (oid !== undefined) return oid
  const isDotted = /^[0-2](?:\.(?:0|[1-9]\d{0,14})){1,20}$/.test(nameOrOid)
  return isDotted && attributeName(nameOrOid) === nameOrOid ? nameOrOid : undefined
}
