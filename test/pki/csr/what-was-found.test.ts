import { describe, expect, it } from 'vitest'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { editDer } from '../der/der-edit.ts'
import { refusalOf } from '../refusal.ts'
import { readFixture, takeIn } from './csr-fixture.ts'

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

function spkacDer(): Buffer {
  return Buffer.from(
    Buffer.from(readFixture('refused/spkac.txt')).toString().slice('SPKAC='.length),
    'base64'
  )
}

describe('a refusal says what was found', () => {
  it.each(Object.entries(told))('%s', async (_, [code, words, input]) => {
    const error = await refusalOf(() => takeIn(Buffer.from(input)))
    expect(error?.code).toBe(code)
    expect(error?.detail).toMatch(words)
  })
})
