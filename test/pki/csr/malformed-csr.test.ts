import { describe, expect, it } from 'vitest'
import { parseCertificationRequest } from '../../../src/pki/csr/certification-request.ts'
import { type DerNode, editDer, nodeAt, readNode, writeNode } from '../der/der-edit.ts'
import { refusalOf } from '../refusal.ts'
import { readFixture, takeIn } from './csr-fixture.ts'

// EC P-521; subject C, O, CN; empty attributes.
const plain = readFixture('openssl-p521.der')
const otherP521 = readFixture('certutil-p521.der')
const rsa = readFixture('openssl-rsa3072-sha384.der')

const version = [0, 0]
const subject = [0, 1]
const countryRdn = [0, 1, 0]
const country = [0, 1, 0, 0]
const spki = [0, 2]
const keyAlgorithm = [0, 2, 0]
const attributes = [0, 3]
const signatureAlgorithm = [1]
const signature = [2]

function raw(hex: string): DerNode {
  return { tag: 0, raw: Buffer.from(hex.replaceAll(' ', ''), 'hex') }
}

/** The element with its length octets replaced. */
function withLength(lengthHex: string): (node: DerNode) => DerNode {
  return node => {
    const encoding = writeNode(node)
    const lengthOctets = (encoding[1] as number) < 0x80 ? 1 : ((encoding[1] as number) & 0x7f) + 1
    return raw(
      Buffer.concat([
        encoding.subarray(0, 1),
        Buffer.from(lengthHex, 'hex'),
        encoding.subarray(1 + lengthOctets)
      ]).toString('hex')
    )
  }
}

function withTag(tag: number): (node: DerNode) => DerNode {
  return node => ({ ...node, tag })
}

function withContent(hex: string): (node: DerNode) => DerNode {
  return ({ tag }) => ({ tag, content: Buffer.from(hex.replaceAll(' ', ''), 'hex') })
}

const twice = (node: DerNode): DerNode[] => [node, node]
const removed = (): DerNode[] => []
const attribute = (valuesHex: string): DerNode => ({
  tag: 0xa0,
  raw: Buffer.from(writeNode({ tag: 0xa0, children: [raw(valuesHex)] }))
})

function nested(levels: number): DerNode {
  let node: DerNode = { tag: 0x05 }
  for (let i = 0; i < levels; i++) node = { tag: 0x30, children: [node] }
  return node
}

/** An attribute 1.2.3 with the given values, nested in SET and SEQUENCE as PKCS#10 wants. */
function attributeWith(...values: readonly DerNode[]): DerNode {
  const type: DerNode = { tag: 0x06, content: Uint8Array.of(0x2a, 3) }
  return { tag: 0xa0, children: [{ tag: 0x30, children: [type, { tag: 0x31, children: values }] }] }
}

/** r with a zero octet too many. */
function paddedSignature({ tag, content = new Uint8Array() }: DerNode): DerNode {
  const padded = editDer(content.subarray(1), [0], r => ({
    tag: 2,
    content: Buffer.concat([Uint8Array.of(0, 0), r.content as Uint8Array])
  }))
  return { tag, content: Buffer.concat([Uint8Array.of(0), padded]) }
}

const malformed: Readonly<Record<string, Uint8Array>> = {
  'one zero byte': Uint8Array.of(0),
  'an empty SEQUENCE': Uint8Array.of(0x30, 0),
  'cut off by one byte': plain.subarray(0, -1),
  'cut off in the middle': plain.subarray(0, plain.length >> 1),
  'cut off within the first length': plain.subarray(0, 2),
  'a trailing byte': Buffer.concat([plain, Uint8Array.of(1)]),
  'a trailing newline behind DER': Buffer.concat([plain, Uint8Array.of(0x0a)]),
  'trailing NUL bytes': Buffer.concat([plain, new Uint8Array(16)]),
  'two CSRs in a row': Buffer.concat([plain, plain]),
  'indefinite length outside': editDer(plain, [], withLength('80')),
  'indefinite length of the subject': editDer(plain, subject, withLength('80')),
  'a length in five octets': editDer(plain, subject, withLength('850000000030')),
  'a length with a leading zero': editDer(plain, subject, withLength('820030')),
  'a short length in the long form': editDer(plain, subject, withLength('812f')),
  'the reserved length octet FF': editDer(plain, subject, withLength('ff')),
  'a length beyond its container': editDer(plain, countryRdn, withLength('7f')),
  'a length beyond 2^31': editDer(plain, subject, withLength('84ffffffff')),
  'a length too short by one': editDer(plain, subject, withLength('2e')),
  'a high tag number': editDer(plain, subject, () => raw('3f 81 01 00')),
  'a SET outside': editDer(plain, [], withTag(0x31)),
  'a primitive SEQUENCE': editDer(plain, subject, withTag(0x10)),
  'no version': editDer(plain, version, removed),
  'version 1': editDer(plain, version, withContent('01')),
  'version -1': editDer(plain, version, withContent('ff')),
  'version 0 in two octets': editDer(plain, version, withContent('00 00')),
  'version without content': editDer(plain, version, withContent('')),
  'a version of nine octets': editDer(plain, version, withContent('010000000000000000')),
  'version as OCTET STRING': editDer(plain, version, withTag(0x04)),
  'no subject': editDer(plain, subject, removed),
  'subject as SET': editDer(plain, subject, withTag(0x31)),
  'two subjects': editDer(plain, subject, twice),
  'an RDN without attribute': editDer(plain, countryRdn, () => ({ tag: 0x31, children: [] })),
  'an RDN as SEQUENCE': editDer(plain, countryRdn, withTag(0x30)),
  'an attribute without value': editDer(plain, [...country, 1], removed),
  'an attribute with two values': editDer(plain, [...country, 1], twice),
  'an attribute type without content': editDer(plain, [...country, 0], withContent('')),
  'an attribute type that ends within an arc': editDer(plain, [...country, 0], withContent('55 04 86')),
  'an attribute type with a padded arc': editDer(plain, [...country, 0], withContent('55 80 04 06')),
  'an attribute type with an endless arc': editDer(
    plain,
    [...country, 0],
    withContent('55 ff ff ff ff ff ff ff ff 06')
  ),
  'an attribute type as INTEGER': editDer(plain, [...country, 0], withTag(0x02)),
  'a multi-valued RDN out of order': editDer(plain, countryRdn, ({ tag, children = [] }) => ({
    tag,
    children: [children[0] as DerNode, raw('30 08 06 03 55 04 03 0c 01 41')]
  })),
  'no public key': editDer(plain, spki, removed),
  'a public key without bits': editDer(plain, [...spki, 1], removed),
  'a public key of seven bits more': editDer(plain, [...spki, 1], withContent('07 80')),
  'an unused-bit count of 8': editDer(plain, [...spki, 1], withContent('08 00')),
  'a BIT STRING without content': editDer(plain, [...spki, 1], withContent('')),
  'something behind the named curve': editDer(plain, [...keyAlgorithm, 1], twice),
  'something behind the public key': editDer(plain, [...spki, 1], node => [node, raw('05 00')]),
  'an RSA key that is no SEQUENCE': editDer(rsa, [...spki, 1], withContent('00 02 01 05')),
  'an RSA key with a negative modulus': editDer(rsa, [...spki, 1], withContent('00 30 06 02 01 85 02 01 03')),
  'an RSA key with a padded modulus': editDer(
    rsa,
    [...spki, 1],
    withContent('00 30 08 02 03 00 00 85 02 01 03')
  ),
  'an RSA key without exponent': editDer(rsa, [...spki, 1], withContent('00 30 03 02 01 05')),
  'an RSA key with a third number': editDer(
    rsa,
    [...spki, 1],
    withContent('00 30 09 02 01 05 02 01 03 02 01 01')
  ),
  'attributes as SET': editDer(plain, attributes, withTag(0x31)),
  'attributes twice': editDer(plain, attributes, twice),
  'an attribute that is no SEQUENCE': editDer(plain, attributes, () => attribute('02 01 00')),
  'no signature algorithm': editDer(plain, signatureAlgorithm, removed),
  'an empty signature algorithm': editDer(plain, signatureAlgorithm, () => raw('30 00')),
  'a signature algorithm with bad parameters': editDer(plain, signatureAlgorithm, () =>
    raw('30 0e 06 08 2a 86 48 ce 3d 04 03 02 30 02 05 01')
  ),
  'PSS parameters that are no SEQUENCE': editDer(rsa, signatureAlgorithm, () =>
    raw('30 0d 06 09 2a 86 48 86 f7 0d 01 01 0a 05 00')
  ),
  'PSS parameters with a fifth member': editDer(rsa, signatureAlgorithm, () =>
    raw('30 13 06 09 2a 86 48 86 f7 0d 01 01 0a 30 06 a4 04 02 02 01 00')
  ),
  'PSS with a negative salt length': editDer(rsa, signatureAlgorithm, () =>
    raw('30 12 06 09 2a 86 48 86 f7 0d 01 01 0a 30 05 a2 03 02 01 ff')
  ),
  'no signature': editDer(plain, signature, removed),
  'two signatures': editDer(plain, signature, twice),
  'a signature as OCTET STRING': editDer(plain, signature, withTag(0x04)),
  'a signature with unused bits': editDer(plain, signature, withContent('01 fe'))
}

/** The attributes are signed and ignored. Here they were changed after signing, which is all that is wrong with them. */
const irregularAttributes: Readonly<Record<string, Uint8Array>> = {
  'an attribute without values': editDer(plain, attributes, () => attributeWith()),
  'attributes out of order': editDer(plain, attributes, () =>
    attribute('30 08 06 02 2a 05 31 02 05 00 30 08 06 02 2a 03 31 02 05 00')
  ),
  'attribute values out of order': editDer(plain, attributes, () =>
    attributeWith(raw('02 01 02'), raw('02 01 01'))
  ),
  'an attribute value with BOOLEAN 01': editDer(plain, attributes, () => attributeWith(raw('01 01 01'))),
  'an attribute value with a long BOOLEAN': editDer(plain, attributes, () =>
    attributeWith(raw('01 02 ff ff'))
  ),
  'an attribute value with a full NULL': editDer(plain, attributes, () => attributeWith(raw('05 01 00'))),
  'an attribute value with a padded INTEGER': editDer(plain, attributes, () =>
    attributeWith(raw('02 02 ff 80'))
  ),
  'an attribute value with non-zero unused bits': editDer(plain, attributes, () =>
    attributeWith(raw('03 02 04 ff'))
  ),
  'an attribute value in pieces': editDer(plain, attributes, () => attributeWith(raw('24 03 04 01 41'))),
  'an attribute value with end-of-contents': editDer(plain, attributes, () =>
    attributeWith(raw('30 02 00 00'))
  ),
  'attribute values nested 20 deep': editDer(plain, attributes, () => attributeWith(nested(20))),
  'attribute values nested 2000 deep': editDer(plain, attributes, () => attributeWith(nested(2000)))
}

const refusedOtherwise: Readonly<Record<string, readonly [string, Uint8Array]>> = {
  'a flipped bit in the common name': [
    'csr_signature_invalid',
    editDer(plain, [0, 1, 2, 0, 1], withContent('64 65 76 69 63 65 2d 30 30 30 34'))
  ],
  'an empty signature': ['csr_signature_invalid', editDer(plain, signature, withContent('00'))],
  'a signature of zeros': [
    'csr_signature_invalid',
    editDer(plain, signature, withContent('00 30 06 02 01 00 02 01 00'))
  ],
  'a signature that is not DER': [
    'csr_signature_invalid',
    editDer(plain, signature, withContent('00 30 80 02 01 01 02 01 01 00 00'))
  ],
  'a signature with a trailing byte': [
    'csr_signature_invalid',
    editDer(plain, signature, ({ tag, content = new Uint8Array() }) => ({
      tag,
      content: Buffer.concat([content, Uint8Array.of(0)])
    }))
  ],
  'a signature in padded form': ['csr_signature_invalid', editDer(plain, signature, paddedSignature)],
  'the key of another CSR': [
    'csr_signature_invalid',
    editDer(plain, spki, () => nodeAt(readNode(otherP521), spki))
  ],
  'attributes added after signing': [
    'csr_signature_invalid',
    editDer(plain, attributes, () => attributeWith(raw('05 00')))
  ],
  'another hash named': [
    'csr_signature_invalid',
    editDer(plain, signatureAlgorithm, () => raw('30 0a 06 08 2a 86 48 ce 3d 04 03 02'))
  ],
  'ECDSA with NULL parameters twice': [
    'csr_malformed',
    editDer(plain, signatureAlgorithm, () => raw('30 0e 06 08 2a 86 48 ce 3d 04 03 04 05 00 05 00'))
  ],
  'ECDSA with other parameters': [
    'csr_signature_algorithm_refused',
    editDer(plain, signatureAlgorithm, () => raw('30 0c 06 08 2a 86 48 ce 3d 04 03 04 30 00'))
  ],
  'RSA named over an EC key': [
    'csr_signature_algorithm_refused',
    editDer(plain, signatureAlgorithm, () => raw('30 0d 06 09 2a 86 48 86 f7 0d 01 01 0b 05 00'))
  ],
  'ECDSA named over an RSA key': [
    'csr_signature_algorithm_refused',
    editDer(rsa, signatureAlgorithm, () => raw('30 0a 06 08 2a 86 48 ce 3d 04 03 03'))
  ],
  'PSS without parameters': [
    'csr_signature_algorithm_refused',
    editDer(rsa, signatureAlgorithm, () => raw('30 0b 06 09 2a 86 48 86 f7 0d 01 01 0a'))
  ],
  'PSS with the trailer written out': [
    'csr_signature_algorithm_refused',
    editDer(rsa, signatureAlgorithm, () => raw('30 12 06 09 2a 86 48 86 f7 0d 01 01 0a 30 05 a3 03 02 01 01'))
  ],
  'an unknown algorithm': [
    'csr_signature_algorithm_refused',
    editDer(plain, signatureAlgorithm, () => raw('30 04 06 02 2a 03'))
  ],
  'a point off the curve': [
    'key_refused',
    editDer(plain, [...spki, 1], ({ tag, content = new Uint8Array() }) => ({
      tag,
      content: Buffer.concat([content.subarray(0, -1), Uint8Array.of((content.at(-1) as number) ^ 1)])
    }))
  ],
  'a named curve that nobody knows': [
    'key_refused',
    editDer(plain, [...keyAlgorithm, 1], withContent('2a 03'))
  ],
  'an EC key without curve': ['key_refused', editDer(plain, [...keyAlgorithm, 1], removed)],
  'an RSA key without NULL': ['key_refused', editDer(rsa, [...keyAlgorithm, 1], removed)],
  'a key type that nobody knows': ['key_refused', editDer(plain, [...keyAlgorithm, 0], withContent('2a 03'))],
  'over 16 KiB of DER': [
    'csr_too_large',
    editDer(plain, attributes, () => attributeWith({ tag: 0x04, content: new Uint8Array(17 * 1024) }))
  ],
  'over 24 KiB of input': ['csr_too_large', new Uint8Array(24 * 1024 + 1)]
}

describe('a CSR with one fault', () => {
  it.each(Object.entries(malformed))('%s is refused as malformed', async (_, der) => {
    expect((await refusalOf(() => takeIn(der)))?.code).toBe('csr_malformed')
  })

  it.each(Object.entries(refusedOtherwise))('%s is refused', async (_, [code, der]) => {
    expect((await refusalOf(() => takeIn(der)))?.code).toBe(code)
  })

  it.each(Object.entries(irregularAttributes))('%s are passed over with a note', async (_, der) => {
    expect((await refusalOf(() => takeIn(der)))?.code).toBe('csr_signature_invalid')
    expect(parseCertificationRequest(der).notes).toMatchObject([
      { code: 'attributes_irregular', pointer: '/attributes' }
    ])
  })

  it('the CSRs that the faults were put into are accepted', async () => {
    await takeIn(plain)
    await takeIn(rsa)
    expect(editDer(plain, subject, node => node)).toEqual(plain)
  })
})
