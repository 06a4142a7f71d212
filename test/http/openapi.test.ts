import { readFile } from 'node:fs/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { references } from '../../scripts/openapi.ts'
import { createTestApp } from './port.ts'

const { app } = await createTestApp()
afterAll(() => app.close())

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly schema?: object }[]
  readonly operationId?: string
  readonly security?: readonly object[]
  readonly description?: string
  readonly responses: Readonly<Record<string, { readonly content?: object }>>
}

const operations = Object.entries(app.swagger().paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item as Record<string, Operation>).map(
    ([method, operation]) => [`${method} ${path}`, operation] as const
  )
)

/** What devices and clouds read, and what supervisors ask. */
const openReads = [
  'get /v1/authorities/{name}/certificate',
  'get /v1/authorities/{name}/certificate.cer',
  'get /v1/authorities/{name}/crl',
  'get /v1/authorities/{name}/crl/delta',
  'get /v1/authorities/{name}/shards/{shards}/{shard}',
  'get /v1/authorities/{name}/shards/{shards}/{shard}/delta',
  'get /v1/trust-bundle',
  'get /v1/ocsp/{name}/{request}',
  'post /v1/ocsp/{name}'
]
const isOpen = (name: string) => openReads.includes(name) || !name.includes('/v1/')

describe('the committed references', () => {
  it.each(Object.entries(references))('%s is what the code says', async (path, render) => {
    expect(await readFile(path, 'utf8')).toBe(await render())
  })
})

describe('the API description', () => {
  it('has every route of the API', () => {
    expect(operations).toHaveLength(116)
    expect(new Set(operations.map(([, { operationId }]) => operationId)).size).toBe(116)
  })

  it.each(operations.filter(([name]) => !isOpen(name)))(
    '%s says who may, and what can go wrong',
    (_name, operation) => {
      expect(operation.security).toEqual([{ token: [] }])
      expect(operation.description).toMatch(/Roles: (station|display|auditor|operator|admin)/)
      for (const status of ['400', '401', '403', '503']) {
        expect(Object.keys(operation.responses[status]?.content ?? {})).toEqual(['application/problem+json'])
      }
    }
  )

  it.each(operations.filter(([name]) => isOpen(name)))('%s is open', (_name, operation) => {
    expect(operation.security).toEqual([])
  })

  it.each(operations)(
    '%s has no parameter with a sample that the page would send',
    (_name, { parameters }) => {
      const sampled = /"(?:example|examples|x-example|x-examples)":/
      expect((parameters ?? []).filter(each => sampled.test(JSON.stringify(each)))).toEqual([])
    }
  )

  it('says in words what its parameters look like', () => {
    const [, list] = operations.find(([name]) => name === 'get /v1/issuances')!
    expect(JSON.stringify(list.parameters)).toContain('E.g. `station-7`.')
  })

  it('leads to what is to be read besides', async () => {
    const { description = '' } = app.swagger().info
    const links = [...description.matchAll(/\]\((\/[^)]+)\)/g)].map(([, link]) => link!)
    expect(links).toEqual(['/docs/errors', '/docs/template-findings'])
    for (const link of links) expect([link, (await app.inject(link)).statusCode]).toEqual([link, 200])
  })

  it('is served, with a page that runs no script but its own', async () => {
    const served = await app.inject('/docs/json')
    expect(served.json()).toMatchObject({ openapi: '3.1.0' })
    const page = await app.inject('/docs/')
    expect(page.statusCode).toBe(200)
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    expect(page.headers['content-security-policy']).toContain("script-src 'self';")
    const errors = await app.inject('/docs/errors')
    expect(errors.headers['content-security-policy']).toBe("default-src 'none'")
    expect((await app.inject('/docs/static/swagger-ui-bundle.js')).statusCode).toBe(200)
  })
})
