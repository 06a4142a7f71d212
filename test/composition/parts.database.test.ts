import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { standByForDuties } from '../../src/composition/background-duties.ts'
import { followChanges } from '../../src/composition/change-following.ts'
import { type Core, createCore, loadAuthorities } from '../../src/composition/core.ts'
import { openDatabase } from '../../src/composition/open-database.ts'
import { makeStarterSet } from '../../src/composition/starter-set.ts'
import { startWorker } from '../../src/composition/worker.ts'
import { loadConfig } from '../../src/config/config.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { silentLog } from '../support/silent-log.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let data: TemporaryDirectory
let test: TestDatabase
const running: AsyncDisposableStack[] = []
beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
})
afterEach(async () => {
  for (const stops of running.splice(0)) await stops.disposeAsync()
})
afterAll(async () => {
  await test.drop()
  await data.remove()
})

/** As a process that does this part alone. */
async function startPart<Part>(
  start: (core: Core, stops: AsyncDisposableStack) => Promise<Part>
): Promise<Part> {
  const stops = new AsyncDisposableStack()
  running.push(stops)
  const config = loadConfig({
    MINTLINE_DATA_DIR: data.path,
    MINTLINE_PORT: '0',
    MINTLINE_LOG_LEVEL: 'silent',
    DATABASE_URL: test.serviceConnectionString
  })
  const connectionString = test.serviceConnectionString
  const opened = await openDatabase({ connectionString, poolSize: 3, log: silentLog }, stops)
  const core = createCore({ config, log: silentLog, ...opened }, stops)
  await makeStarterSet(core)
  await loadAuthorities(core)
  return start(core, stops)
}

const startWorkerAlone = () => startPart(startWorker)

const startDutiesAlone = () =>
  startPart(async (core, stops) => followChanges(core, await standByForDuties(core, stops), stops))

async function ask(url: string, role: string, request: RequestInit = {}): Promise<unknown> {
  const token = (await readFile(join(data.path, `${role}-token`), 'utf8')).trim()
  const headers = { authorization: `Bearer ${token}`, ...request.headers }
  const response = await fetch(url, { ...request, headers })
  expect([url, response.ok]).toEqual([url, true])
  return response.json()
}

const states = async (url: string, kind: string) => {
  const { items } = (await ask(`${url}/v1/jobs?kind=${kind}`, 'auditor')) as { items: { state: string }[] }
  return items.map(({ state }) => state)
}

/** Of an account for which there are no credentials: AWS is never asked. */
const registration = {
  region: 'eu-central-1',
  accountAlias: 'nowhere',
  certificateMode: 'SNI_ONLY',
  setAsActive: true,
  allowAutoRegistration: false
}

describe('a worker without the background duties', () => {
  it('serves and issues; what it asks for waits until there are duties, which need no HTTP', async () => {
    const { url } = await startWorkerAlone()
    const csr = makeCertificationRequest({ Country: 'US', CommonName: 'worker-alone' })
    const posted = {
      method: 'POST',
      headers: { 'content-type': 'application/pkcs10' },
      body: Buffer.from(csr)
    }
    expect(await ask(`${url}/v1/issuances?profile=starter`, 'station', posted)).toMatchObject({
      replayed: false
    })

    await ask(`${url}/v1/authorities/starter-g1/aws-registrations`, 'admin', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(registration)
    })
    await new Promise(resolve => setTimeout(resolve, 2_500))
    expect(await states(url, 'aws-registration.reconcile')).toEqual(['waiting'])

    await startDutiesAlone()
    await vi.waitFor(
      async () => expect(await states(url, 'aws-registration.sweep')).toContain('done'),
      10_000
    )
    await vi.waitFor(
      async () => expect(await states(url, 'aws-registration.reconcile')).not.toEqual(['waiting']),
      10_000
    )
  })

  it('has its jobs begun at once where the duties are', async () => {
    const { url } = await startWorkerAlone()
    await startDutiesAlone()
    const path = `${url}/v1/authorities/starter-g1/aws-registrations`
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } }
    await ask(path, 'admin', { ...post, body: JSON.stringify({ ...registration, region: 'us-east-1' }) })
    const start = performance.now()
    await vi.waitFor(
      async () => expect((await states(url, 'aws-registration.reconcile'))[0]).not.toBe('waiting'),
      {
        timeout: 10_000,
        interval: 20
      }
    )
    expect(performance.now() - start).toBeLessThan(1_500)
  })
})
