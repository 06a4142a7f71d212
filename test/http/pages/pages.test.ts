import { afterAll, describe, expect, it } from 'vitest'
import { errorCodes } from '../../../src/errors/mintline-error.ts'
import { findingCatalogue } from '../../../src/jitp/findings/finding.ts'
import { createTestApp } from '../port.ts'

const { app } = await createTestApp()
afterAll(() => app.close())

const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'
const linksOf = (html: string) => [...html.matchAll(/href="([^"]+)"/g)].map(([, link]) => link!)
const isServed = (link: string) => app.hasRoute({ method: 'GET', url: link })

describe('the root of the service', () => {
  it('is a page with links for a browser, all of which lead somewhere', async () => {
    const answer = await app.inject({ url: '/', headers: { accept: browserAccept } })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
    const links = linksOf(answer.body)
    expect(links).toEqual(
      expect.arrayContaining([
        '/docs',
        '/docs/errors',
        '/docs/template-findings',
        '/readyz',
        '/v1/trust-bundle'
      ])
    )
    expect(links.filter(link => !isServed(link))).toEqual([])
  })

  it.each([[undefined], ['*/*'], ['application/json']])('is JSON for %s', async accept => {
    const answer = await app.inject({ url: '/', headers: accept === undefined ? {} : { accept } })
    const { name, version, links } = answer.json<{
      name: string
      version: string
      links: Record<string, string>
    }>()
    expect([name, typeof version]).toEqual(['mintline', 'string'])
    expect(links).toMatchObject({
      description: '/docs',
      readiness: '/readyz',
      trustBundle: '/v1/trust-bundle'
    })
    expect(Object.values(links).filter(link => !isServed(link))).toEqual([])
  })

  it('has an icon', async () => {
    const answer = await app.inject('/favicon.ico')
    expect(answer.headers['content-type']).toBe('image/x-icon')
    expect([...answer.rawPayload.subarray(0, 6)]).toEqual([0, 0, 1, 0, 1, 0])
    expect(answer.rawPayload.subarray(22, 26).toString('latin1')).toBe('\u0089PNG')
  })
})

describe('the documents', () => {
  it.each([
    ['/docs/errors', errorCodes],
    ['/docs/template-findings', Object.keys(findingCatalogue)]
  ])('%s has a place for each id', async (url, ids) => {
    const answer = await app.inject(url)
    expect(answer.headers['content-security-policy']).toBe("default-src 'none'")
    expect([...answer.body.matchAll(/<h2 id="([^"]+)">/g)].map(([, id]) => id)).toEqual([...ids])
    expect(answer.body).not.toMatch(/<script|`|\*\*/)
  })
})
