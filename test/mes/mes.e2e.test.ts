import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { parseWebhookSecret } from '../../src/events/receiver/signature.ts'
import { type AskOutcome, createMes, type Mes } from '../../src/mes/mes.ts'
import type { MesSystem } from '../../src/mes/mes-file.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { makeServerCertificates, type ServerCertificate } from '../events/receiver/bad-certificates.ts'
import { needs } from '../support/needs/needs.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'
import { type Answering, mesSecret, type MesServer, startMesServer } from './mes-server.ts'

let stops: AsyncDisposableStack
let server: MesServer
let observed: [AskOutcome, number][]
beforeEach(async () => {
  stops = new AsyncDisposableStack()
  server = stops.use(await startMesServer())
  observed = []
})
afterEach(() => stops.disposeAsync())

function open(change: Partial<MesSystem> = {}): Mes {
  const system = {
    url: server.url,
    key: parseWebhookSecret(mesSecret)!,
    timeoutMs: 400,
    caPem: undefined,
    ...change
  }
  return createMes(
    {
      systems: new Map([['plant', system]]),
      version: '1.2.3',
      clock: () => new Date(),
      randomBytes: createRandomSource(),
      observe: (_name, outcome, seconds) => void observed.push([outcome, seconds])
    },
    stops
  )
}

const ask = (mes: Mes, name = 'plant') =>
  mes.ask(name, { subject: { CommonName: 'device-1' } }).then(
    answer => answer as object,
    (error: unknown) => {
      if (!isMintlineError(error)) throw error
      const { code, detail, retryAfterSeconds } = error
      return { code, detail, retryAfterSeconds }
    }
  )
const refused = (detail: string) => ({
  code: 'mes_unavailable',
  detail: expect.stringContaining(detail) as string
})

describe('a MES', () => {
  it('is asked with a signature that holds, over a connection that is kept', async () => {
    const mes = open()
    for (let round = 0; round < 5; round++) expect(await ask(mes)).toEqual({ verdict: 'allow' })
    expect(server.questions[0]).toMatchObject({
      type: 'mintline.mes.ask',
      data: { subject: { CommonName: 'device-1' } }
    })
    expect(new Set(server.questions.map(({ id }) => id)).size).toBe(5)
    expect(server.state.connections).toBe(1)
    expect(observed.map(([outcome]) => outcome)).toEqual(Array(5).fill('allow'))
  })

  it('is asked again on a new connection where it closed the kept one', async () => {
    const mes = open()
    await ask(mes)
    let first = true
    server.state.answering = (_question, response) => {
      if (!first) return { verdict: 'allow' }
      first = false
      response.destroy()
      return undefined
    }
    expect(await ask(mes)).toEqual({ verdict: 'allow' })
    const [, one, other] = server.questions
    expect(other!.id).toBe(one!.id)
  })

  it.each<[string, Answering, string]>([
    ['says nothing', () => undefined, 'within 0.4 seconds'],
    [
      'begins and does not go on',
      (_question, response) => void response.writeHead(200).write('{"verdict"'),
      'within 0.4 seconds'
    ],
    [
      'drips',
      (_question, response) => {
        const timer = setInterval(() => response.write(' '), 50)
        response.on('close', () => clearInterval(timer))
        return undefined
      },
      'within 0.4 seconds'
    ],
    ['closes the connection', (_question, response) => void response.destroy(), 'closed'],
    [
      'closes it in the middle',
      (_question, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('{"verdict": "allow"}')
        setTimeout(() => response.destroy(), 20)
        return undefined
      },
      'closed'
    ],
    ['answers 500', answer(500), 'answered 500'],
    ['answers 404', answer(404), 'answered 404'],
    ['answers 304', answer(304), 'answered 304'],
    ['answers 204', answer(204), 'no JSON'],
    ['answers garbage', answer(200, '<html>'), 'no JSON'],
    ['answers something else', answer(200, '{"verdict":"maybe"}'), 'neither allow nor deny'],
    [
      'answers more than is read',
      answer(200, `{"verdict":"allow","message":"${'x'.repeat(32_768)}"}`),
      '32768'
    ],
    [
      'answers without an end',
      (_question, response) => {
        response.writeHead(200)
        const more = () => void (response.write('x'.repeat(65_536)) && setImmediate(more))
        response.on('drain', more)
        more()
        return undefined
      },
      '32768'
    ]
  ])('that %s has given no verdict', async (_name, answering, detail) => {
    server.state.answering = answering
    const start = performance.now()
    const outcome = await ask(open())
    expect(outcome).toMatchObject(refused(detail))
    expect((outcome as { retryAfterSeconds: number }).retryAfterSeconds).toBeGreaterThan(0)
    expect(performance.now() - start).toBeLessThan(5_000)
    expect(observed.map(([verdict]) => verdict)).toEqual(['unavailable'])
  })

  it('that redirects is followed nowhere', async () => {
    await using elsewhere = await startMesServer()
    server.state.answering = (_question, response) =>
      void response.writeHead(307, { location: elsewhere.url }).end()
    expect(await ask(open())).toMatchObject(refused('answered 307'))
    expect(elsewhere.questions).toEqual([])
  })

  it('that speaks another protocol has given no verdict', async () => {
    const odd = createServer((socket: Socket) => void socket.end('SSH-2.0-OpenSSH\r\n'))
    odd.listen(0, '127.0.0.1')
    await once(odd, 'listening')
    stops.defer(() => void odd.close())
    const { port } = odd.address() as { port: number }
    expect(await ask(open({ url: `http://127.0.0.1:${port}/` }))).toMatchObject(refused('no HTTP'))
    expect(await ask(open({ url: `https://localhost:${port}/` }))).toMatchObject(refused('TLS'))
  })

  it('that is not there has given no verdict', async () => {
    expect(await ask(open({ url: 'http://127.0.0.1:1/' }))).toMatchObject(refused('ECONNREFUSED'))
    expect(await ask(open({ url: 'https://mes.invalid/' }))).toMatchObject(refused('cannot be reached'))
  })

  it('that takes another key has given no verdict', async () => {
    expect(await ask(open({ key: Buffer.alloc(32, 1) }))).toMatchObject(refused('answered 401'))
  })

  it('that nobody named is refused', async () => {
    expect(await ask(open(), 'other')).toMatchObject(refused('MINTLINE_MES_FILE'))
    expect(await ask(open(), '__proto__')).toMatchObject(refused('MINTLINE_MES_FILE'))
  })
})

function answer(status: number, body = ''): Answering {
  return (_question, response: ServerResponse) => void response.writeHead(status).end(body)
}

describe('a MES with TLS', needs('openssl'), () => {
  it('is trusted by the CA of its entry alone, for its own name and time', async () => {
    const directory = stops.use(
      Object.assign(await createTemporaryDirectory(), {
        async [Symbol.asyncDispose]() {
          await directory.remove()
        }
      })
    )
    const { caFile, ...certificates } = makeServerCertificates(directory.path)
    const caPem = readFileSync(caFile, 'utf8')
    const askOf = async (certificate: ServerCertificate, trusted: string | undefined = caPem) => {
      await using secure = await startMesServer(certificate)
      return await ask(open({ url: secure.url, caPem: trusted, timeoutMs: 5_000 }))
    }
    expect(await askOf(certificates.good)).toEqual({ verdict: 'allow' })
    expect(await askOf(certificates.expired)).toMatchObject(refused('CERT_HAS_EXPIRED'))
    expect(await askOf(certificates.otherName)).toMatchObject(refused('ERR_TLS_CERT_ALTNAME_INVALID'))
    expect(await askOf(certificates.selfSigned)).toMatchObject(refused('caFile'))
    await using secure = await startMesServer(certificates.good)
    expect(await ask(open({ url: secure.url }))).toMatchObject(refused('caFile'))
  })
})

describe('many that ask at once', () => {
  it('are asked about 32 at a time', async () => {
    server.state.answering = async () => {
      await delay(20)
      return { verdict: 'allow' }
    }
    const mes = open({ timeoutMs: 5_000 })
    const outcomes = await Promise.all(Array.from({ length: 96 }, () => ask(mes)))
    expect(outcomes).toEqual(Array(96).fill({ verdict: 'allow' }))
    expect(server.state.mostUnderWay).toBeLessThanOrEqual(32)
    expect(server.state.connections).toBeLessThanOrEqual(32)
  })

  it('are no more than 96; the next is told to come back', async () => {
    const mes = open({ timeoutMs: 5_000 })
    const asked = Array.from({ length: 97 }, () => ask(mes))
    expect(await asked.at(-1)).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
    expect(await Promise.all(asked.slice(0, 96))).toEqual(Array(96).fill({ verdict: 'allow' }))
    expect(await ask(mes)).toEqual({ verdict: 'allow' })
  })

  it('wait no longer than the deadline, the wait for a turn included', async () => {
    server.state.answering = () => undefined
    const start = performance.now()
    const outcomes = await Promise.all(Array.from({ length: 96 }, () => ask(open())))
    expect(new Set(outcomes.map(outcome => (outcome as { code: string }).code))).toEqual(
      new Set(['mes_unavailable'])
    )
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})

describe('a MES that does not answer', () => {
  it('is not waited for any more after five questions, and is asked again when it is back', async () => {
    server.state.answering = () => undefined
    const mes = open()
    for (let round = 0; round < 5; round++) expect(await ask(mes)).toMatchObject(refused('within 0.4'))
    expect(mes.examine()).toMatchObject({ ok: false, detail: expect.stringContaining('plant') as string })
    const start = performance.now()
    const early = await ask(mes)
    expect(early).toMatchObject({ ...refused('not asked at the moment'), retryAfterSeconds: 1 })
    expect(performance.now() - start).toBeLessThan(300)
    expect(server.questions).toHaveLength(5)
    expect(observed.at(-1)![0]).toBe('early')
    server.state.answering = () => ({ verdict: 'deny' })
    await delay(1_100)
    const outcomes = await Promise.all([ask(mes), ask(mes), ask(mes)])
    // One of them tried it; the others were told at once.
    expect(outcomes).toContainEqual({ verdict: 'deny' })
    expect(server.questions).toHaveLength(6)
    expect(await ask(mes)).toEqual({ verdict: 'deny' })
    expect(mes.examine()).toEqual({ ok: true, detail: 'no fault known' })
  })

  it('is asked on while it answers something at once, whatever', async () => {
    server.state.answering = answer(200, 'garbage')
    const mes = open()
    for (let round = 0; round < 8; round++) expect(await ask(mes)).toMatchObject(refused('no JSON'))
    expect(server.questions).toHaveLength(8)
  })
})
