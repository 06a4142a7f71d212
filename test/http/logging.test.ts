import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { bearer, bearers, createTestApp, record } from './port.ts'

const lines: string[] = []
const port = await createTestApp({ logLevel: 'trace', logStream: { write: line => void lines.push(line) } })
const { app } = port
afterAll(() => app.close())
beforeEach(() => void (lines.length = 0))

const parsed = () => lines.map(line => JSON.parse(line) as Record<string, unknown>)
const post = (payload: object, url = '/v1/issuances') =>
  app.inject({ method: 'POST', url, headers: { ...bearer('station'), 'x-request-id': 'r-1' }, payload })

describe('the log', () => {
  it('has one line for a request that went well', async () => {
    await post({ csr: 'x', profile: 'starter' })
    expect(parsed()).toMatchObject([
      {
        level: 30,
        requestId: 'r-1',
        method: 'POST',
        path: '/v1/issuances',
        status: 201,
        actor: 'station/station-1'
      }
    ])
  })

  it('never has a token, wherever the client put it', async () => {
    const secret = `mintline_${'0'.repeat(32)}_${'s'.repeat(43)}`
    const places = [
      { url: `/v1/issuances?access_token=${secret}`, headers: bearer('admin') },
      { url: '/v1/issuances', headers: { authorization: `Bearer ${secret}` } },
      { url: '/v1/issuances', headers: { authorization: secret } },
      { url: `/v1/tokens/${secret}`, method: 'DELETE' as const, headers: bearer('admin') },
      {
        url: '/v1/tokens',
        method: 'POST' as const,
        headers: bearer('admin'),
        payload: { role: 'station', name: secret }
      },
      {
        url: '/v1/issuances',
        method: 'POST' as const,
        headers: bearer('station'),
        payload: { csr: secret, profile: secret }
      }
    ]
    for (const request of places) await app.inject(request)
    expect(lines.length).toBeGreaterThanOrEqual(places.length)
    for (const line of lines) {
      expect(line).not.toContain(secret)
      for (const known of Object.values(bearers)) expect(line).not.toContain(known)
    }
  })

  it('never has a header, even when one is logged by mistake', async () => {
    app.log.info({ headers: bearer('admin'), req: { headers: bearer('admin') } }, 'careless')
    expect(lines.join('')).toContain('careless')
    expect(lines.join('')).not.toContain(bearers.admin)
  })

  it('has code and pointers of what a client got wrong, not its values', async () => {
    await post({ csr: 'x', profile: 'NOT-A-NAME', metadata: {} })
    expect(parsed()[0]).toMatchObject({ level: 30, code: 'request_invalid', pointers: ['/profile'] })
    expect(lines.join('')).not.toContain('NOT-A-NAME')
  })

  it('warns of refused access', async () => {
    await app.inject('/v1/tokens')
    expect(parsed()[0]).toMatchObject({ level: 40, code: 'token_missing' })
  })

  it('has the cause of what the service got wrong, at error level', async () => {
    port.issue = async () => {
      throw new MintlineError('database_unavailable', 'Try later.', { cause: new Error('socket hang up') })
    }
    await post({ csr: 'x', profile: 'starter' })
    port.issue = async () => ({ record, replayed: false })
    expect(parsed()[0]).toMatchObject({ level: 50, code: 'database_unavailable', requestId: 'r-1' })
    expect(lines[0]).toContain('socket hang up')
  })

  it('takes a connection that the service lost for its own fault', async () => {
    port.issue = async () => {
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    }
    const answer = await post({ csr: 'x', profile: 'starter' })
    port.issue = async () => ({ record, replayed: false })
    expect(answer.statusCode).toBe(500)
  })

  it('is quiet about health', async () => {
    await app.inject('/healthz')
    await app.inject('/readyz')
    await app.inject('/metrics')
    expect(lines).toEqual([])
  })
})
