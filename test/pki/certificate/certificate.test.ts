import { generateKeyPairSync, hash, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { fromBER } from 'asn1js'
import { Certificate as OracleCertificate } from 'pkijs'
import { describe, expect, it } from 'vitest'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import {
  assembleCertificate,
  certificateIdHex,
  parseCertificate,
  parseTbsCertificate,
  verifyIssuedCertificate
} from '../../../src/pki/certificate/certificate.ts'
import { buildTbsCertificate } from '../../../src/pki/certificate/tbs-certificate.ts'
import {
  type SignatureAlgorithm,
  signatureAlgorithms,
  signatureScheme
} from '../../../src/pki/key/signature-algorithm.ts'
import { encodeCertificatePem, encodeChainPem } from '../../../src/pki/pem/pem.ts'
import { type DerNode, editDer, nodeAt, readNode } from '../der/der-edit.ts'
import { platformKey } from '../key/platform-key.ts'
import { rsaKeyPair } from '../key/rsa-key.ts'
import { refusalOf } from '../refusal.ts'
import { createTestAuthority, deviceContent } from './authority-fixture.ts'

const authority = createTestAuthority()
const content = deviceContent(authority)
const tbsDer = buildTbsCertificate(content)
const { signatureAlgorithm } = authority
const certificateDer = assembleCertificate(tbsDer, signatureAlgorithm, authority.sign(tbsDer))

async function verify(der: Uint8Array): Promise<void> {
  const issuerPublicKey = await platformKey(authority.publicKey)
  return verifyIssuedCertificate({ certificateDer: der, tbsDer, issuerPublicKey, signatureAlgorithm })
}

const times: readonly (readonly [string, number, string])[] = [
  ['1950-01-01T00:00:00Z', 0x17, '500101000000Z'],
  ['1999-12-31T23:59:59Z', 0x17, '991231235959Z'],
  ['2026-02-28T12:00:00Z', 0x17, '260228120000Z'],
  ['2049-12-31T23:59:59Z', 0x17, '491231235959Z'],
  ['2050-01-01T00:00:00Z', 0x18, '20500101000000Z'],
  ['2052-02-29T23:59:59Z', 0x18, '20520229235959Z'],
  ['9999-12-31T23:59:59Z', 0x18, '99991231235959Z']
]

describe('a TBSCertificate', () => {
  it('reads back as what it was built from', () => {
    const tbs = parseTbsCertificate(tbsDer)
    expect(tbs).toMatchObject({
      tbsDer,
      version: 2,
      serialNumber: content.serialNumber,
      notBefore: content.notBefore,
      notAfter: content.notAfter,
      subject: { Country: 'US', CommonName: 'device-0001', SerialNumber: '7' }
    })
    expect(tbs.signatureAlgorithm.algorithm).toBe(content.signatureAlgorithm)
    expect(tbs.extensions).toMatchObject({
      basicConstraints: { isCa: false, pathLength: undefined },
      keyUsage: content.keyUsage,
      extendedKeyUsage: content.extendedKeyUsage,
      authorityKeyIdentifier: content.authorityKeyIdentifier
    })
  })

  it.each(times)('writes %s as tag %i, %s', (iso, tag, text) => {
    const date = new Date(iso)
    const built = buildTbsCertificate({ ...content, notBefore: date, notAfter: date })
    for (const path of [
      [4, 0],
      [4, 1]
    ]) {
      const { content: octets = new Uint8Array(), ...node } = nodeAt(readNode(built), path)
      expect([node.tag, Buffer.from(octets).toString()]).toEqual([tag, text])
    }
    expect(parseTbsCertificate(built).notAfter).toEqual(date)
  })

  it('drops fractions of seconds and refuses years that no certificate can hold', () => {
    const at = (iso: string): Uint8Array => buildTbsCertificate({ ...content, notAfter: new Date(iso) })
    expect(parseTbsCertificate(at('2030-01-01T00:00:00.999Z')).notAfter).toEqual(
      new Date('2030-01-01T00:00:00Z')
    )
    expect(() => at('1949-12-31T23:59:59Z')).toThrow(RangeError)
    expect(() => at('+010000-01-01T00:00:00Z')).toThrow(RangeError)
  })

  it('keeps a serial number with a high bit positive', () => {
    const built = buildTbsCertificate({ ...content, serialNumber: Uint8Array.of(0xff, 1, 2, 3, 4, 5, 6, 7) })
    expect(parseTbsCertificate(built).serialNumber).toEqual(Uint8Array.of(0, 0xff, 1, 2, 3, 4, 5, 6, 7))
  })

  it('has the SHA-256 key identifier of RFC 7093', () => {
    const { subjectPublicKeyInfo, extensions } = parseTbsCertificate(tbsDer)
    const digest = hash('sha256', subjectPublicKeyInfo.subjectPublicKey, 'buffer')
    expect(Buffer.from(extensions.subjectKeyIdentifier ?? [])).toEqual(digest.subarray(0, 20))
  })
})

describe('a certificate', () => {
  it('reads the same with another parser', () => {
    const certificate = parseCertificate(certificateDer)
    const oracle = new OracleCertificate({ schema: fromBER(certificateDer).result })
    expect(hex(oracle.tbsView)).toBe(hex(certificate.tbsDer))
    expect(hex(oracle.serialNumber.valueBlock.valueHexView)).toBe(hex(certificate.serialNumber))
    expect(oracle.notBefore.value).toEqual(certificate.notBefore)
    expect(oracle.notAfter.value).toEqual(certificate.notAfter)
    expect(oracle.extensions?.map(({ extnID, critical }) => [extnID, critical])).toEqual(
      certificate.extensions.all.map(({ oid, critical }) => [oid, critical])
    )
    expect(oracle.extensions?.map(({ extnValue }) => hex(extnValue.valueBlock.valueHexView))).toEqual(
      certificate.extensions.all.map(({ value }) => hex(value))
    )
    expect(hex(oracle.encodeTBS().toBER())).toBe(hex(tbsDer))
  })

  it('has the SHA-256 of its DER as id', () => {
    expect(certificateIdHex(certificateDer)).toBe(
      new X509Certificate(certificateDer).fingerprint256.replaceAll(':', '').toLowerCase()
    )
  })

  it('is written as PEM with lines of 64 characters', () => {
    const pem = encodeCertificatePem(certificateDer)
    expect(pem).toBe(new X509Certificate(certificateDer).toString())
    expect(encodeChainPem([certificateDer, authority.certificate.der])).toBe(
      pem + encodeCertificatePem(authority.certificate.der)
    )
  })
})

const faults: Readonly<Record<string, Uint8Array>> = {
  'another TBSCertificate, rightly signed': (() => {
    const other = buildTbsCertificate({ ...content, notAfter: new Date('2037-01-01T00:00:00Z') })
    return assembleCertificate(other, signatureAlgorithm, authority.sign(other))
  })(),
  'another algorithm outside': assembleCertificate(tbsDer, 'ecdsa-with-SHA384', authority.sign(tbsDer)),
  'the signature of another key': assembleCertificate(
    tbsDer,
    signatureAlgorithm,
    createTestAuthority().sign(tbsDer)
  ),
  'the signature of other bytes': assembleCertificate(
    tbsDer,
    signatureAlgorithm,
    authority.sign(content.spkiDer)
  ),
  'a signature cut short': assembleCertificate(
    tbsDer,
    signatureAlgorithm,
    authority.sign(tbsDer).subarray(0, -1)
  ),
  'no signature': assembleCertificate(tbsDer, signatureAlgorithm, new Uint8Array()),
  'a signature with a byte too many': assembleCertificate(
    tbsDer,
    signatureAlgorithm,
    Buffer.concat([authority.sign(tbsDer), Uint8Array.of(0)])
  ),
  'a signature of raw numbers': assembleCertificate(tbsDer, signatureAlgorithm, new Uint8Array(64).fill(1)),
  'a signature in padded form': editDer(certificateDer, [2], ({ tag, content: bits = new Uint8Array() }) => {
    const pad = (r: DerNode): DerNode => ({
      ...r,
      content: Buffer.concat([new Uint8Array(2), r.content as Uint8Array])
    })
    return { tag, content: Buffer.concat([Uint8Array.of(0), editDer(bits.subarray(1), [0], pad)]) }
  }),
  'a trailing byte': Buffer.concat([certificateDer, Uint8Array.of(0)]),
  'no bytes': new Uint8Array()
}

describe('a fresh certificate', () => {
  it.each(['P-256', 'P-384', 'P-521', 'RSA'] as const)('of a %s authority is verified', async key => {
    const signer = createTestAuthority(key)
    const tbs = buildTbsCertificate(deviceContent(signer))
    await verifyIssuedCertificate({
      certificateDer: assembleCertificate(tbs, signer.signatureAlgorithm, signer.sign(tbs)),
      tbsDer: tbs,
      issuerPublicKey: await platformKey(signer.publicKey),
      signatureAlgorithm: signer.signatureAlgorithm
    })
  })

  it.each(Object.entries(faults))('with %s is refused', async (_, der) => {
    expect((await refusalOf(() => verify(der)))?.code).toBe('certificate_mismatch')
  })

  it('with any byte changed is refused', async () => {
    for (let i = 0; i < certificateDer.length; i += 7) {
      const changed = Uint8Array.from(certificateDer)
      changed[i] = (changed[i] as number) ^ 0x41
      expect(
        await verify(changed).then(
          () => 'accepted',
          (error: unknown) => isMintlineError(error, 'certificate_mismatch')
        )
      ).toBe(true)
    }
  })

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rsa = rsaKeyPair()
  it.each(signatureAlgorithms)('signed with %s is accepted by node, too', async algorithm => {
    const pair = signatureScheme(algorithm).keyType === 'ec' ? ec : rsa
    const tbs = buildTbsCertificate({ ...content, signatureAlgorithm: algorithm })
    const der = assembleCertificate(tbs, algorithm, signWith(algorithm, tbs, pair.privateKey))
    await verifyIssuedCertificate({
      certificateDer: der,
      tbsDer: tbs,
      issuerPublicKey: await platformKey(pair.publicKey),
      signatureAlgorithm: algorithm
    })
    expect(new X509Certificate(der).verify(pair.publicKey)).toBe(true)
  })
})

function signWith(algorithm: SignatureAlgorithm, bytes: Uint8Array, key: KeyObject): Uint8Array {
  const { hash: digest, padding } = signatureScheme(algorithm)
  // RSA_PKCS1_PSS_PADDING is 6, a salt as long as the digest -1.
  return sign(digest, bytes, padding === 'pss' ? { key, padding: 6, saltLength: -1 } : key)
}

function hex(octets: ArrayBuffer | Uint8Array): string {
  return Buffer.from(octets as Uint8Array).toString('hex')
}
