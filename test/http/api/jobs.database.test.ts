import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { JobView } from '../../../src/http/api/jobs/schemas.ts'
import { createTestReceiver, secret, type TestReceiver } from '../../events/test-receiver.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { pointersOf, problemOf } from '../answer.ts'
import { type HttpService, openService } from '../service.ts'
import { faultsOf } from '../shared-schema.ts'

let directory: TemporaryDirectory
let receiver: TestReceiver
let service: HttpService
/** Of a webhook that takes nothing. */
let delivery: JobView

const get = (url: string) => service.as('auditor').get(url)
interface JobPage {
  readonly items: readonly JobView[]
  readonly nextCursor?: string
}
const list = async (query: string) => (await get(`/v1/jobs?${query}`)).json<JobPage>()

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  receiver = await createTestReceiver()
  receiver.answer = () => 503
  await writeFile(join(directory.path, 'secret'), `${secret}\n`, { mode: 0o600 })
  service = await openService({
    MINTLINE_WEBHOOK_URL: receiver.url,
    MINTLINE_WEBHOOK_SECRET_FILE: join(directory.path, 'secret')
  })
  const { document } = (await get('/v1/profiles/starter')).json<{ document: object }>()
  await service.as('admin').post('/v1/profiles', { ...document, description: 'The next version.' })
  await vi.waitFor(
    async () => expect((await list('state=done&kind=aws-registration.sweep')).items).not.toEqual([]),
    { timeout: 10_000 }
  )
  await service.issue()
  await vi.waitFor(
    async () => {
      const { items } = await list('state=retrying')
      expect(items).toHaveLength(1)
      delivery = items[0]!
    },
    { timeout: 10_000 }
  )
})

afterAll(async () => {
  await service.stop()
  await receiver[Symbol.asyncDispose]()
  await directory.remove()
})

describe('jobs', () => {
  it('are shown with their last error', async () => {
    const answer = await get(`/v1/jobs/${delivery.id}`)
    expect(answer.json()).toMatchObject({
      id: delivery.id,
      kind: 'webhook.deliver',
      state: 'retrying',
      lastError: { code: 'webhook_failed' }
    })
    expect(answer.json<JobView>().attempts).toBeGreaterThan(0)
    expect(await faultsOf('Job', answer.json())).toEqual([])
    const other = delivery.id.replace(/.$/, digit => (digit === '0' ? '1' : '0'))
    expect(problemOf(await get(`/v1/jobs/${other}`)).code).toBe('job_not_found')
  })

  it.each(['cursor', 'after'])('are listed page by page, newest first, by %s', async name => {
    const whole = await list('limit=200')
    expect(await faultsOf('JobPage', whole)).toEqual([])
    expect(whole).not.toHaveProperty('nextCursor')
    const times = whole.items.map(({ createdAt }) => createdAt)
    expect(times).toEqual(times.toSorted().reverse())
    const paged: JobView[] = []
    for (let cursor = ''; ;) {
      const page = await list(`limit=1${cursor}`)
      expect(page.items).toHaveLength(1)
      paged.push(...page.items)
      if (page.nextCursor === undefined) break
      cursor = `&${name}=${page.nextCursor}`
    }
    // Those of the next minute may have come in between.
    const ids = (jobs: readonly JobView[]) => jobs.map(({ id }) => id)
    expect(ids(paged).slice(-whole.items.length)).toEqual(ids(whole.items))
  })

  it.each([
    ['state=retrying&kind=webhook.deliver', { state: 'retrying', kind: 'webhook.deliver' }, true],
    ['kind=webhook.deliver', { kind: 'webhook.deliver' }, true],
    ['state=retrying', { state: 'retrying' }, true],
    ['kind=aws-registration.sweep', { kind: 'aws-registration.sweep' }, false],
    ['state=done', { state: 'done' }, false]
  ])('are found by %s', async (query, common, isFound) => {
    const { items } = await list(query)
    expect(items.length).toBeGreaterThan(0)
    for (const job of items) expect(job).toMatchObject(common)
    expect(items.some(({ id }) => id === delivery.id)).toBe(isFound)
  })

  it('are not found where none is of that state', async () => {
    expect(await list('state=failed')).toEqual({ items: [] })
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
