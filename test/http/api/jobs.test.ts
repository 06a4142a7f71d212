import { afterAll, describe, expect, it } from 'vitest'
import { pointersOf, problemOf } from '../answer.ts'
import { bearer, createTestApp, job } from '../port.ts'
import { faultsOf } from '../shared-schema.ts'

const { app, asked } = await createTestApp()
afterAll(() => app.close())

const get = (url: string) => app.inject({ url, headers: bearer('auditor') })

describe('jobs', () => {
  it('are shown with their last error', async () => {
    const answer = await get(`/v1/jobs/${job.id}`)
    expect(answer.json()).toMatchObject({ state: 'retrying', lastError: { code: 'webhook_failed' } })
    expect(await faultsOf('Job', answer.json())).toEqual([])
    expect(problemOf(await get(`/v1/jobs/${job.id.replace('2a77', '2a78')}`)).code).toBe('job_not_found')
  })

  it('are listed page by page', async () => {
    const first = await get('/v1/jobs?state=retrying&kind=webhook.deliver&limit=1')
    expect(await faultsOf('JobPage', first.json())).toEqual([])
    const { nextCursor } = first.json<{ nextCursor: string }>()
    const second = await get(`/v1/jobs?after=${nextCursor}`)
    expect(second.json()).not.toHaveProperty('nextCursor')
    expect(asked.jobQueries).toEqual([
      { state: 'retrying', kind: 'webhook.deliver', limit: 1 },
      { after: nextCursor, limit: 50 }
    ])
  })

  it.each([
    ['state=lost', '/query/state'],
    ['kind=shell', '/query/kind'],
    ['limit=0', '/query/limit'],
    ['after=x', '/query/after'],
    ['before=x', '/query/before']
  ])('are not listed by %s', async (query, pointer) => {
    const answer = await get(`/v1/jobs?${query}`)
    expect(problemOf(answer).code).toBe('request_invalid')
    expect(pointersOf(answer)).toEqual([pointer])
  })
})
