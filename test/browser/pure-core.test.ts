import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createContext, runInContext } from 'node:vm'
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
import { bundleForBrowser } from './bundle.ts'
import * as node from './entry.ts'
import { bundleWhole, pureModules } from './whole.ts'

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

const ofNode = /["'`]node:|\brequire\(|\bBuffer\.|\bprocess\.\w|pkijs|asn1js/

let bundle: string
let browser: typeof node

beforeAll(async () => {
  bundle = await bundleForBrowser(fileURLToPath(new URL('entry.ts', import.meta.url)))
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
    expect(ofNode.exec(bundle)?.[0]).toBeUndefined()
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

describe('every module of the pure folders, bundled for a browser,', () => {
  it('is there as in Node, and runs to its end without anything of Node', async () => {
    const whole = await bundleWhole()
    expect(ofNode.exec(whole)?.[0]).toBeUndefined()
    const context = createContext(webGlobals)
    runInContext(whole, context)
    const { pure } = context as { pure?: Readonly<Record<string, object>> }
    expect(pureModules.length).toBeGreaterThan(100)
    for (const [index, file] of pureModules.entries()) {
      const inNode = (await import(pathToFileURL(file).href)) as object
      const names = Object.keys(inNode).sort()
      expect(Object.keys(pure![`module${index}`]!).sort(), file).toEqual(names)
    }
  })
})
