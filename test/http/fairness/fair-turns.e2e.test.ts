import { type AddressInfo, connect } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { createTestApp, record, type TestApp } from '../port.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close()
})

const stationRights = {
  role: 'station',
  station: { line: null, site: null, profiles: ['*'], requestsPerMinute: null }
} as const
const auditorRights = { role: 'auditor' } as const

/** Takes any token for that of a station of its name, unless it is said whose it is. What is to be issued is held until it is let go. */
async function createStationsApp(
  changes: Parameters<typeof createTestApp>[0] = {},
  others: Readonly<Record<string, typeof auditorRights>> = {}
) {
  const list = async () => ({ items: [], nextCursor: undefined, detachedMonths: [] })
  const port = await createTestApp(changes, { records: { list } })
  opened.push(port.app)
  port.services.tokens.authenticate = async name => ({
    tokenId: `token of ${name}`,
    name,
    ...(others[name] ?? stationRights)
  })
  const held: (() => void)[] = []
  port.issue = ({ station }) =>
    new Promise((resolve, reject) => {
      held.push(() => {
        if (station.name === 'wrong') reject(new MintlineError('csr_malformed', 'It is no CSR.'))
        else resolve({ record, replayed: false })
      })
    })
  const issuing = (name: string) => port.requests.filter(({ station }) => station.name === name).length
  const letGo = () => held.splice(0).forEach(each => each())
  return { app: port.app, issuing, held, letGo }
}

const headersOf = (name: string) => ({
  authorization: `Bearer ${name}`,
  'content-type': 'application/pkcs10'
})

const post = (app: TestApp, name: string) =>
  app.inject({
    method: 'POST',
    url: '/v1/issuances?profile=x',
    headers: headersOf(name),
    payload: Buffer.from('csr')
  })

async function until(expected: number, count: () => number) {
  await vi.waitFor(() => expect(count()).toBe(expected), { timeout: 5_000 })
}

it('a station is served at once while another has sent more than is done at once', async () => {
  const { app, issuing, held, letGo } = await createStationsApp()
  const first = post(app, 'calm')
  await until(1, () => held.length)
  letGo()
  expect((await first).statusCode).toBe(201)
  const flood = Array.from({ length: 30 }, () => post(app, 'loud'))
  await until(4, () => issuing('loud'))
  const calm = post(app, 'calm')
  await until(2, () => issuing('calm'))
  held.at(-1)!()
  expect((await calm).statusCode).toBe(201)
  expect(issuing('loud')).toBe(4)
  const ending = setInterval(letGo, 1)
  opened.push({ close: () => clearInterval(ending) })
  expect((await Promise.all(flood)).every(({ statusCode }) => statusCode === 201)).toBe(true)
})

it('who looks on holds a lone station to no few turns', async () => {
  const { app, issuing, letGo } = await createStationsApp({}, { auditor: auditorRights })
  const read = await app.inject({ url: '/v1/issuances', headers: { authorization: 'Bearer auditor' } })
  expect(read.statusCode).toBe(200)
  const flood = Array.from({ length: 30 }, () => post(app, 'loud'))
  await until(30, () => issuing('loud'))
  letGo()
  expect((await Promise.all(flood)).every(({ statusCode }) => statusCode === 201)).toBe(true)
})

it('a refusal gives the turn on as an answer does', async () => {
  const { app, issuing, letGo } = await createStationsApp()
  const ending = setInterval(letGo, 1)
  opened.push({ close: () => clearInterval(ending) })
  await post(app, 'calm')
  const answers = await Promise.all(Array.from({ length: 30 }, () => post(app, 'wrong')))
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array<number>(30).fill(422))
  expect(issuing('wrong')).toBe(30)
})

it('who is too many is told so with a pause, and the others are served', async () => {
  const { app, issuing, letGo } = await createStationsApp({ maximumWaiting: 5 })
  const first = post(app, 'calm')
  await until(1, () => issuing('calm'))
  letGo()
  await first
  const flood = Array.from({ length: 20 }, () => post(app, 'loud'))
  const calm = post(app, 'calm')
  await until(2, () => issuing('calm'))
  const ending = setInterval(letGo, 1)
  opened.push({ close: () => clearInterval(ending) })
  expect((await calm).statusCode).toBe(201)
  const refused = (await Promise.all(flood)).filter(({ statusCode }) => statusCode !== 201)
  expect(refused).toHaveLength(11)
  for (const answer of refused) {
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([503, 'overloaded'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  }
})

it('a body that does not come keeps no turn', async () => {
  const { app, issuing, letGo } = await createStationsApp()
  await app.listen({ host: '127.0.0.1', port: 0 })
  const ending = setInterval(letGo, 1)
  opened.push({ close: () => clearInterval(ending) })
  await post(app, 'calm')
  const { port } = app.server.address() as AddressInfo
  const head = Object.entries({ host: 'x', ...headersOf('loud'), 'content-length': '50' })
    .map(line => line.join(': '))
    .join('\r\n')
  for (let slow = 0; slow < 10; slow++) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    opened.push({ close: () => socket.destroy() })
    socket.write(`POST /v1/issuances?profile=x HTTP/1.1\r\n${head}\r\n\r\nbegun`)
  }
  await new Promise(resolve => setTimeout(resolve, 100))
  expect((await post(app, 'loud')).statusCode).toBe(201)
  expect(issuing('loud')).toBe(1)
})
