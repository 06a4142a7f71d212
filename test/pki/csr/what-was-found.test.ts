import { ECDH, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { encodeElement, encodeSequence } from '../../../src/pki/der/writer.ts'
import { assertKeyAllowed } from '../../../src/pki/key/public-key.ts'
import { buildName } from '../../../src/pki/name/name.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { makeDeviceKey, signCertificationRequest } from '../../support/certification-request.ts'
import { editDer, readNode } from '../der/der-edit.ts'
import { rsaKeyPair } from '../key/rsa-key.ts'
import { refusalOf } from '../refusal.ts'
import { readFixture, takeIn, wholePolicy } from './csr-fixture.ts'

// The code tells programs what happened. What sets these refusals apart is told to the person alone, so that here, for
// once, the words are the contract: what was found, or what to do about it.

const der = readFixture('openssl-p521.der')
const pem = encodePem('CERTIFICATE REQUEST', der)

/** The body of a CMP request without its header: CertReqMessages. */
const crmf = readFixture('refused/crmf.der')
/** BSI TR-03110 part 3, appendix C: [APPLICATION 33] around a body [APPLICATION 78] and a signature. */
const cardRequest = Buffer.from('7f210d7f4e065f2901004200' + '5f37020102', 'hex')

const told: Readonly<Record<string, readonly [string, RegExp, Uint8Array | string]>> = {
  'a CMP ir message': ['csr_malformed', /CMP/, readFixture('refused/cmp-ir.der')],
  'a CMP message around a PKCS#10 request': ['csr_malformed', /CMP/, readFixture('refused/cmp-p10cr.der')],
  'CRMF CertReqMessages': ['csr_malformed', /CRMF/, crmf],
  'a CRMF CertReqMsg': ['csr_malformed', /CRMF/, crmf.subarray(3)],
  'a CRMF CertRequest': ['csr_malformed', /CRMF/, crmf.subarray(6, 6 + 3 + 136)],
  'CRMF in the armour of a CSR': ['csr_malformed', /CRMF/, encodePem('CERTIFICATE REQUEST', crmf)],
  'a card-verifiable request': ['csr_malformed', /EAC/, cardRequest],
  'a card-verifiable request in base64': ['csr_malformed', /EAC/, cardRequest.toString('base64')],
  'a SPKAC file': ['csr_malformed', /SPKAC/, readFixture('refused/spkac.txt')],
  'the DER of a SPKAC request': ['csr_malformed', /SPKAC/, spkacDer()],
  'PEM after curl -d': ['csr_malformed', /--data-binary/, pem.replaceAll('\n', '')],
  'PEM out of an unquoted shell variable': ['csr_malformed', /--data-binary/, pem.replaceAll('\n', ' ')],
  'DER after curl -d': [
    'csr_malformed',
    /--data-binary/,
    der.filter(octet => ![0x00, 0x0a, 0x0d].includes(octet))
  ],
  'a form field with PEM': ['csr_malformed', /--data-binary/, `csr=${pem}`],
  'a form field with PEM, percent-encoded': [
    'csr_malformed',
    /--data-binary/,
    `csr=${encodeURIComponent(pem)}`
  ],
  'a form field with PEM after curl -d': [
    'csr_malformed',
    /--data-binary/,
    `csr=${pem.replaceAll('\n', '')}`
  ],
  'a form field with base64': [
    'csr_malformed',
    /--data-binary/,
    `csr=${Buffer.from(der).toString('base64')}`
  ],
  'a form field with base64 of PEM': [
    'csr_malformed',
    /--data-binary/,
    `csr=${Buffer.from(pem).toString('base64')}`
  ],
  'two form fields': ['csr_malformed', /--data-binary/, `profile=starter&csr=${encodeURIComponent(pem)}`],
  'a form as browsers post files': [
    'csr_malformed',
    /--data-binary/,
    `--x\r\nContent-Disposition: form-data; name="csr"\r\n\r\n${pem}\r\n--x--\r\n`
  ],
  'version 2': ['csr_malformed', /version is 2\b.*X\.509/, readFixture('refused/version-2.der')],
  'version 1': [
    'csr_malformed',
    /version is 1\b/,
    editDer(der, [0, 0], () => ({ tag: 2, content: Uint8Array.of(1) }))
  ],
  'all attributes of the subject in one SET': [
    'csr_malformed',
    /multi-valued RDN/,
    editDer(der, [0, 1], ({ children = [] }) => ({
      tag: 0x30,
      children: [{ tag: 0x31, children: children.flatMap(rdn => rdn.children ?? []).toReversed() }]
    }))
  ]
}

const name = buildName({ CommonName: 'device-0300' })
const rsaWithSha256 = Buffer.from('300d06092a864886f70d01010b0500', 'hex')

/** Signs again and again until the two numbers are as wanted. */
function signedUntil(
  isWanted: (numbers: readonly [Uint8Array, Uint8Array]) => boolean,
  write: (numbers: readonly [Uint8Array, Uint8Array]) => Uint8Array
): Uint8Array {
  for (;;) {
    let numbers: readonly [Uint8Array, Uint8Array] | undefined
    const request = signCertificationRequest(name, makeDeviceKey(), {
      writeSignature(signature) {
        const [r, s] = readNode(signature).children!.map(({ content }) => content!)
        numbers = [r!, s!]
        return isWanted(numbers) ? write(numbers) : signature
      }
    })
    if (numbers !== undefined && isWanted(numbers)) return request
  }
}

const isNegative = (number: Uint8Array) => number[0] === 0
const integer = (content: Uint8Array) => encodeElement(2, content)
const withoutSign = (number: Uint8Array) => (number[0] === 0 ? number.subarray(1) : number)
const padded = (number: Uint8Array, octets: number) =>
  Uint8Array.of(...new Uint8Array(Math.max(0, octets - number.length)), ...number)
const sideBySide = (numbers: readonly Uint8Array[]) =>
  Buffer.concat(numbers.map(number => padded(withoutSign(number), 32)))

const misencoded: Readonly<Record<string, readonly [RegExp, Uint8Array]>> = {
  'r and s side by side': [/side by side/, signedUntil(() => true, sideBySide)],
  'r and s side by side, in another tool': [/side by side/, readFixture('refused/ecdsa-raw-r-s.der')],
  'the sign octet of r dropped': [/^r without the zero/, readFixture('refused/ecdsa-sign-octet-dropped.der')],
  'both sign octets dropped': [
    /^r and s without the zero/,
    signedUntil(
      numbers => numbers.every(isNegative),
      numbers => encodeSequence(...numbers.map(withoutSign).map(integer))
    )
  ],
  'the sign octet of s dropped and r padded': [
    /^s without the zero/,
    signedUntil(
      ([r, s]) => !isNegative(r) && isNegative(s),
      ([r, s]) => encodeSequence(integer(padded(r, 33)), integer(withoutSign(s)))
    )
  ],
  'both numbers padded': [
    /^r and s padded/,
    signedUntil(
      numbers => !numbers.some(isNegative),
      numbers => encodeSequence(...numbers.map(number => integer(padded(number, 33))))
    )
  ],
  's padded by two': [
    /^s padded/,
    signedUntil(
      () => true,
      ([r, s]) => encodeSequence(integer(r), integer(Uint8Array.of(0, 0, ...withoutSign(s))))
    )
  ],
  'a length in the long form': [
    /another form than DER/,
    signCertificationRequest(name, makeDeviceKey(), {
      writeSignature: signature => Uint8Array.of(0x30, 0x81, ...signature.subarray(1))
    })
  ],
  'bytes behind the numbers': [
    /another form than DER/,
    signCertificationRequest(name, makeDeviceKey(), {
      writeSignature: signature => Uint8Array.of(...signature, 0, 0)
    })
  ],
  'an RSA signature without its leading zero octet': [/^255 octets$/, shortRsaRequest()]
}

function shortRsaRequest(): Uint8Array {
  const pair = rsaKeyPair()
  const spkiDer = new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }))
  for (let i = 0; ; i++) {
    let isShort = false
    const request = signCertificationRequest(
      buildName({ CommonName: `device-${i}` }),
      { privateKey: pair.privateKey, spkiDer },
      {
        signatureAlgorithmDer: rsaWithSha256,
        writeSignature(signature) {
          isShort = signature[0] === 0
          return isShort ? signature.subarray(1) : signature
        }
      }
    )
    if (isShort) return request
  }
}

/** Over a key that is written in the way given. */
function withSpki(spkiDer: Uint8Array, privateKey: KeyObject): Uint8Array {
  return signCertificationRequest(
    name,
    { privateKey, spkiDer },
    {
      ...(privateKey.asymmetricKeyType === 'rsa' && { signatureAlgorithmDer: rsaWithSha256 })
    }
  )
}

function hybridKey(): Uint8Array {
  const { spkiDer, privateKey } = makeDeviceKey()
  const written = editDer(spkiDer, [1], ({ tag, content = new Uint8Array() }) => ({
    tag,
    content: content.with(1, 6 + (content.at(-1)! & 1))
  }))
  return withSpki(written, privateKey)
}

function keyWithoutNull(): Uint8Array {
  const { publicKey, privateKey } = rsaKeyPair()
  const spkiDer = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  return withSpki(
    editDer(spkiDer, [0, 1], () => []),
    privateKey
  )
}

/** The key can stay, or it cannot. */
const keys: Readonly<Record<string, readonly [RegExp, Uint8Array]>> = {
  'a compressed point': [/key is fine.*uncompressed/, readFixture('refused/compressed-point-p256.der')],
  'a compressed point of openssl': [/key is fine.*uncompressed/, readFixture('refused/compressed-point.pem')],
  'a hybrid point': [/key is fine.*uncompressed/, hybridKey()],
  'a curve by its parameters': [/key is fine.*identifier/, readFixture('refused/explicit-parameters.pem')],
  'an RSA key without NULL': [/key is fine.*NULL/, keyWithoutNull()],
  'a curve that is not accepted': [/new key pair/, readFixture('refused/secp256k1.pem')],
  'an RSA key that is too short': [/new key pair/, readFixture('refused/rsa1024.pem')]
}

function spkacDer(): Buffer {
  return Buffer.from(
    Buffer.from(readFixture('refused/spkac.txt')).toString().slice('SPKAC='.length),
    'base64'
  )
}

describe('a signature in the wrong encoding', () => {
  it.each(Object.entries(misencoded))(
    '%s is named, and that the key is the right one',
    async (_, [found, der]) => {
      const error = await refusalOf(() => takeIn(der))
      expect(error?.code).toBe('csr_signature_invalid')
      expect(error?.violations).toMatchObject([
        { pointer: '/signature', found: expect.stringMatching(found) as unknown }
      ])
    }
  )

  it('is not claimed of one that does not hold in any encoding', async () => {
    const other = signCertificationRequest(name, {
      ...makeDeviceKey(),
      privateKey: makeDeviceKey().privateKey
    })
    const raw = signedUntil(
      () => true,
      ([r, s]) => sideBySide([r, s.with(5, s[5]! ^ 1)])
    )
    for (const der of [other, raw]) {
      const error = await refusalOf(() => takeIn(der))
      expect(error?.code).toBe('csr_signature_invalid')
      expect(error?.violations).toEqual([])
    }
  })
})

describe('a key that is refused', () => {
  it.each(Object.entries(keys))('%s: whether writing it anew is enough', async (_, [words, input]) => {
    const error = await refusalOf(() => takeIn(input))
    expect(error?.code).toBe('key_refused')
    expect(error?.detail).toMatch(words)
  })

  it('is not called fine when it is compressed and on no curve', async () => {
    const { curve, offCurve } = findXOffCurve()
    const error = await refusalOf(() => assertKeyAllowed({ type: 'ec', curve, point: offCurve }, wholePolicy))
    expect(error?.code).toBe('key_refused')
    expect(error?.detail).toMatch(/new key pair/)
  })
})

/** Half of all numbers are the x of no point; openssl says which. */
function findXOffCurve() {
  for (let x = 1; ; x++) {
    const offCurve = new Uint8Array(33).with(0, 2).with(32, x)
    try {
      ECDH.convertKey(offCurve, 'prime256v1', undefined, undefined, 'uncompressed')
    } catch {
      return { curve: 'P-256', offCurve } as const
    }
  }
}

describe('a refusal says what was found', () => {
  it.each(Object.entries(told))('%s', async (_, [code, words, input]) => {
    const error = await refusalOf(() => takeIn(Buffer.from(input)))
    expect(error?.code).toBe(code)
    expect(error?.detail).toMatch(words)
  })
})
