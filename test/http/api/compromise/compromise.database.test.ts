import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { problemOf } from '../../answer.ts'
import { makeGeneration } from '../../generations.ts'
import { type HttpService, openService } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

let service: HttpService

beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const url = '/v1/authorities/starter-g1'
const get = (path: string, accept?: string) =>
  service.send({
    url: path,
    headers: { ...service.bearer('auditor'), ...(accept !== undefined && { accept }) }
  })

describe('the compromise of a generation', () => {
  it('is told where there was one alone', async () => {
    expect(problemOf(await get(`${url}/compromise`)).code).toBe('authority_not_found')
    expect(problemOf(await get(`${url}/unprovisioned`)).code).toBe('authority_not_found')
  })

  it('is one request, after which all goes on by itself until the last CRL', async () => {
    const devices = [await service.issue(), await service.issue(), await service.issue()]
    const answer = await service.as('admin').post(`${url}/compromise`, { reason: 'the key was copied' })
    expect(answer.json()).toMatchObject({ name: 'starter-g1', state: 'compromised' })
    const told = async () => {
      const found = await get(`${url}/compromise`)
      expect(await faultsOf('AuthorityCompromise', found.json())).toEqual([])
      return found.json<object>()
    }
    await vi.waitFor(async () => expect(await told()).toMatchObject({ state: 'done' }), {
      timeout: 20_000,
      interval: 200
    })
    expect(await told()).toMatchObject({
      authority: 'starter-g1',
      declaredBy: 'admin/starter-admin',
      reason: 'the key was copied',
      revocation: {
        state: 'done',
        select: { compromised: 'starter-g1' },
        reason: 'cACompromise',
        done: devices.length,
        awsPushes: { waiting: 0 }
      },
      registrations: [],
      lastCrl: { state: 'signed', number: expect.any(Number) as number }
    })
    for (const { id } of devices)
      expect((await get(`/v1/issuances/${id}`)).json()).toMatchObject({
        compromised: true,
        revocationReason: 'cACompromise',
        revocationNote: 'the key was copied'
      })
  })

  it('lists what is to be provisioned anew, as a page and as CSV to its end', async () => {
    const page = await get(`${url}/unprovisioned?limit=2`)
    expect(await faultsOf('UnprovisionedPage', page.json())).toEqual([])
    const { items, nextCursor } = page.json<{ items: { id: string }[]; nextCursor: string }>()
    expect(items).toHaveLength(2)
    const rest = await get(`${url}/unprovisioned?cursor=${nextCursor}`)
    expect(rest.json<{ items: object[] }>().items).toHaveLength(1)
    const csv = await get(`${url}/unprovisioned`, 'text/csv')
    expect(csv.headers['content-type']).toContain('text/csv')
    const [header = '', ...rows] = csv.body.trimEnd().split('\r\n')
    expect(header).toMatch(/^id,requestedAt,/)
    expect(header).toContain('thingName')
    expect(rows).toHaveLength(3)
    expect(rows.map(row => row.slice(0, row.indexOf(','))).slice(0, 2)).toEqual(items.map(({ id }) => id))
  })

  it('is known to the rotation plan, which tells who waits for the successor', async () => {
    const successor = await makeGeneration(service, 'starter', 'staged')
    const plan = (await get('/v1/authorities/starter/plan')).json<{ steps: string[] }>()
    expect(plan).toMatchObject({ successor, compromised: ['starter-g1'] })
    expect(plan.steps.join()).toContain('GET /v1/authorities/starter-g1/unprovisioned')
  })
})
