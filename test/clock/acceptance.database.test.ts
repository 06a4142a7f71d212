import { afterAll, beforeAll, expect, it } from 'vitest'
import { problemOf } from '../http/answer.ts'
import { type HttpService, openService } from '../http/service.ts'
import { startIssuing } from '../support/issuing.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const accept = (payload: object) => service.as('admin').post('/v1/clock/accept', payload)

it('one record from a wrong future stops the line no longer than until it is accepted', async () => {
  const clock = () => new Date(Date.now() + 10 * 365 * 86_400_000)
  const ahead = await startIssuing(service.database, service.dataDirectory, { clock })
  await expect(ahead.issue(Buffer.from('no CSR'))).rejects.toMatchObject({ code: 'csr_malformed' })
  const unready = await service.send({ url: '/readyz' })
  expect([unready.statusCode, unready.json()]).toMatchObject([503, { checks: { clock: { ok: false } } }])

  const accepted = await accept({ reason: 'a station ran ahead' })
  expect([accepted.statusCode, accepted.json()]).toMatchObject([200, { trusted: true, accepted: true }])
  expect(await service.audited('clock.accept', accepted.headers['x-request-id'])).toMatchObject([
    { actor: 'admin/starter-admin', reason: 'a station ran ahead' }
  ])
  expect((await service.send({ url: '/readyz' })).statusCode).toBe(200)
  expect(await service.issue()).toMatchObject({ replayed: false })
  expect((await accept({ reason: 'again' })).json()).toMatchObject({ trusted: true, accepted: false })
})

it.each([{}, { reason: '' }, { reason: 'x', more: 1 }])(
  'takes a reason and nothing else: %j',
  async payload => {
    expect(problemOf(await accept(payload))).toMatchObject({ status: 400 })
  }
)
