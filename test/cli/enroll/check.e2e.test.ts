import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { makeGeneration } from '../../http/generations.ts'
import { needs } from '../../support/needs/needs.ts'
import { makePair } from '../../tls/pairs.ts'
import { type OpenStation, openStation, writeToken } from './enrolling.ts'

let station: OpenStation
beforeAll(async () => {
  station = await openStation()
  const admin = station.service.as('admin')
  await makeGeneration(station.service, 'pumps', 'staged')
  await admin.post('/v1/profiles', { ...starterProfile, name: 'pump', authority: 'pumps' })
})
afterAll(() => station.close())

async function tokenOf(name: string, settings: object, more: object = {}): Promise<string> {
  const admin = station.service.as('admin')
  await admin.post('/v1/stations', { name, ...settings })
  const made = await admin.post('/v1/tokens', {
    role: 'station',
    name: `${name}-token`,
    station: name,
    ...more
  })
  const file = station.at(`${name}.token`)
  await writeToken(file, made.json<{ secret: string }>().secret)
  return file
}

describe('mintline enroll --check', () => {
  it('tells a person that the station can work, and when its token ends', async () => {
    const settings = { profiles: ['starter'], line: 'A7', site: 'Graz', requestsPerMinute: 600 }
    const expiresAt = new Date(Date.now() + 2 * 86_400_000).toISOString()
    const token = await tokenOf('ready', settings, { expiresAt })
    const before = await station.service.countRecords()
    const { exitCode, output } = await station.enroll(['--check'], { token })
    expect(exitCode).toBe(0)
    expect(output).toContain('station ready (line A7, site Graz)')
    expect(output).toContain('600 requests a minute')
    expect(output).toMatch(/profile starter, version 1, signed by starter: ready/)
    expect(output).toContain(`ends ${expiresAt}. That is soon`)
    expect(await station.service.countRecords()).toBe(before)
  })

  it('tells a program the same', async () => {
    const token = await tokenOf('program', { profiles: ['starter'] })
    const { output } = await station.enroll(['--check', '--json'], { token })
    const expected = { exitCode: 0, self: { role: 'station', name: 'program', station: { ready: true } } }
    expect(JSON.parse(output)).toMatchObject(expected)
  })

  it('is about one profile where that is named', async () => {
    const token = await tokenOf('both', { profiles: ['starter', 'pump'] })
    const codes = ['starter', 'pump', 'nobodys'].map(async profile => {
      const { exitCode } = await station.enroll(['--check', '--profile', profile], { token })
      return exitCode
    })
    expect(await Promise.all(codes)).toEqual([0, 4, 3])
    const { exitCode, errors } = await station.enroll(['--check'], { token })
    expect(exitCode).toBe(4)
    expect(errors).toContain('not ready: ')
  })

  it('is refused a token that is no station’s, or none', async () => {
    await writeToken(station.at('auditor.token'), station.service.bearer('auditor').authorization)
    await writeToken(station.at('nobody.token'), 'mintline_nobody')
    for (const name of ['auditor.token', 'nobody.token'])
      expect((await station.enroll(['--check'], { token: station.at(name) })).exitCode).toBe(3)
  })

  it('says that nobody is there', async () => {
    const args = ['--check', '--deadline', '0', '--json']
    const { exitCode, output } = await station.enroll(args, { url: 'http://127.0.0.1:1' })
    expect([exitCode, JSON.parse(output)]).toEqual([5, expect.objectContaining({ outcome: 'unreachable' })])
  })
})

describe('over TLS', needs('openssl'), () => {
  const self = {
    role: 'station',
    name: 'x',
    credential: { id: 'x', name: 'x' },
    station: { ready: true, profiles: [], reasons: [] }
  }

  async function startServer() {
    const pair = makePair(station.at('.'), 'server')
    const client = makePair(station.at('.'), 'client')
    const shown: (string | undefined)[] = []
    const server = createServer(
      {
        cert: pair.certificatePem,
        key: pair.keyPem,
        ca: client.certificatePem,
        requestCert: true,
        rejectUnauthorized: false
      },
      (request, response) => {
        shown.push((request.socket as TLSSocket).getPeerX509Certificate()?.subject)
        response.end(JSON.stringify(self))
      }
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    const close = () => (server.closeAllConnections(), new Promise(resolve => server.close(resolve)))
    return { url, pair, client, shown, [Symbol.asyncDispose]: async () => void (await close()) }
  }

  it('trusts the CA that is named, and shows its certificate where it has one', async () => {
    await using server = await startServer()
    const { url, pair, client, shown } = server
    const trusting = ['--check', '--ca-file', pair.certificateFile]
    expect((await station.enroll(trusting, { url })).exitCode).toBe(0)
    const pairArgs = ['--client-cert', client.certificateFile, '--client-key', client.keyFile]
    expect((await station.enroll([...trusting, ...pairArgs], { url })).exitCode).toBe(0)
    expect(shown).toEqual([undefined, 'CN=client'])
  })

  it('trusts nobody else, and does not try again', async () => {
    await using server = await startServer()
    const { exitCode, errors } = await station.enroll(['--check', '--deadline', '60'], { url: server.url })
    expect([exitCode, server.shown]).toEqual([5, []])
    expect(errors).toContain('--ca-file')
    expect(errors).not.toContain('Trying again')
  })

  it('says where an address is not of TLS', async () => {
    const url = station.service.url.replace('http:', 'https:')
    const { exitCode, errors } = await station.enroll(['--check'], { url })
    expect(exitCode).toBe(5)
    expect(errors).toContain('does not speak TLS')
  })
})
