import type { KeyObject } from 'node:crypto'
import { fromBER } from 'asn1js'
import { CertificationRequest as OracleRequest } from 'pkijs'
import { describe, expect, it } from 'vitest'
import type { ImportablePublicKey } from '../../../src/pki/crypto/crypto-port.ts'
import { parseCertificationRequest } from '../../../src/pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../../src/pki/csr/intake.ts'
import { verifyProofOfPossession } from '../../../src/pki/csr/proof-of-possession.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { editDer } from '../der/der-edit.ts'
import { refusalOf } from '../refusal.ts'
import { fixtureNames, readFixture, takeIn } from './csr-fixture.ts'

const accepted: Readonly<Record<string, { algorithm: string; key: string; subject: string }>> = {
  'attribute-without-value.der': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=SN-000006'
  },
  'certtool-p256.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=DE, Organization=Acme, CommonName=device-0021'
  },
  'certtool-p384.der': {
    algorithm: 'ecdsa-with-SHA384',
    key: 'P-384',
    subject: 'Country=DE, StateName=Bayern, OrganizationalUnit=Line 7, CommonName=device-0022'
  },
  'certtool-rsa2048.pem': {
    algorithm: 'sha512WithRSAEncryption',
    key: '2048',
    subject: 'Country=DE, CommonName=device-0024'
  },
  'certtool-rsa3072.pem': {
    algorithm: 'sha256WithRSAEncryption',
    key: '3072',
    subject: 'Country=DE, CommonName=device-0023'
  },
  'certutil-p256.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, Organization=Acme, CommonName=device-0025'
  },
  'certutil-p521.der': {
    algorithm: 'ecdsa-with-SHA512',
    key: 'P-521',
    subject: 'Country=US, Organization=Acme, CommonName=device-0026'
  },
  'certutil-rsa2048.der': {
    algorithm: 'sha256WithRSAEncryption',
    key: '2048',
    subject: 'Country=US, Organization=Acme, CommonName=device-0027'
  },
  'certutil-rsa4096.pem': {
    algorithm: 'sha384WithRSAEncryption',
    key: '4096',
    subject: 'Country=US, Organization=Acme, CommonName=device-0028'
  },
  'empty-subject.der': { algorithm: 'ecdsa-with-SHA256', key: 'P-256', subject: '' },
  'mbedtls-null-parameters.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, Organization=Acme, CommonName=SN-000124'
  },
  'openssl-all-fields.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject:
      'Country=FR, StateName=Occitanie, Locality=Toulouse, Organization=Acme SA, OrganizationalUnit=Ligne 7, DistinguishedNameQualifier=A-7, CommonName=device-0009, SerialNumber=SN:0009'
  },
  'openssl-bare-one-line.b64': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0016'
  },
  'openssl-bare.b64': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0015'
  },
  'openssl-bom.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0017'
  },
  'openssl-ca-true.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0018'
  },
  'openssl-challenge-password.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0019'
  },
  'openssl-crlf.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0011'
  },
  'openssl-email.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'domainComponent=example, Country=US, CommonName=device-0020, emailAddress=line@example.com'
  },
  'openssl-new-label.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0013'
  },
  'openssl-no-final-newline.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0012'
  },
  'openssl-p256.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0001'
  },
  'openssl-p384.pem': {
    algorithm: 'ecdsa-with-SHA384',
    key: 'P-384',
    subject: 'Country=DE, Organization=Acme, CommonName=device-0002'
  },
  'openssl-p521.der': {
    algorithm: 'ecdsa-with-SHA512',
    key: 'P-521',
    subject: 'Country=DE, Organization=Acme, CommonName=device-0003'
  },
  'openssl-rsa2048-pss.pem': {
    algorithm: 'rsassa-pss-sha256',
    key: '2048',
    subject: 'Country=US, CommonName=device-0007'
  },
  'openssl-rsa2048.pem': {
    algorithm: 'sha256WithRSAEncryption',
    key: '2048',
    subject: 'Country=US, CommonName=device-0004'
  },
  'openssl-rsa3072-pss-max-salt.pem': {
    algorithm: 'rsassa-pss-sha384',
    key: '3072',
    subject: 'Country=US, CommonName=device-0008'
  },
  'openssl-rsa3072-sha384.der': {
    algorithm: 'sha384WithRSAEncryption',
    key: '3072',
    subject: 'Country=US, CommonName=device-0005'
  },
  'openssl-rsa4096-sha512.pem': {
    algorithm: 'sha512WithRSAEncryption',
    key: '4096',
    subject: 'Country=US, CommonName=device-0006'
  },
  'openssl-text.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=device-0014'
  },
  'openssl-utf8.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=JP, StateName=東京都, Organization=Müller Gerätebau, CommonName=device-0010'
  },
  'trailing-nul.pem': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=SN-000059'
  },
  'unsorted-attributes.der': {
    algorithm: 'ecdsa-with-SHA256',
    key: 'P-256',
    subject: 'Country=US, CommonName=SN-000008'
  }
}

/** What is taken although it is not as it should be, and is told. */
const noted: Readonly<Record<string, string>> = {
  'attribute-without-value.der': 'attributes_irregular',
  'mbedtls-null-parameters.pem': 'null_parameters',
  'unsorted-attributes.der': 'attributes_irregular'
}

const refused: Readonly<Record<string, string>> = {
  'refused/bmp-string.pem': 'subject_refused',
  'refused/brainpool.pem': 'key_refused',
  'refused/certificate.pem': 'csr_malformed',
  'refused/certtool-pss-key.pem': 'key_refused',
  'refused/cmp-ir.der': 'csr_malformed',
  'refused/cmp-p10cr.der': 'csr_malformed',
  'refused/cms.der': 'csr_malformed',
  'refused/compressed-point-p256.der': 'key_refused',
  'refused/compressed-point.pem': 'key_refused',
  'refused/crmf.der': 'csr_malformed',
  'refused/dsa.pem': 'csr_signature_algorithm_refused',
  'refused/ecdsa-raw-r-s.der': 'csr_signature_invalid',
  'refused/ecdsa-sign-octet-dropped.der': 'csr_signature_invalid',
  'refused/ed25519.pem': 'csr_signature_algorithm_refused',
  'refused/ed448.pem': 'csr_signature_algorithm_refused',
  'refused/explicit-parameters.pem': 'key_refused',
  'refused/md5-rsa.pem': 'csr_signature_algorithm_refused',
  'refused/multi-valued-rdn.pem': 'subject_refused',
  'refused/p224.pem': 'key_refused',
  'refused/pkcs12.der': 'csr_malformed',
  'refused/pss-key.pem': 'key_refused',
  'refused/pss-sha1-mask.pem': 'csr_signature_algorithm_refused',
  'refused/public-key.pem': 'csr_malformed',
  'refused/repeated-common-name.pem': 'subject_refused',
  'refused/rsa-exponent-3.pem': 'key_refused',
  'refused/rsa1024.pem': 'key_refused',
  'refused/rsa2047.pem': 'key_refused',
  'refused/rsa4104.pem': 'key_refused',
  'refused/secp256k1.pem': 'key_refused',
  'refused/sha1-ecdsa.pem': 'csr_signature_algorithm_refused',
  'refused/sha1-pss.pem': 'csr_signature_algorithm_refused',
  'refused/sha1-rsa.pem': 'csr_signature_algorithm_refused',
  'refused/sha224-rsa.pem': 'csr_signature_algorithm_refused',
  'refused/sha3-rsa.pem': 'csr_signature_algorithm_refused',
  'refused/spkac.txt': 'csr_malformed',
  'refused/t61-string.pem': 'subject_refused',
  'refused/underscore-in-printable-string.der': 'subject_refused',
  'refused/version-2.der': 'csr_malformed'
}

describe('CSRs of openssl, certtool and certutil', () => {
  it('are all in the tables', () => {
    expect(Object.keys(accepted)).toEqual(fixtureNames('').toSorted())
    expect(Object.keys(refused)).toEqual(fixtureNames('refused/').toSorted())
  })

  it.each(Object.entries(accepted))('%s is accepted', async (name, expected) => {
    const { publicKey, signatureAlgorithm, subject } = await takeIn(readFixture(name))
    expect(signatureAlgorithm.algorithm).toBe(expected.algorithm)
    expect(
      publicKey.type === 'rsa' ? String(publicKey.modulusBits) : publicKey.type === 'ec' && publicKey.curve
    ).toBe(expected.key)
    expect(subject.map(attribute => `${attribute.name}=${attribute.value}`).join(', ')).toBe(expected.subject)
  })

  it.each(Object.keys(accepted))('%s: what is told of it', async name => {
    const { notes } = await takeIn(readFixture(name))
    expect(notes.map(({ code }) => code)).toEqual(name in noted ? [noted[name]] : [])
  })

  it.each(Object.entries(refused))('%s is refused with %s', async (name, code) => {
    expect((await refusalOf(() => takeIn(readFixture(name))))?.code).toBe(code)
  })

  it.each(Object.keys(accepted))('%s reads the same with another parser', name => {
    const request = parseCertificationRequest(decodeCertificationRequest(readFixture(name)))
    const oracle = new OracleRequest({ schema: fromBER(request.der).result })
    expect(hex(oracle.tbsView)).toBe(hex(request.infoDer))
    expect(hex(oracle.subjectPublicKeyInfo.toSchema().toBER())).toBe(hex(request.spkiDer))
    expect(hex(oracle.signatureValue.valueBlock.valueHexView)).toBe(hex(request.signature))
    const values = oracle.subject.typesAndValues.map(({ type, value }) => [
      String(type),
      String(value.valueBlock.value)
    ])
    expect(values).toEqual(request.subject.map(({ oid, value }) => [oid, value]))
  })

  it('DER, PEM and base64 of one CSR give the same bytes', () => {
    const der = readFixture('openssl-p521.der')
    const base64 = Buffer.from(der).toString('base64')
    const forms = [
      der,
      encodePem('CERTIFICATE REQUEST', der),
      base64,
      `\r\n ${base64.replace(/(.{10})/g, '$1\r')}\n\n`
    ]
    for (const form of forms) expect(hex(decodeCertificationRequest(Buffer.from(form)))).toBe(hex(der))
  })

  it('attributes may be left out, as some firmware does', () => {
    const { infoDer, spkiDer, subject } = parseCertificationRequest(readFixture('openssl-p521.der'))
    expect(hex(infoDer)).toMatch(/a000$/)
    const { der, ...rest } = parseCertificationRequest(
      editDer(readFixture('openssl-p521.der'), [0, 3], () => [])
    )
    expect(der.length).toBe(readFixture('openssl-p521.der').length - 2)
    expect(hex(rest.spkiDer)).toBe(hex(spkiDer))
    expect(rest.subject).toEqual(subject)
  })

  it('the proof of possession returns the key that the CSR holds', async () => {
    const request = parseCertificationRequest(decodeCertificationRequest(readFixture('openssl-p256.pem')))
    const key = await verifyProofOfPossession(request)
    // Node's own, or as it came where a browser's is bound.
    const kept = key as KeyObject | ImportablePublicKey
    const spki = 'spkiDer' in kept ? kept.spkiDer : kept.export({ type: 'spki', format: 'der' })
    expect(hex(spki)).toBe(hex(request.spkiDer))
  })
})

function hex(octets: ArrayBuffer | Uint8Array): string {
  return Buffer.from(octets as Uint8Array).toString('hex')
}
