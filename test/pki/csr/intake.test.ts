import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decodeCertificationRequest } from '../../../src/pki/csr/intake.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { rsaKeyPair } from '../key/rsa-key.ts'
import { refusalOf } from '../refusal.ts'
import { readFixture } from './csr-fixture.ts'

const der = readFixture('openssl-p521.der')
const pem = encodePem('CERTIFICATE REQUEST', der)
const base64 = Buffer.from(der).toString('base64')
const lines = pem.split('\n')
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsaPair = rsaKeyPair()
const certificatePem = Buffer.from(readFixture('refused/certificate.pem')).toString()
const certificateDer = Buffer.from(certificatePem.replaceAll(/-----.*-----|\s/g, ''), 'base64')

const accepted: Readonly<Record<string, string>> = {
  LF: pem,
  CRLF: pem.replaceAll('\n', '\r\n'),
  'CR alone': pem.replaceAll('\n', '\r'),
  'no final newline': pem.trimEnd(),
  'blank lines around': `\n\n${pem}\n \n`,
  'blank line inside': pem.replace('\n', '\n\n'),
  'blanks at line ends': pem.replaceAll('\n', ' \t\n'),
  'an indented block': pem.replaceAll(/^/gm, '   '),
  'text before': `Subject: CN=device, Größe 7\nAttributes: none\n${pem}`,
  'the older label': pem.replaceAll('CERTIFICATE', 'NEW CERTIFICATE'),
  'one long base64 line in the armour': `${lines[0]}\n${base64}\n${lines.at(-2)}`,
  'one NUL at the end, as of a C string': `${pem}\0`,
  'one NUL and a line end': `${pem}\0\r\n`,
  'one NUL behind bare base64': `${base64}\0`,
  'a UTF-8 byte order mark': `\ufeff${pem}`,
  'bare base64': base64,
  'bare base64 in lines': base64.replaceAll(/(.{76})/g, '$1\r\n'),
  'bare base64 behind a byte order mark': `\ufeff${base64}`
}

const refused: Readonly<Record<string, string | Uint8Array>> = {
  'an empty body': '',
  'white space': ' \r\n\t',
  'an HTML page': '<!DOCTYPE html><html><body>502</body></html>',
  'a JSON object': JSON.stringify({ csr: pem }),
  'a JSON string': JSON.stringify(pem),
  'a sentence': 'see attachment.',
  'UTF-16 with byte order mark, little end first': Buffer.from(`\ufeff${pem}`, 'utf16le'),
  'UTF-16 without byte order mark': Buffer.from(pem, 'utf16le'),
  'UTF-16, big end first': Buffer.from(`\ufeff${pem}`, 'utf16le').swap16(),
  base64url: Buffer.from(der).toString('base64url'),
  'PEM with base64url inside': `${lines[0]}\n${Buffer.from(der).toString('base64url')}\n${lines.at(-2)}\n`,
  'base64 cut short': base64.slice(0, 101),
  'base64 with padding in the middle': `${base64.slice(0, 8)}==${base64.slice(8)}`,
  'base64 with three padding characters': `${base64.slice(0, -4)}A===`,
  'base64 with left-over bits': `${Buffer.from(der.subarray(0, 100)).toString('base64').slice(0, -3)}R==`,
  'base64 of nothing': '====',
  'base64 of another thing': Buffer.from('hello, world').toString('base64'),
  'base64 in quotation marks': `'${base64}'`,
  'a percent-encoded form': `csr=${encodeURIComponent(pem)}`,
  'trailing NUL bytes': `${pem}\0\0`,
  'a NUL inside': pem.replace('\nM', '\n\0M'),
  'a NUL ahead': `\0${pem}`,
  'a NUL and text behind it': `${pem}\0x`,
  'no END line': lines.slice(0, -2).join('\n'),
  'no BEGIN line': lines.slice(1).join('\n'),
  'END before BEGIN': `${lines.at(-2)}\n${lines.slice(0, -2).join('\n')}`,
  'cut off in the END line': pem.slice(0, -12),
  'BEGIN twice': `${lines[0]}\n${pem}`,
  'BEGIN and END with different labels': pem.replace('BEGIN CERT', 'BEGIN NEW CERT'),
  'no base64 between the lines': `${lines[0]}\n${lines.at(-2)}\n`,
  'four dashes': pem.replaceAll('-----', '----'),
  'six dashes': pem.replaceAll('-----', '------'),
  'typographic dashes in UTF-8': pem.replaceAll('-----', '—–-'),
  'typographic dashes in Windows-1252': Buffer.from(pem.replaceAll('--', '\x97'), 'latin1'),
  'line ends as \\n': pem.replaceAll('\n', '\\n'),
  'line ends lost': pem.replaceAll('\n', ' '),
  'a lower-case label': pem.toLowerCase(),
  'an unknown label': pem.replaceAll('CERTIFICATE REQUEST', 'PKCS10'),
  'a label with markup': pem.replaceAll('CERTIFICATE REQUEST', '<b>'),
  'text behind': `${pem}sent from my phone\n`,
  'two CSRs': pem + pem,
  'a letter that is none of base64': pem.replace('\nM', '\nÄ'),
  'a header line in the armour': pem.replace('\n', '\nProc-Type: 4,ENCRYPTED\n\n'),
  'a certificate': certificatePem,
  'a certificate as DER': certificateDer,
  'a certificate as base64': certificateDer.toString('base64'),
  'a certificate under the label of a CSR': encodePem('CERTIFICATE REQUEST', certificateDer),
  'a CSR under the label of a certificate': encodePem('CERTIFICATE', der),
  'a public key as DER': publicKey.export({ type: 'spki', format: 'der' }),
  'an RSA public key as DER': rsaPair.publicKey.export({ type: 'pkcs1', format: 'der' }),
  'an RSA public key as PEM': rsaPair.publicKey.export({ type: 'pkcs1', format: 'pem' })
}

const privateKeys: Readonly<Record<string, string | Uint8Array>> = {
  'PKCS#8 PEM': privateKey.export({ type: 'pkcs8', format: 'pem' }),
  'PKCS#8 DER': privateKey.export({ type: 'pkcs8', format: 'der' }),
  'SEC 1 PEM': privateKey.export({ type: 'sec1', format: 'pem' }),
  'SEC 1 DER': privateKey.export({ type: 'sec1', format: 'der' }),
  'PKCS#1 PEM': rsaPair.privateKey.export({ type: 'pkcs1', format: 'pem' }),
  'PKCS#1 DER': rsaPair.privateKey.export({ type: 'pkcs1', format: 'der' }),
  'encrypted PKCS#8 DER': privateKey.export({
    type: 'pkcs8',
    format: 'der',
    cipher: 'aes-256-cbc',
    passphrase: 'x'
  }),
  'base64 of PKCS#8': privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  'under the label of a CSR': encodePem(
    'CERTIFICATE REQUEST',
    privateKey.export({ type: 'pkcs8', format: 'der' })
  ),
  'ahead of the CSR': `${privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()}${pem}`,
  'behind the CSR': `${pem}${privateKey.export({ type: 'sec1', format: 'pem' }).toString()}`
}

describe('a CSR as it is sent', () => {
  it.each(Object.entries(accepted))('%s is accepted', (_, text) => {
    expect(Buffer.from(decodeCertificationRequest(Buffer.from(text))).toString('hex')).toBe(
      Buffer.from(der).toString('hex')
    )
  })

  it.each(Object.entries(refused))('%s is refused', async (_, sent) => {
    expect((await refusalOf(() => decodeCertificationRequest(Buffer.from(sent))))?.code).toBe('csr_malformed')
  })

  it.each(Object.entries(privateKeys))('a private key, %s, is refused and not repeated', async (_, sent) => {
    const error = await refusalOf(() => decodeCertificationRequest(Buffer.from(sent)))
    expect(error?.code).toBe('csr_malformed')
    expect(runsOfBase64(JSON.stringify([error?.detail, error?.violations, error?.members]))).toEqual([])
  })

  it('the limits are 24 KiB as sent and 16 KiB of DER', async () => {
    const codeOf = async (sent: Uint8Array): Promise<string | undefined> =>
      (await refusalOf(() => decodeCertificationRequest(sent)))?.code
    expect(await codeOf(Buffer.from(`${' '.repeat(24 * 1024 - base64.length)}${base64}`))).toBeUndefined()
    expect(await codeOf(Buffer.from(`${' '.repeat(24 * 1024 - base64.length + 1)}${base64}`))).toBe(
      'csr_too_large'
    )
    expect(
      await codeOf(Buffer.concat([Uint8Array.of(0x30, 0x82, 0x3f, 0xfc), new Uint8Array(16 * 1024 - 4)]))
    ).toBeUndefined()
    expect(
      await codeOf(Buffer.concat([Uint8Array.of(0x30, 0x82, 0x3f, 0xfd), new Uint8Array(16 * 1024 - 3)]))
    ).toBe('csr_too_large')
  })
})

/** Anything long enough to be a piece of a key. */
function runsOfBase64(text: string): readonly string[] {
  return text.match(/[A-Za-z0-9+/=]{24,}/g) ?? []
}
