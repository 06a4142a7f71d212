import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { needs } from '../../../support/needs/needs.ts'
import { type ServiceProcess, startServiceProcess } from '../../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'

const refusals = 1_500
/** So that the file takes many chunks. */
const note = 'n'.repeat(200)
const metadata = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`k${index}`, note]))

let directory: TemporaryDirectory
let test: TestDatabase
let service: ServiceProcess
const start = () =>
  startServiceProcess(directory.path, {
    DATABASE_URL: test.connectionString,
    MINTLINE_REFUSALS_PER_MINUTE: '100000'
  })

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  test = await createTestDatabase()
  service = await start()
  const station = await service.token('station')
  for (let at = 0; at < refusals; at += 50)
    await Promise.all(Array.from({ length: 50 }, (_, index) => refuse(station, at + index)))
})
afterAll(async () => {
  await service.end('SIGKILL')
  await test.drop()
  await directory.remove()
})

async function refuse(token: string, index: number): Promise<void> {
  const answer = await fetch(`${service.url}/v1/issuances`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ csr: `no CSR ${index}`, profile: 'starter', metadata })
  })
  await answer.arrayBuffer()
}

interface Made {
  readonly id: string
  readonly state: string
  readonly createdAt: string
  readonly rows: number
  readonly octets: number
  readonly sha256: string
}

/** Of the test before. */
let made: Made | undefined
let file: Buffer

async function send(path: string, options: RequestInit = {}): Promise<Response> {
  const authorization = `Bearer ${await service.token('auditor')}`
  return fetch(service.url + path, { ...options, headers: { authorization, ...options.headers } })
}

it('an export whose process is killed is made anew by the next one, and of the first try nothing is left', async () => {
  const { prisma } = test.owner
  const asked = await send('/v1/exports', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ of: 'issuances', format: 'ndjson' })
  })
  const { id } = (await asked.json()) as Made
  await expect
    .poll(() => prisma.exportChunk.count({ where: { exportId: id } }), { interval: 2, timeout: 60_000 })
    .toBeGreaterThan(1)
  await service.end('SIGKILL')
  const cut = await prisma.exportJob.findUniqueOrThrow({ where: { id } })
  expect(cut.state).toBe('running')

  service = await start()
  const content = `/v1/exports/${id}/content`
  await expect
    .poll(
      async () => {
        made = (await (await send(`/v1/exports/${id}`)).json()) as Made
        // Half a file is handed out to nobody.
        if (made.state !== 'done') expect((await send(content)).status).not.toBe(200)
        return made.state
      },
      { interval: 200, timeout: 150_000 }
    )
    .toBe('done')
  file = Buffer.from(await (await send(content)).arrayBuffer())
  const list = await send(`/v1/issuances?to=${made!.createdAt}`, {
    headers: { accept: 'application/x-ndjson' }
  })
  expect(file.equals(Buffer.from(await list.arrayBuffer()))).toBe(true)
  expect(made!.rows).toBe(refusals)
  expect(made!.octets).toBe(file.length)
  expect(made!.sha256).toBe(createHash('sha256').update(file).digest('hex'))

  const done = await prisma.exportJob.findUniqueOrThrow({ where: { id } })
  expect(done.attempts).toBe(2)
  expect(done.run).not.toBe(cut.run)
  await expect
    .poll(() => prisma.exportChunk.count({ where: { exportId: id, run: cut.run! } }), { timeout: 90_000 })
    .toBe(0)
})

it('a download that was cut off goes on with curl -C -', needs('curl'), async () => {
  const output = join(directory.path, 'list.ndjson')
  await writeFile(output, file.subarray(0, 300_001))
  const authorization = `Authorization: Bearer ${await service.token('auditor')}`
  const url = `${service.url}/v1/exports/${made!.id}/content`
  const args = ['-sS', '--fail', '-C', '-', '-o', output, '-w', '%{http_code} %{size_download}', '-H']
  const { stdout } = await promisify(execFile)('curl', [...args, authorization, url])
  expect(stdout).toBe(`206 ${file.length - 300_001}`)
  expect((await readFile(output)).equals(file)).toBe(true)
})
