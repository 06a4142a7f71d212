import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createTestReceiver, secret, type TestReceiver } from '../events/test-receiver.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let data: TemporaryDirectory
let test: TestDatabase
let receiver: TestReceiver
let service: ServiceProcess

const start = () =>
  startServiceProcess(data.path, {
    DATABASE_URL: test.connectionString,
    MINTLINE_LOG_LEVEL: 'error',
    MINTLINE_WEBHOOK_URL: receiver.url,
    MINTLINE_WEBHOOK_SECRET_FILE: join(data.path, 'webhook-secret')
  })

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  receiver = await createTestReceiver()
  await writeFile(join(data.path, 'webhook-secret'), `${secret}\n`, { mode: 0o600 })
  service = await start()
}, 60_000)

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
}, 30_000)
