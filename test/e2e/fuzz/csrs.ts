import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import {
  encodeBitString,
  encodeElement,
  encodeObjectIdentifier,
  encodeSequence
} from '../../../src/pki/der/writer.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { fixtureNames, readFixture } from '../../pki/csr/csr-fixture.ts'
import { anyCharacter } from '../../pki/der/code-point.ts'
import { mutated, mutationWith } from '../../pki/der/mutation.ts'

const keyTypes = {
  'P-256': { algorithm: '300a06082a8648ce3d040302', hash: 'sha256' },
  'P-384': { algorithm: '300a06082a8648ce3d040303', hash: 'sha384' },
  'P-521': { algorithm: '300a06082a8648ce3d040304', hash: 'sha512' },
  secp256k1: { algorithm: '300a06082a8648ce3d040302', hash: 'sha256' },
  RSA: { algorithm: '300d06092a864886f70d01010b0500', hash: 'sha256' },
  Ed25519: { algorithm: '300506032b6570', hash: null }
} as const
type KeyType = keyof typeof keyTypes
interface Key {
  readonly type: KeyType
  readonly privateKey: KeyObject
  readonly spkiDer: Uint8Array
}

function makeKey(type: KeyType): Key {
  const { privateKey, publicKey } =
    type === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : type === 'Ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: type })
  return { type, privateKey, spkiDer: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) }
}

/** Used again and again, so that requests meet the records of others. */
const knownKeys = (Object.keys(keyTypes) as KeyType[]).map(makeKey)

const attributeTypes = [
  ...['2.5.4.6', '2.5.4.10', '2.5.4.11', '2.5.4.46', '2.5.4.8', '2.5.4.3', '2.5.4.5', '2.5.4.7'],
  ...['1.2.840.113549.1.9.1', '2.5.4.12', '0.9.2342.19200300.100.1.25', '1.3.6.1.4.1.55555.1']
]
const stringTags = [0x0c, 0x0c, 0x13, 0x13, 0x16, 0x14, 0x1e, 0x1c, 0x04, 0x30]

const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('US', 'AT', 'device-1', 'device-2', 'DEVICE-1', 'Example Org') },
  { weight: 3, arbitrary: fc.string({ minLength: 1, maxLength: 20 }) },
  { weight: 2, arbitrary: fc.string({ unit: anyCharacter, maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '*', 'a'.repeat(64), 'b'.repeat(65), 'c'.repeat(129)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('a,b=c', '${cn}', '\u0430dmin', 'i\u0307', '{"Ref":1}', '../..', '#1')
  }
)

const attribute = fc
  .record({ type: fc.constantFrom(...attributeTypes), tag: fc.constantFrom(...stringTags), value })
  .map(each =>
    encodeSequence(encodeObjectIdentifier(each.type), encodeElement(each.tag, Buffer.from(each.value)))
  )

const deviceName = fc.oneof(
  { weight: 3, arbitrary: fc.nat().map(number => `device-${number}`) },
  { weight: 1, arbitrary: value }
)
const usualName = fc
  .record({ country: fc.constantFrom('US', 'US', 'AT', 'us'), commonName: deviceName })
  .map(each =>
    encodeSequence(
      ...[
        encodeSequence(encodeObjectIdentifier('2.5.4.6'), encodeElement(0x13, Buffer.from(each.country))),
        encodeSequence(encodeObjectIdentifier('2.5.4.3'), encodeElement(0x0c, Buffer.from(each.commonName)))
      ].map(one => encodeElement(0x31, one))
    )
  )

const anyName = fc
  .array(fc.array(attribute, { minLength: 1, maxLength: 2 }), { maxLength: 5 })
  .map(rdns => encodeSequence(...rdns.map(attributes => encodeElement(0x31, ...attributes))))

const challenge = encodeElement(
  0xa0,
  encodeSequence(
    encodeObjectIdentifier('1.2.840.113549.1.9.7'),
    encodeElement(0x31, encodeElement(0x0c, Buffer.from('secret')))
  )
)

const fixture = fc.constantFrom(...[...fixtureNames(''), ...fixtureNames('refused/')].map(readFixture))
const derFixture = fc.constantFrom(
  ...fixtureNames('')
    .filter(name => name.endsWith('.der'))
    .map(readFixture)
)
const mutations = fc.array(mutationWith(derFixture), { minLength: 1, maxLength: 2 })
const rarely = <Value>(arbitrary: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

/** Signed after it was changed, so that the change is met behind the signature. */
const signed = fc
  .record({
    name: fc.oneof({ weight: 4, arbitrary: usualName }, { weight: 1, arbitrary: anyName }),
    key: fc.oneof(
      { weight: 5, arbitrary: fc.constant(undefined) },
      { weight: 2, arbitrary: fc.constantFrom(...knownKeys) }
    ),
    attributes: fc.constantFrom(encodeElement(0xa0), challenge),
    changes: rarely(mutations)
  })
  .map(({ name, key = makeKey('P-256'), attributes, changes = [] }) => {
    const version = Uint8Array.of(2, 1, 0)
    const info = mutated(encodeSequence(version, name, key.spkiDer, attributes), changes)
    const { algorithm, hash } = keyTypes[key.type]
    return encodeSequence(
      info,
      Buffer.from(algorithm, 'hex'),
      encodeBitString(sign(hash, info, key.privateKey))
    )
  })

/** Everything that a station may send as a CSR. */
export const anyCsr: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 14, arbitrary: signed },
  {
    weight: 2,
    arbitrary: signed.map(der => Buffer.from(encodePem('CERTIFICATE REQUEST', der)))
  },
  { weight: 2, arbitrary: fixture },
  { weight: 2, arbitrary: fc.tuple(derFixture, mutations).map(([der, changes]) => mutated(der, changes)) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 200 }) }
)
