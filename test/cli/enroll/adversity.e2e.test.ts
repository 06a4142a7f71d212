import { mkdir, readdir, readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { runMintline } from '../mintline.ts'
import { type OpenStation, openStation, writeToken } from './enrolling.ts'
import { startFront } from './front.ts'

let station: OpenStation
beforeAll(async () => {
  station = await openStation()
})
afterAll(() => station.close())

let count = 0
async function enrollOne(url: string, more: readonly string[] = []) {
  count += 1
  const csr = await station.makeCsr(`device-${count}.csr`)
  const out = station.at(`device-${count}.pem`)
  const ended = await station.enroll(['--profile', 'starter', '--csr', csr, '--out', out, ...more], { url })
  return { ...ended, csr, kept: await readFile(out, 'utf8').catch(() => undefined) }
}

const busy = (retryAfter: string) => ({
  status: 503,
  headers: { 'retry-after': retryAfter, 'content-type': 'application/problem+json' },
  body: JSON.stringify({ code: 'database_unavailable', detail: 'Later.' })
})

describe('a service that is busy', () => {
  it('is asked again when it wants to be, with the same octets', async () => {
    await using front = await startFront(station.service.url, index => (index < 2 ? busy('1') : 'pass'))
    const { exitCode, kept, errors } = await enrollOne(front.url)
    expect([exitCode, kept?.includes('BEGIN CERTIFICATE')]).toEqual([0, true])
    expect(errors.match(/database_unavailable/g)).toHaveLength(2)
    const [first, second, third] = front.bodies
    expect([second, third]).toEqual([first, first])
    expect(new Set(front.paths).size).toBe(1)
    for (const [index, time] of front.times.slice(1).entries())
      expect(time - front.times[index]!).toBeGreaterThan(990)
  })

  it.each([
    ['429 of a station', { ...busy('60'), status: 429 }],
    ['503 for longer than there is time', busy('60')],
    ['504 of a proxy', { status: 504, headers: { 'retry-after': '60' }, body: '<html>' }]
  ])('is left alone in the end: %s', async (_name, deed) => {
    await using front = await startFront(station.service.url, () => deed)
    const { exitCode, kept } = await enrollOne(front.url, ['--deadline', '5'])
    expect([exitCode, kept, front.paths.length]).toEqual([4, undefined, 1])
  })

  it('is tried until the deadline, and no longer', async () => {
    await using front = await startFront(station.service.url, () => busy('1'))
    const start = performance.now()
    const { exitCode } = await enrollOne(front.url, ['--deadline', '4'])
    expect(exitCode).toBe(4)
    expect(front.paths.length).toBeGreaterThan(1)
    expect(front.paths.length).toBeLessThan(5)
    expect(performance.now() - start).toBeLessThan(30_000)
  })
})

describe('a reply that is lost', () => {
  it('costs nothing: the same certificate comes with the next try', async () => {
    const before = await station.countIssued()
    await using front = await startFront(station.service.url, index =>
      index < 2 ? 'lose the answer' : 'pass'
    )
    const { exitCode, output, kept } = await enrollOne(front.url)
    expect([exitCode, front.paths.length]).toEqual([0, 3])
    expect(output).toMatch(/^replayed: /)
    expect(await station.countIssued()).toBe(before + 1)
    const { certificatePem } = (
      await station.service.as('auditor').get('/v1/issuances?limit=1&fields=certificatePem')
    ).json<{
      items: { certificatePem: string }[]
    }>().items[0]!
    expect(kept?.startsWith(certificatePem)).toBe(true)
  })
})

describe('what is no answer of the service', () => {
  it('is not kept where it is for another key', async () => {
    const other = await enrollOne(station.service.url, ['--json'])
    const answer = await station.service
      .as('station')
      .post('/v1/issuances?profile=starter', await readFile(other.csr), {
        'content-type': 'application/pkcs10'
      })
    await using front = await startFront(station.service.url, () => ({ status: 201, body: answer.body }))
    const { exitCode, kept, errors } = await enrollOne(front.url)
    expect([exitCode, kept, front.paths.length]).toEqual([3, undefined, 1])
    expect(errors).toContain('answer_invalid')
  })

  it.each<[string, (answer: Record<string, string>) => object]>([
    ['a certificate without its CA', answer => ({ chainPem: answer['certificatePem'] })],
    ['the id of another', () => ({ certificateId: '0'.repeat(64) })],
    ['a CA that did not sign', answer => ({ chainPem: answer['certificatePem']!.repeat(2) })],
    [
      'a chain that is none',
      () => ({ chainPem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'.repeat(2) })
    ]
  ])('is not kept: %s', async (_name, change) => {
    const own = await enrollOne(station.service.url)
    const answer = await station.service
      .as('station')
      .post('/v1/issuances?profile=starter', await readFile(own.csr), {
        'content-type': 'application/pkcs10'
      })
    const issuance = answer.json<Record<string, string>>()
    const body = JSON.stringify({ ...issuance, ...change(issuance) })
    await using front = await startFront(station.service.url, () => ({ status: 200, body }))
    const out = station.at('forged.pem')
    const args = ['--profile', 'starter', '--csr', own.csr, '--out', out]
    const ended = await station.enroll(args, { url: front.url })
    expect([ended.exitCode, await readFile(out).catch(() => 'none')]).toEqual([3, 'none'])
  })

  it.each([
    ['a page', { status: 200, body: '<html>log in</html>' }],
    ['a page that is not there', { status: 404, body: '<html>' }],
    ['a redirection', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
    ['too much', { status: 200, body: 'x'.repeat(2_000_000) }],
    ['null', { status: 201, body: 'null' }]
  ])('is taken for nothing: %s', async (_name, deed) => {
    await using front = await startFront(station.service.url, () => deed)
    const { exitCode, kept } = await enrollOne(front.url, ['--deadline', '0'])
    expect([exitCode, kept]).toEqual([5, undefined])
  })
})

describe('a service that cannot be reached', () => {
  it.each([
    ['nobody listens', 'http://127.0.0.1:1', 'ECONNREFUSED'],
    ['there is no such name', 'http://mintline.invalid', /ENOTFOUND|EAI_AGAIN/]
  ] as const)('%s', async (_name, url, code) => {
    const { exitCode, kept, errors } = await enrollOne(url, ['--deadline', '1'])
    expect([exitCode, kept]).toEqual([5, undefined])
    expect(errors).toContain('unreachable')
    expect(errors).toMatch(code)
  })
})

async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

it('kill -9 of the service in the middle loses nothing and doubles nothing', async () => {
  await using data = await createTemporaryDirectory()
  const environment = { MINTLINE_LOG_LEVEL: 'error', MINTLINE_PORT: String(await findFreePort()) }
  const first = await startServiceProcess(data.path, environment)
  await writeToken(station.at('killed-token'), await first.token('station'))
  const folder = station.at('killed')
  await mkdir(folder)
  for (let index = 0; index < 150; index++) await station.makeCsr(`killed/${index}.csr`)
  const answers = async () => (await readdir(folder)).filter(name => name.endsWith('.pem'))
  const args = ['--url', first.url, '--token-file', station.at('killed-token'), '--profile', 'starter']
  const enrolling = runMintline(['enroll', ...args, '--dir', folder, '--concurrency', '4'])
  await expect.poll(async () => (await answers()).length).toBeGreaterThan(10)
  await first.end('SIGKILL')
  const killedAt = (await answers()).length
  const second = await startServiceProcess(data.path, environment)
  const { exitCode, errors } = await enrolling
  expect([killedAt < 150, exitCode]).toEqual([true, 0])
  expect(errors).toMatch(/of 150\n$/)
  const texts = await Promise.all((await answers()).map(name => readFile(`${folder}/${name}`, 'utf8')))
  expect(new Set(texts).size).toBe(150)
  const list = await fetch(`${second.url}/v1/issuances?limit=200`, {
    headers: { authorization: `Bearer ${await second.token('auditor')}` }
  })
  const { items } = (await list.json()) as { items: { outcome: string }[] }
  expect(items.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 150 }, () => 'issued'))
  await second.end('SIGTERM')
})
