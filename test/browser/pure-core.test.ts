import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { rolldown } from 'rolldown'
import { beforeAll, describe, expect, it } from 'vitest'
import { assembleCertificate } from '../../src/pki/certificate/certificate.ts'
import { buildTbsCertificate } from '../../src/pki/certificate/tbs-certificate.ts'
import { corpus } from '../jitp/corpus/corpus.ts'
import {
  type AuthorityKey,
  createTestAuthority,
  deviceContent
} from '../pki/certificate/authority-fixture.ts'
import { fixtureNames, readFixture } from '../pki/csr/csr-fixture.ts'
import * as node from './entry.ts'

/** What a page has of the names that Node has as well; no Buffer, process, require or global. */
const webGlobals = {
  crypto: globalThis.crypto,
  TextEncoder,
  TextDecoder,
  URL,
  atob,
  btoa,
  structuredClone
}

let bundle: string
let browser: typeof node

beforeAll(async () => {
  const input = fileURLToPath(new URL('entry.ts', import.meta.url))
  const build = await rolldown({
    input,
    platform: 'browser',
    onwarn: warning => expect.fail(warning.message)
  })
  const { output } = await build.generate({ format: 'iife', name: 'pure' })
  expect(output).toHaveLength(1)
  bundle = output[0].code
  const context = createContext(webGlobals)
  runInContext(bundle, context)
  browser = (context as { pure?: typeof node }).pure!
})

const templates = new URL('../fixtures/templates/', import.meta.url)
const templateNames = readdirSync(templates).filter(name => name.endsWith('.json'))

const subjects = [
  { CommonName: 'device-0001', SerialNumber: 'SN-17', Country: 'DE' },
  { CommonName: 'Müller & Söhne, "Werk 2"', SerialNumber: '', Organization: 'Acme' },
  {}
]

describe('pki and jitp, bundled for a browser,', () => {
  it('bring nothing of Node, nor the library that writes CA certificates', () => {
    expect(bundle).not.toMatch(/["'`]node:|\brequire\(|\bBuffer\.|\bprocess\.|pkijs|asn1js/)
  })

  it.each([...fixtureNames(''), ...fixtureNames('refused/')])('find the same in the CSR %s', async name => {
    const input = readFixture(name)
    expect(await browser.takeInCsr(input)).toBe(await node.takeInCsr(input))
  })

  it('find a signature that was altered', async () => {
    const der = readFixture('certtool-p384.der')
    der[der.length - 1]! ^= 1
    const outcome = await browser.takeInCsr(der)
    expect(JSON.parse(outcome)).toMatchObject({ code: 'csr_signature_invalid' })
    expect(outcome).toBe(await node.takeInCsr(der))
  })

  it.each(templateNames)('say the same of the template %s', async name => {
    const text = readFileSync(new URL(name, templates), 'utf8')
    for (const subject of subjects) {
      expect(await browser.judgeTemplate(text, subject)).toBe(await node.judgeTemplate(text, subject))
    }
  })

  it.each(corpus.map(({ name, text }) => [name, text] as const))('say the same of %s', async (_, text) => {
    const [subject = {}] = subjects
    expect(await browser.judgeTemplate(text, subject)).toBe(await node.judgeTemplate(text, subject))
  })

  const authorityKeys: readonly AuthorityKey[] = ['P-256', 'P-384', 'P-521', 'RSA']
  it.each(authorityKeys)('read and verify a certificate of a CA with a key %s', async key => {
    const authority = createTestAuthority(key)
    const tbsDer = buildTbsCertificate(deviceContent(authority))
    const der = assembleCertificate(tbsDer, authority.signatureAlgorithm, authority.sign(tbsDer))
    expect(await browser.takeInCertificate(der)).toBe(await node.takeInCertificate(der))
    const verdict = await browser.verifyCertificate(der, authority.certificate.der)
    expect(JSON.parse(verdict)).toEqual({ isValid: true, isNamed: true })
    der[der.length - 1]! ^= 1
    const altered = await browser.verifyCertificate(der, authority.certificate.der)
    expect(JSON.parse(altered)).toMatchObject({ isValid: false })
  })

  it('refuse as a certificate what is none', async () => {
    const input = readFixture('openssl-p256.pem')
    const outcome = await browser.takeInCertificate(input)
    expect(JSON.parse(outcome)).toMatchObject({ code: 'certificate_malformed' })
    expect(outcome).toBe(await node.takeInCertificate(input))
  })
})
