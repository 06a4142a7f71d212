import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { lockOutput } from '../../../src/cli/export/lock.ts'
import { writePartState } from '../../../src/cli/export/part.ts'
import { type HttpService, openService } from '../../http/service.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { runMintline } from '../mintline.ts'
import { startCutting } from './cutting.ts'

const refusals = 540
let service: HttpService
let directory: TemporaryDirectory
let output: string
let tokenFile: string
/** Before which the rows came on record that all tests export. */
let to: string

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  service = await openService()
  await service.issue()
  const ask = (index: number) =>
    service.as('station').post('/v1/issuances', {
      csr: `no CSR ${index}`,
      profile: 'starter',
      metadata: { note: `=1+${index}, "quoted"` }
    })
  for (let at = 0; at < refusals; at += 30)
    await Promise.all(Array.from({ length: 30 }, (_, i) => ask(at + i)))
  await service.issue()
  to = new Date(Date.now() + 1).toISOString()
  tokenFile = await writeToken('auditor')
  // It is to be over.
  await new Promise(resolve => setTimeout(resolve, 1_100))
})
afterAll(async () => {
  await service.stop()
  await directory.remove()
})
beforeEach(async () => {
  for (const name of await readdir(directory.path))
    if (name.startsWith('list')) await rm(join(directory.path, name))
  output = join(directory.path, 'list')
})

async function writeToken(role: 'auditor' | 'station'): Promise<string> {
  const path = join(directory.path, `${role}-token`)
  await writeFile(path, service.bearer(role).authorization.slice('Bearer '.length))
  return path
}

interface Told {
  readonly outcome: string
  readonly rows: number
  readonly octets: number
  readonly sha256: string
  readonly to: string
  readonly readSince: string
  readonly readUntil: string
  readonly resumedAt: number
  readonly detachedMonths?: readonly string[]
  readonly code?: string
}

const argumentsOf = (url: string, format: string, more: readonly string[] = [`--filter=to=${to}`]) => [
  'export',
  ...['--url', url, '--token-file', tokenFile, '--of', 'issuances', '--format', format, '--output', output],
  ...more
]

async function run(args: readonly string[]) {
  const ended = await runMintline([...args, '--json'])
  const told = (ended.output === '' ? {} : JSON.parse(ended.output)) as Told
  return { ...ended, told }
}

const hashOf = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

async function listed(accept: string): Promise<Buffer> {
  const headers = { ...service.bearer('auditor'), accept }
  return (await service.send({ url: `/v1/issuances?to=${to}`, headers })).rawPayload
}

/** As if what was begun at that address had been begun at that of the service. */
async function keepAddress(url: string): Promise<void> {
  const state = await readFile(`${output}.part.json`, 'utf8')
  await writeFile(`${output}.part.json`, state.replaceAll(new URL(url).host, new URL(service.url).host))
}

describe.each([
  ['csv', 'text/csv'],
  ['ndjson', 'application/x-ndjson']
])('an export as %s', (format, accept) => {
  it('is the list', async () => {
    const { exitCode, told, errors } = await run(argumentsOf(service.url, format))
    expect(errors).toBe('')
    expect(exitCode).toBe(0)
    const list = await listed(accept)
    expect(await readFile(output)).toEqual(list)
    expect(told).toMatchObject({
      outcome: 'exported',
      rows: refusals + 2,
      octets: list.length,
      resumedAt: 0,
      to
    })
    expect(told.sha256).toBe(await hashOf(output))
    expect((await readdir(directory.path)).filter(name => name.startsWith('list'))).toEqual(['list'])
    expect((await stat(output)).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['that is none', ['to=gestern']],
    ['that is written as elsewhere', ['to=1.11.2026']],
    ['that is given twice', [`to=${to}`, 'to=2026-01-01']]
  ])('to an end %s is refused, and no file is begun', async (_, ends) => {
    const filters = ends.flatMap(end => ['--filter', end])
    const { exitCode, errors } = await run(argumentsOf(service.url, format, filters))
    expect(exitCode).not.toBe(0)
    expect(errors).toContain('/query/to')
    expect((await readdir(directory.path)).filter(name => name === 'list')).toEqual([])
  })

  it('to a date is to its beginning in the zone of the filter', async () => {
    const date = new Date(Date.now() + 14 * 3_600_000).toISOString().slice(0, 10)
    const filters = [`--filter=to=${date}`, '--filter=zone=Pacific/Kiritimati']
    const { told } = await run(argumentsOf(service.url, format, filters))
    expect(told.to).toBe(new Date(Date.parse(`${date}T00:00:00Z`) - 14 * 3_600_000).toISOString())
    expect(told.rows).toBe(0)
  })

  it('that is cut off comes to the same file', async () => {
    // In the head of the answer, between rows and in the middle of them, with ever more that has come through.
    const octets = [0, 1, 400, 5_000, 70_001, 90_123]
    await using front = await startCutting(service.url, index => octets[index])
    const { exitCode, told, errors } = await run(argumentsOf(front.url, format))
    expect(errors).toContain('goes on in')
    expect(exitCode).toBe(0)
    expect(front.cuts()).toBe(octets.length)
    expect(await readFile(output)).toEqual(await listed(accept))
    expect(told.sha256).toBe(await hashOf(output))
  })

  it('that is killed goes on in the next run, and comes to the same file', async () => {
    await using front = await startCutting(service.url, () => 100_000)
    const killed = await run([
      ...argumentsOf(front.url, format, []),
      '--filter',
      `to=${to}`,
      '--deadline',
      '0'
    ])
    expect(killed.exitCode).toBe(5)
    const part = await readFile(`${output}.part`)
    expect(part.length).toBeGreaterThan(1_000)
    // What was written in the moment of a kill, and what was not.
    await appendFile(`${output}.part`, '"half of a ro')
    const args = argumentsOf(service.url, format)
    // To another address it is another export.
    await keepAddress(front.url)
    const { exitCode, told } = await run(args)
    expect(exitCode).toBe(0)
    expect(told.resumedAt).toBe(part.length)
    expect(await readFile(output)).toEqual(await listed(accept))
    expect(told.sha256).toBe(await hashOf(output))
  })

  it('that goes on after a record has changed has each row as it was when it was read, and says from when to when', async () => {
    await using front = await startCutting(service.url, () => 100_000)
    await run([...argumentsOf(front.url, format), '--deadline', '0'])
    const before = new Date()
    // The newest has been read, the oldest not yet.
    const { items } = (await service.as('auditor').get(`/v1/issuances?outcome=issued&to=${to}`)).json<{
      items: { id: string }[]
    }>()
    const ids = items.map(({ id }) => id)
    for (const id of ids)
      expect(
        (await service.as('admin').post(`/v1/issuances/${id}/hold`, { note: 'held-meanwhile' })).statusCode
      ).toBe(200)
    await keepAddress(front.url)
    const { told } = await run(argumentsOf(service.url, format))
    const rows = (await readFile(output, 'utf8')).split('\n')
    const isHeld = (id: string) => rows.find(row => row.includes(id))!.includes('held-meanwhile')
    expect([isHeld(ids[0]!), isHeld(ids.at(-1)!)]).toEqual([false, true])
    expect(told.rows).toBe(refusals + 2)
    expect(new Date(told.readSince) <= before).toBe(true)
    expect(new Date(told.readUntil) >= before).toBe(true)
    for (const id of ids) await service.as('admin').post(`/v1/issuances/${id}/unhold`, { note: 'x' })
  })
})

it.each(['csv', 'xlsx'])(
  'a part of another export is neither gone on with nor thrown away for %s',
  async format => {
    await using front = await startCutting(service.url, () => 100_000)
    await run([...argumentsOf(front.url, 'ndjson'), '--deadline', '0'])
    const part = await readFile(`${output}.part`)
    const refused = await run(argumentsOf(service.url, format))
    expect(refused.exitCode).toBe(2)
    expect(refused.errors).toContain(
      `${part.length} octets of another export (--url ${front.url}/ --of issuances --format ndjson --filter to=${to})`
    )
    expect(await readFile(`${output}.part`)).toEqual(part)
    await rm(`${output}.part`)
    expect((await run(argumentsOf(service.url, format))).exitCode).toBe(0)
  }
)

it('what is asked for anew is not gone on with where there is nothing of the other', async () => {
  await writePartState(output, { asked: 'another', to: '2020-01-01T00:00:00.000Z' })
  await writeFile(`${output}.part`, '')
  const { exitCode, told } = await run(argumentsOf(service.url, 'csv'))
  expect(exitCode).toBe(0)
  expect(told.resumedAt).toBe(0)
  expect(await readFile(output)).toEqual(await listed('text/csv'))
})

it('a kill in the middle of it leaves what the next run goes on with', async () => {
  const args = argumentsOf(service.url, 'csv', [])
  const command = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
  const child = spawn(process.execPath, [command, ...args], { stdio: 'ignore' })
  await expect
    .poll(
      () =>
        stat(`${output}.part.json`).then(
          () => true,
          () => false
        ),
      { timeout: 30_000 }
    )
    .toBe(true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const { exitCode, told } = await run(args)
  expect(exitCode).toBe(0)
  expect(told.rows).toBe(refusals + 2)
  expect(told.sha256).toBe(await hashOf(output))
})

describe.each(['xlsx', 'parquet'])('an export as %s', format => {
  it('is made by the service, read, also where it is cut off, and deleted there', async () => {
    await using front = await startCutting(service.url, index => (index < 3 ? 9_000 : undefined))
    const { exitCode, told, errors } = await run(argumentsOf(front.url, format))
    expect(errors).not.toContain('refused')
    expect(exitCode).toBe(0)
    expect(front.cuts()).toBe(3)
    expect(told).toMatchObject({
      rows: refusals + 2,
      to,
      octets: (await stat(output)).size,
      sha256: await hashOf(output)
    })
    expect((await service.as('auditor').get('/v1/exports')).json<{ items: object[] }>().items).toEqual([])
  })

  it('goes on in the next run', async () => {
    // Everything goes through but what is long.
    await using front = await startCutting(service.url, () => 12_000)
    const first = await run([...argumentsOf(front.url, format), '--deadline', '0'])
    expect(first.exitCode).toBe(5)
    const { size } = await stat(`${output}.part`)
    expect(size).toBeGreaterThan(1_000)
    await keepAddress(front.url)
    const { exitCode, told } = await run(argumentsOf(service.url, format))
    expect(exitCode).toBe(0)
    expect(told.resumedAt).toBe(size)
    expect(told.sha256).toBe(await hashOf(output))
  })

  it('that is not what was made is not kept', async () => {
    await using front = await startCutting(service.url, () => 12_000)
    await run([...argumentsOf(front.url, format), '--deadline', '0'])
    const { size } = await stat(`${output}.part`)
    await truncate(`${output}.part`, size - 10)
    await appendFile(`${output}.part`, '0123456789')
    await keepAddress(front.url)
    const damaged = await run(argumentsOf(service.url, format))
    expect(damaged.exitCode).toBe(1)
    expect(damaged.errors).toContain('SHA-256')
    expect((await run(argumentsOf(service.url, format))).exitCode).toBe(0)
  })
})

it.each([
  ['csv', 2],
  ['ndjson', 2],
  ['xlsx', 2],
  ['parquet', 2]
])('has the filters of the list, numbers, lists and fields among them, as %s', async (format, rows) => {
  const asked = (note: string) => [
    ...['--filter', `to=${to}`, '--filter', 'profileVersion=1', '--filter', 'fields=serialNumber, thing'],
    ...['--filter', 'outcome=issued', ...(note === '' ? [] : ['--filter', `metadata=note:${note}`])]
  ]
  const { exitCode, told, errors } = await run(argumentsOf(service.url, format, asked('')))
  expect(errors).toBe('')
  expect(exitCode).toBe(0)
  expect(told.rows).toBe(rows)
  if (format === 'csv') expect(await readFile(output, 'utf8')).toMatch(/^id,serialNumber,thingName\r\n/)
  await rm(output)
  expect((await run(argumentsOf(service.url, format, asked('there is none')))).told.rows).toBe(0)
})

describe('what keeps it from being done', () => {
  it.each([
    [['--of', 'stations'], '--of'],
    [['--format', 'pdf'], '--format'],
    [['--filter', 'station'], '--filter'],
    [['--filter', 'limit=5'], '--filter'],
    [['--output', '/nowhere/list'], '--output'],
    [['--deadline', 'x'], '--deadline']
  ])('%j', async (more, flag) => {
    const { exitCode, errors } = await run(argumentsOf(service.url, 'csv', more))
    expect(exitCode).toBe(2)
    expect(errors).toContain(`mintline export: ${flag}`)
  })

  it('another one into the same file, which is named, and leaves nothing behind', async () => {
    const lock = await lockOutput(output)
    await writePartState(output, { asked: 'the same' })
    const ended = await run(argumentsOf(service.url, 'csv'))
    expect(ended.exitCode).toBe(1)
    expect(ended.errors).toContain(
      `is being written by another \`mintline export\` (process ${process.pid} on`
    )
    await lock[Symbol.asyncDispose]()
    expect((await run(argumentsOf(service.url, 'csv'))).exitCode).toBe(0)
    expect((await readdir(directory.path)).filter(name => name.startsWith('list'))).toEqual(['list'])
  })

  it('what is refused leaves no file', async () => {
    const ended = await run(argumentsOf(service.url, 'csv', ['--filter=station=']))
    expect(ended.exitCode).toBe(3)
    expect((await readdir(directory.path)).filter(name => name.startsWith('list'))).toEqual([])
  })

  it('a file that is there is not written over', async () => {
    await writeFile(output, 'dear')
    const { exitCode } = await run(argumentsOf(service.url, 'csv'))
    expect(exitCode).toBe(2)
    expect(await readFile(output, 'utf8')).toBe('dear')
  })

  it.each(['csv', 'xlsx'])('a filter that there is not, as %s', async format => {
    const { exitCode, told, errors } = await run(argumentsOf(service.url, format, ['--filter', 'colour=red']))
    expect(exitCode).toBe(3)
    expect(told.code).toBe('request_invalid')
    expect(errors).toContain('colour')
  })

  it('nobody there', async () => {
    const { exitCode } = await run([...argumentsOf('http://127.0.0.1:9', 'csv'), '--deadline', '0'])
    expect(exitCode).toBe(5)
  })
})

it.each(['csv', 'xlsx'])('says of which months a list as %s has nothing', async format => {
  const month = '2025-02'
  const detached = { month, detachedAt: new Date(), detachedBy: 'cli/test' }
  await service.owner.prisma.detachedMonth.create({ data: detached })
  const { told } = await run(argumentsOf(service.url, format))
  expect(told).toMatchObject({ outcome: 'exported', detachedMonths: [month] })
  await rm(output)
  const { exitCode, errors } = await runMintline(argumentsOf(service.url, format))
  expect([exitCode, errors]).toEqual([0, expect.stringContaining(`nothing of ${month}:`)])
  await service.owner.prisma.detachedMonth.delete({ where: { month } })
  await rm(output)
  expect((await run(argumentsOf(service.url, format))).told.detachedMonths).toEqual([])
})
