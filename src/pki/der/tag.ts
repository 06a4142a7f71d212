/** Identifier octets (X.690 §8.1.2) of the types that Mintline reads or writes, constructed bit included. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31
} as const

const names: ReadonlyMap<number, string> = new Map<number, string>([
  [tags.boolean, 'BOOLEAN'],
  [tags.integer, 'INTEGER'],
  [tags.bitString, 'BIT STRING'],
  [tags.octetString, 'OCTET STRING'],
  [tags.null, 'NULL'],
  [tags.objectIdentifier, 'OBJECT IDENTIFIER'],
  [tags.utf8String, 'UTF8String'],
  [tags.numericString, 'NumericString'],
  [tags.printableString, 'PrintableString'],
  [tags.teletexString, 'TeletexString (T61String)'],
  [tags.ia5String, 'IA5String'],
  [tags.utcTime, 'UTCTime'],
  [tags.generalizedTime, 'GeneralizedTime'],
  [tags.visibleString, 'VisibleString'],
  [tags.universalString, 'UniversalString'],
  [tags.bmpString, 'BMPString'],
  [tags.sequence, 'SEQUENCE'],
  [tags.set, 'SET']
])

/** `[number] EXPLICIT`, or `[number] IMPLICIT` of a constructed type. */
export function contextConstructed(number: number): number {
  return 0xa0 | number
}

/** `[number] IMPLICIT` of a primitive type. */
export function contextPrimitive(number: number): number {
  return 0x80 | number
}

export function isConstructed(tag: number): boolean {
  return (tag & 0x20) !== 0
}

/** The ASN.1 name of a tag, for messages. */
export function tagName(tag: number): string {
  const known = names.get(tag)
  if (known !== undefined) return known
  if ((tag & 0xc0) === 0x80) return `[${tag & 0x1f}]`
  return `tag 0x${tag.toString(16).padStart(2, '0')}`
}
