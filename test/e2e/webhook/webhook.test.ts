import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Static } from 'typebox'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { DeliveryStatus } from '../../../src/http/api/events/schemas.ts'
import type { Readiness } from '../../../src/http/api/health/schemas.ts'
import { namedSettings, runMintline } from '../../cli/mintline.ts'
import { createTestReceiver, secret, type TestReceiver } from '../../events/test-receiver.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let data: TemporaryDirectory
let test: TestDatabase
let receiver: TestReceiver
let service: ServiceProcess

const webhookSettings = () => ({
  MINTLINE_WEBHOOK_URL: receiver.url,
  MINTLINE_WEBHOOK_SECRET_FILE: join(data.path, 'webhook-secret')
})

const start = () =>
  startServiceProcess(data.path, {
    DATABASE_URL: test.connectionString,
    MINTLINE_LOG_LEVEL: 'error',
    MINTLINE_WEBHOOK_OVERDUE_MS: '1000',
    ...webhookSettings()
  })

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  receiver = await createTestReceiver()
  await writeFile(join(data.path, 'webhook-secret'), `${secret}\n`, { mode: 0o600 })
  service = await start()
})

afterAll(async () => {
  await service.end('SIGTERM')
  await receiver[Symbol.asyncDispose]()
  await test.drop()
  await data.remove()
})

const until = (assertion: () => unknown) => vi.waitFor(assertion, { timeout: 14_000, interval: 50 })
const types = () => receiver.taken.map(({ type }) => type)

async function post(subject: Parameters<typeof makeCertificationRequest>[0]) {
  return postCsr(service, await service.token('station'), makeCertificationRequest(subject))
}

async function ask(path: string): Promise<string> {
  const headers = { authorization: `Bearer ${await service.token('auditor')}` }
  return (await fetch(service.url + path, { headers })).text()
}

const deliveryStatus = async () => JSON.parse(await ask('/v1/events/status')) as Static<typeof DeliveryStatus>

async function checkOfEvents() {
  const response = await fetch(`${service.url}/readyz`)
  return [response.status, ((await response.json()) as Static<typeof Readiness>).checks.events] as const
}

async function deliverNow(): Promise<Response> {
  const headers = { authorization: `Bearer ${await service.token('admin')}` }
  return fetch(`${service.url}/v1/events/deliver`, { method: 'POST', headers })
}

/** As if the receiver had been away for very long. */
const lengthenPause = () =>
  test.owner.prisma.$executeRaw`
    UPDATE pgboss.job SET start_after = now() + interval '14 minutes'
    WHERE name = 'webhook.deliver' AND state = 'retry'`

it('tells the webhook of certificates and refusals within seconds', async () => {
  const issued = await post({ Country: 'US', CommonName: 'told-1' })
  expect(issued.status).toBe(201)
  expect((await post({ CommonName: 'told-2' })).status).toBe(422)
  const started = performance.now()
  await until(() =>
    expect(types().sort()).toEqual(['mintline.issuance.issued', 'mintline.issuance.rejected'])
  )
  expect(performance.now() - started).toBeLessThan(5_000)
  const { id } = (await issued.json()) as { id: string }
  expect(receiver.taken.map(event => event.id)).toContain(id)
})

it('shows what fails, and after kill -9 and a restart tells what it still owes', async () => {
  receiver.taken.length = 0
  receiver.answer = () => 503
  const ids: string[] = []
  for (const name of ['owed-1', 'owed-2', 'owed-3']) {
    const response = await post({ Country: 'US', CommonName: name })
    ids.push(((await response.json()) as { id: string }).id)
  }
  await until(async () => {
    const { items } = JSON.parse(await ask('/v1/jobs?kind=webhook.deliver&state=retrying')) as {
      items: readonly { readonly lastError?: { readonly code: string } }[]
    }
    expect(items.map(({ lastError }) => lastError?.code)).toEqual(['webhook_failed'])
  })
  const metrics = await ask('/metrics')
  expect(metrics).toContain('mintline_webhook_waiting_events 3')
  expect(metrics).toContain('mintline_jobs{job="webhook.deliver",state="waiting"} 1')

  await service.end('SIGKILL')
  receiver.answer = () => 204
  service = await start()
  await until(() => expect(receiver.taken.map(({ id }) => id)).toEqual(ids))
})

it('says what waits and why, warns of it, and tries at once when told to', async () => {
  await until(async () => expect((await deliveryStatus()).waiting).toBe(0))
  expect(await deliveryStatus()).toMatchObject({ enabled: true, lastSuccessAt: expect.any(String) as string })
  expect(await checkOfEvents()).toEqual([200, { ok: true, detail: 'none waits' }])
  receiver.taken.length = 0
  receiver.answer = () => 503
  const { id } = (await (await post({ Country: 'US', CommonName: 'overdue' })).json()) as { id: string }
  await until(async () =>
    expect(await deliveryStatus()).toMatchObject({
      waiting: 1,
      oldestOwedAt: expect.any(String) as string,
      lastError: { detail: 'The webhook answered 503.' },
      nextTryAt: expect.any(String) as string
    })
  )
  await until(async () => expect(await checkOfEvents()).toMatchObject([200, { ok: false }]))
  expect((await checkOfEvents())[1].detail).toContain('The webhook answered 503.')
  receiver.answer = () => 204
  await lengthenPause()
  const started = performance.now()
  expect((await deliverNow()).status).toBe(202)
  await until(() => expect(receiver.taken.map(event => event.id)).toEqual([id]))
  expect(performance.now() - started).toBeLessThan(5_000)
  await until(async () => expect(await deliveryStatus()).toMatchObject({ waiting: 0 }))
  expect(await checkOfEvents()).toMatchObject([200, { ok: true }])
})

it('tries at once when it starts, whatever the pause', async () => {
  receiver.taken.length = 0
  receiver.answer = () => 503
  const { id } = (await (await post({ Country: 'US', CommonName: 'at the start' })).json()) as { id: string }
  await until(async () => expect((await deliveryStatus()).nextTryAt).toBeDefined())
  await service.end('SIGTERM')
  await lengthenPause()
  receiver.answer = () => 204
  service = await start()
  await until(() => expect(receiver.taken.map(event => event.id)).toEqual([id]))
})

it.each([
  [204, 0],
  [401, 1],
  [302, 1]
])('a sample that gets %i is told as such', async (status, exitCode) => {
  const before = receiver.messages.length
  receiver.answer = () => status
  const ended = await runMintline(['webhook', 'test'], webhookSettings())
  expect(ended.exitCode).toBe(exitCode)
  expect(ended.output).toContain(`The webhook answered ${status}.`)
  expect(ended.output).not.toContain(new URL(receiver.url).pathname)
  const sent = receiver.messages.slice(before)
  expect(sent.map(({ events }) => events.map(({ type }) => type))).toEqual([['mintline.webhook.test']])
  receiver.answer = () => 204
})

it('a sample without a webhook names the setting', async () => {
  expect(namedSettings(await runMintline(['webhook', 'test']))).toEqual(['MINTLINE_WEBHOOK_URL'])
})
