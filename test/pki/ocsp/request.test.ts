import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeElement,
  encodeExplicit,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeUnsignedInteger
} from '../../../src/pki/der/writer.ts'
import { isOfIssuer, nameIssuer } from '../../../src/pki/ocsp/certificate-id.ts'
import { maximumAsked, parseOcspRequest } from '../../../src/pki/ocsp/request.ts'
import { createTestAuthority } from '../certificate/authority-fixture.ts'
import { mutationWith } from '../der/mutation.ts'
import { refusalOf } from '../refusal.ts'

const { certificate } = createTestAuthority()
const naming = nameIssuer(certificate)

const hashes = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1', md5: '1.2.840.113549.2.5' } as const

interface Asked {
  readonly hash?: keyof typeof hashes
  readonly serial?: Uint8Array
  readonly parameters?: readonly Uint8Array[]
}

function certificateId({
  hash = 'sha1',
  serial = Uint8Array.of(1, 2, 3),
  parameters = [encodeNull()]
}: Asked = {}) {
  const { nameHash, keyHash } = naming[hash === 'md5' ? 'sha1' : hash]
  return encodeSequence(
    encodeSequence(encodeObjectIdentifier(hashes[hash]), ...parameters),
    encodeOctetString(nameHash),
    encodeOctetString(keyHash),
    encodeUnsignedInteger(serial)
  )
}

const nonceOid = '1.3.6.1.5.5.7.48.1.2'
const extension = (oid: string, value: Uint8Array, critical = false) =>
  encodeSequence(
    encodeObjectIdentifier(oid),
    ...(critical ? [Uint8Array.of(1, 1, 0xff)] : []),
    encodeOctetString(value)
  )
const nonce = (octets: number) => extension(nonceOid, encodeOctetString(new Uint8Array(octets).fill(7)))

function request(
  ids: readonly Uint8Array[],
  extensions: readonly Uint8Array[] = [],
  rest: Uint8Array[] = []
) {
  const tbs = encodeSequence(
    encodeSequence(...ids.map(id => encodeSequence(id))),
    ...(extensions.length === 0 ? [] : [encodeExplicit(2, encodeSequence(...extensions))])
  )
  return encodeSequence(tbs, ...rest)
}

const sound = request([certificateId()], [nonce(32)])

describe('a request', () => {
  it.each(['sha1', 'sha256'] as const)('names its issuer by %s', hash => {
    const { certificateIds } = parseOcspRequest(request([certificateId({ hash })]))
    expect(certificateIds).toHaveLength(1)
    expect(isOfIssuer(certificateIds[0], naming)).toBe(true)
    expect(isOfIssuer(certificateIds[0], nameIssuer(createTestAuthority('P-384').certificate))).toBe(false)
  })

  it('by another hash names none', () => {
    const { certificateIds } = parseOcspRequest(request([certificateId({ hash: 'md5' })]))
    expect(isOfIssuer(certificateIds[0], naming)).toBe(false)
  })

  it('may leave the parameters of the hash out, and be signed by whomever', () => {
    const signature = encodeExplicit(
      0,
      encodeSequence(encodeSequence(), encodeElement(3, Uint8Array.of(0, 1)))
    )
    const der = request([certificateId({ parameters: [] })], [], [signature])
    expect(parseOcspRequest(der).certificateIds[0].serialNumber).toEqual(Uint8Array.of(1, 2, 3))
  })

  it.each([1, 16, 32, 128])('has a nonce of %d octets', octets => {
    expect(parseOcspRequest(request([certificateId()], [nonce(octets)])).nonce).toHaveLength(octets)
  })

  it('is read with what is not critical and not known', () => {
    const more = [extension('1.3.6.1.5.5.7.48.1.7', encodeSequence())]
    expect(parseOcspRequest(request([certificateId()], more)).nonce).toBeUndefined()
  })

  it(`asks for ${maximumAsked} certificates`, () => {
    const ids = Array.from({ length: maximumAsked }, (_, index) =>
      certificateId({ serial: Uint8Array.of(1, index) })
    )
    expect(parseOcspRequest(request(ids)).certificateIds).toHaveLength(maximumAsked)
  })
})

const accepting = (...types: string[]) =>
  extension('1.3.6.1.5.5.7.48.1.4', encodeSequence(...types.map(encodeObjectIdentifier)))

describe('is refused', () => {
  it.each([
    ['no certificate', request([])],
    ['one certificate too many', request(Array.from({ length: maximumAsked + 1 }, () => certificateId()))],
    ['a serial number of 21 octets', request([certificateId({ serial: new Uint8Array(21).fill(1) })])],
    ['an empty nonce', request([certificateId()], [nonce(0)])],
    ['a nonce of 129 octets', request([certificateId()], [nonce(129)])],
    ['two nonces', request([certificateId()], [nonce(1), nonce(1)])],
    ['a critical extension', request([certificateId()], [extension('1.2.3.4', encodeNull(), true)])],
    ['another type of response', request([certificateId()], [accepting('1.2.3.4')])],
    ['something behind it', Uint8Array.of(...sound, 0)],
    ['more than 8192 octets', new Uint8Array(8_193)]
  ])('%s', async (_name, der) => {
    expect(await refusalOf(() => parseOcspRequest(der))).toMatchObject({ code: 'request_invalid' })
  })

  it('each of its beginnings', async () => {
    for (let length = 0; length < sound.length; length++)
      expect(await refusalOf(() => parseOcspRequest(sound.subarray(0, length)))).toBeDefined()
  })

  it('or read, whatever is changed in it, and nothing else is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(
        mutationWith(fc.constant(sound)),
        fc.uint8Array({ maxLength: 200 }),
        async (mutate, junk) => {
          await refusalOf(() => parseOcspRequest(mutate(sound)))
          await refusalOf(() => parseOcspRequest(junk))
        }
      )
    )
  })
})
