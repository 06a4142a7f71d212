import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assembleCertificate } from '../../src/pki/certificate/certificate.ts'
import { buildTbsCertificate } from '../../src/pki/certificate/tbs-certificate.ts'
import { corpus } from '../jitp/corpus/corpus.ts'
import {
  type AuthorityKey,
  createTestAuthority,
  deviceContent
} from '../pki/certificate/authority-fixture.ts'
import { fixtureNames, readFixture } from '../pki/csr/csr-fixture.ts'
import { type Browser, startBrowser } from '../support/browser/browser.ts'
import { needs } from '../support/needs/needs.ts'
import { bundleForBrowser } from './bundle.ts'
import * as node from './entry.ts'
import { bundleWhole } from './whole.ts'

/** As a page has the octets of a file. */
const octets = (bytes: Uint8Array) => `Uint8Array.fromHex('${bytes.toHex()}')`

describe('the pure core in a real browser', needs('chromium'), () => {
  let browser: Browser
  let server: Server
  let page: Awaited<ReturnType<Browser['open']>>
  beforeAll(async () => {
    const scripts: Readonly<Record<string, string>> = {
      '/entry.js': await bundleForBrowser(fileURLToPath(new URL('entry.ts', import.meta.url))),
      '/whole.js': await bundleWhole()
    }
    server = createServer(({ url = '' }, response) => {
      const script = scripts[url]
      const kind = script === undefined ? 'html' : 'javascript'
      response.setHeader('content-type', `text/${kind}; charset=utf-8`)
      response.end(script ?? `<script src="${url}entry.js"></script>`)
    })
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    browser = await startBrowser()
    page = await browser.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await page.until(`typeof pure === 'object'`)
  })
  afterAll(async () => {
    await browser.close()
    server.close()
  })

  it('has WebCrypto, and nothing of Node', async () => {
    expect(await page.evaluate(`[isSecureContext, typeof Buffer, typeof process, typeof require]`)).toEqual([
      true,
      'undefined',
      'undefined',
      'undefined'
    ])
  })

  it('finds in CSRs what Node finds', async () => {
    for (const name of fixtureNames('')) {
      const input = readFixture(name)
      expect(await page.evaluate(`pure.takeInCsr(${octets(input)})`), name).toBe(await node.takeInCsr(input))
    }
  })

  it('says of templates what Node says', async () => {
    const subject = { CommonName: 'device-0001', SerialNumber: 'SN-17', Country: 'DE' }
    for (const { name, text } of corpus) {
      const call = `pure.judgeTemplate(${JSON.stringify(text)}, ${JSON.stringify(subject)})`
      expect(await page.evaluate(call), name).toBe(await node.judgeTemplate(text, subject))
    }
  })

  it.each<AuthorityKey>(['P-256', 'P-384', 'P-521', 'RSA'])(
    'verifies a certificate of a CA with a key %s, and no other',
    async key => {
      const authority = createTestAuthority(key)
      const tbsDer = buildTbsCertificate(deviceContent(authority))
      const der = assembleCertificate(tbsDer, authority.signatureAlgorithm, authority.sign(tbsDer))
      const issuer = octets(authority.certificate.der)
      const verdictOn = (bytes: Uint8Array) =>
        page.evaluate<string>(`pure.verifyCertificate(${octets(bytes)}, ${issuer})`)
      expect(JSON.parse(await verdictOn(der))).toEqual({ isValid: true, isNamed: true })
      der[der.length - 1]! ^= 1
      expect(JSON.parse(await verdictOn(der))).toMatchObject({ isValid: false })
    }
  )

  it('loads every module', async () => {
    const load = `new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement('script'), { src: '/whole.js' })
      script.onerror = reject
      script.onload = () => resolve(Object.keys(pure).length)
      document.body.append(script)
    })`
    expect(await page.evaluate(load)).toBeGreaterThan(100)
  })
})
