import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Role } from '../../../src/access/principal.ts'
import { type Browser, startBrowser } from '../../support/browser/browser.ts'
import { needs } from '../../support/needs/needs.ts'
import { type HttpService, openService } from '../service.ts'

describe('the page of the API, in a browser', needs('chromium'), () => {
  let browser: Browser
  let service: HttpService
  /** One for all: the browser takes seconds to build it. */
  let page: Awaited<ReturnType<Browser['open']>>
  beforeAll(async () => {
    service = await openService()
    browser = await startBrowser()
    page = await browser.open(`${service.url}/docs/`)
  })
  afterAll(async () => {
    await browser.close()
    await service.stop()
  })

  /** Tries an operation out as it stands there. */
  async function tryOut(role: Role, tag: string, operation: string) {
    await page.until(`document.querySelector('#operations-${tag}-${operation}') !== null`)
    const token = service.bearer(role).authorization.replace('Bearer ', '')
    await page.evaluate(`document.querySelector('.btn.authorize').click()`)
    await page.until(`document.querySelector('.auth-container') !== null`)
    // "Logout", where another role was before.
    await page.evaluate(
      `document.querySelector('.auth-btn-wrapper button:not(.authorize):not(.btn-done)')?.click()`
    )
    await page.until(`document.querySelector('.auth-container input') !== null`)
    await page.evaluate(`{
      const input = document.querySelector('.auth-container input')
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, ${JSON.stringify(token)})
      input.dispatchEvent(new Event('input', { bubbles: true }))
    }`)
    await page.evaluate(`document.querySelector('.auth-btn-wrapper .authorize').click()`)
    await page.until(`document.querySelector('.auth-btn-wrapper .btn-done') !== null`)
    await page.evaluate(`document.querySelector('.auth-btn-wrapper .btn-done').click()`)
    const block = `document.querySelector('#operations-${tag}-${operation}')`
    const click = async (selector: string) => {
      await page.until(`${block}.querySelector('${selector}') !== null`)
      await page.evaluate(`${block}.querySelector('${selector}').click()`)
    }
    await click('.opblock-summary-control')
    await click('.try-out__btn')
    await page.until(`${block}.querySelector('.execute') !== null`)
    const parameters = await page.evaluate<Record<string, string>>(
      `Object.fromEntries([...${block}.querySelectorAll('tr[data-param-name]')].map(row => [row.dataset.paramName, [...row.querySelectorAll('.parameters-col_description input, .parameters-col_description textarea, .parameters-col_description select')].map(each => each.value).join()]))`
    )
    await click('.execute')
    const url = await page.until<string>(`${block}.querySelector('.request-url pre')?.textContent`)
    const status = await page.until<string>(
      `${block}.querySelector('.live-responses-table tbody .response-col_status')?.textContent.trim()`
    )
    return { parameters, query: new URL(url).search, status: Number.parseInt(status, 10) }
  }

  it('searches by nothing that nobody asked for', async () => {
    const { parameters, query, status } = await tryOut('auditor', 'Issuances', 'listIssuances')
    const { limit, ...filters } = parameters
    expect(limit).toBe('50')
    expect(Object.keys(filters)).toContain('serialNumber')
    expect(Object.values(filters).filter(value => value !== '')).toEqual([])
    expect([query, status]).toEqual(['?limit=50', 200])
  })

  it('issues a certificate, with nothing in the query beside the body', async () => {
    const { query, status } = await tryOut('station', 'Issuances', 'issueCertificate')
    expect([query, status]).toEqual(['', 201])
  })

  it('makes a profile', async () => {
    const { query, status } = await tryOut('admin', 'Profiles', 'postProfile')
    expect([query, status]).toEqual(['', 201])
  })
})
