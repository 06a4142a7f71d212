import { execFileSync } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Self } from '../../../src/http/api/self/schemas.ts'
import { faultsOf } from '../../http/shared-schema.ts'
import { needs } from '../../support/needs/needs.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import {
  type ClientAuthority,
  type ClientPair,
  makeClientAuthority
} from '../../tls/client-trust/client-authority.ts'
import { type MadePair, makePair } from '../../tls/pairs.ts'
import { askWithCurl, type Connection, open, shows } from './clients.ts'

const refusedAt = (place: string) => ({
  status: 401,
  code: 'client_certificate_refused',
  pointer: `/clientCertificate/${place}`
})
const records = '/v1/issuances?limit=1'

const tlsVersions = ['TLSv1.2', 'TLSv1.3'] as const
type TlsVersion = (typeof tlsVersions)[number]

let directory: TemporaryDirectory
let data: TemporaryDirectory
let service: ServiceProcess
let server: MadePair
let ca: ClientAuthority
let other: ClientAuthority
let seven: ClientPair
const connections: Connection[] = []

const inDirectory = (name: string) => join(directory.path, name)

/** Switches a file as a whole. */
function put(name: string, text: string): void {
  writeFileSync(inDirectory(`${name}.new`), text)
  renameSync(inDirectory(`${name}.new`), inDirectory(name))
}

const ask = (path: string, ...options: readonly string[]) =>
  askWithCurl(service.url + path, '--cacert', server.certificateFile, ...options)

async function change(method: string, path: string, body: object) {
  const bearer = `Authorization: Bearer ${await service.token('admin')}`
  const json = [
    '-X',
    method,
    '-H',
    bearer,
    '-H',
    'Content-Type: application/json',
    '--data',
    JSON.stringify(body)
  ]
  return ask(path, ...json)
}

async function connect(options: Parameters<typeof open>[1]): Promise<Connection> {
  const connection = await open(service.url, options)
  connections.push(connection)
  return connection
}

const takenLines = () => service.output().split('new client CAs and CRLs count from now on').length - 1

/** Puts the CRL there and waits until it counts. */
async function publish(list: string): Promise<void> {
  const before = takenLines()
  put('crl.pem', list)
  await expect.poll(takenLines).toBe(before + 1)
}

describe('a client certificate', needs('openssl', 'curl'), () => {
  beforeAll(async () => {
    directory = await createTemporaryDirectory()
    data = await createTemporaryDirectory()
    server = makePair(directory.path, 'server')
    ca = makeClientAuthority(directory.path, 'stations')
    other = makeClientAuthority(directory.path, 'other')
    seven = ca.issue('station-7')
    put('ca.pem', ca.certificatePem)
    put('crl.pem', ca.revocationList())
    service = await startServiceProcess(data.path, {
      MINTLINE_TLS_CERT_FILE: server.certificateFile,
      MINTLINE_TLS_KEY_FILE: server.keyFile,
      MINTLINE_TLS_CLIENT_CA_FILE: inDirectory('ca.pem'),
      MINTLINE_TLS_CLIENT_CRL_FILE: inDirectory('crl.pem')
    })
    const made = await change('POST', '/v1/stations', {
      name: 'station-7',
      line: 'A7',
      profiles: ['starter'],
      clientCertificates: [{ commonName: 'station-7' }]
    })
    expect(made.status).toBe(201)
  })
  afterEach(() => {
    for (const { socket } of connections.splice(0)) socket.destroy()
  })
  afterAll(async () => {
    await service.end('SIGTERM')
    await data.remove()
    await directory.remove()
  })

  it('is not needed: health and tokens work without', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200 })
    const bearer = `Authorization: Bearer ${await service.token('station')}`
    expect(await ask(records, '-H', bearer)).toMatchObject({ status: 200 })
    expect(await ask(records)).toMatchObject({ status: 401, code: 'token_missing' })
  })

  it.each([['--tlsv1.3'], ['--tls-max', '1.2']])('lets its station issue over %s %s', async (...version) => {
    const name = `mtls-${performance.now()}`
    execFileSync(
      'openssl',
      [
        ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
        ...['-keyout', inDirectory('d.key'), '-out', inDirectory('d.csr'), '-subj', `/C=US/CN=${name}`]
      ],
      { stdio: 'pipe' }
    )
    const sent = ['-H', 'Content-Type: application/pkcs10', '--data-binary', `@${inDirectory('d.csr')}`]
    const issued = await ask(
      '/v1/issuances?profile=starter',
      ...version.filter(Boolean),
      ...shows(seven),
      ...sent
    )
    expect(issued.status).toBe(201)
    const { id } = JSON.parse(issued.body) as { id: string }
    const read = await ask(`/v1/issuances/${id}`, ...shows(seven))
    const certificates = await change('GET', '/v1/stations/station-7/client-certificates', {})
    const { items } = JSON.parse(certificates.body) as { items: { id: string; fingerprint: string }[] }
    expect(items).toHaveLength(1)
    expect(JSON.parse(read.body)).toMatchObject({
      station: 'station-7',
      line: 'A7',
      credential: items[0]!.id
    })
    const shown = execFileSync(
      'openssl',
      `x509 -in ${seven.certificateFile} -noout -fingerprint -sha256`.split(' ')
    )
    expect(shown.toString().split('=')[1]!.trim().replaceAll(':', '').toLowerCase()).toBe(
      items[0]!.fingerprint
    )
  })

  it('is what a station is told of itself, in the place of a token', async () => {
    const told = await ask('/v1/self', ...shows(seven))
    expect(told.status).toBe(200)
    const certificates = await change('GET', '/v1/stations/station-7/client-certificates', {})
    const { items } = JSON.parse(certificates.body) as {
      items: { id: string; subject: string; notAfter: string }[]
    }
    const { id, subject, notAfter: expiresAt } = items[0]!
    const self = JSON.parse(told.body) as Self
    expect(self).toMatchObject({ role: 'station', clientCertificate: { id, subject, expiresAt } })
    expect(self).not.toHaveProperty('credential')
    expect(await faultsOf('Self', self)).toEqual([])
    const bearer = `Authorization: Bearer ${await service.token('station')}`
    expect(JSON.parse((await ask('/v1/self', '-H', bearer)).body)).not.toHaveProperty('clientCertificate')
  })

  it('has the rights of its station, and no others', async () => {
    expect(await ask('/v1/stations', ...shows(seven))).toMatchObject({ status: 403, code: 'role_forbidden' })
  })

  it.each<[string, () => ClientPair, string]>([
    ['of another CA', () => other.issue('station-7'), 'issuer'],
    ['that ended', () => ca.issue('station-7', { notAfter: '20240101000000Z' }), 'notAfter'],
    ['that has not begun', () => ca.issue('station-7', { notBefore: '20980101000000Z' }), 'notBefore'],
    [
      'for servers',
      () => ca.issue('station-7', { extensions: ['extendedKeyUsage=serverAuth'] }),
      'extensions'
    ],
    ['that no station is known by', () => ca.issue('station-8'), 'station'],
    ['with two common names', () => ca.issue('station-7/CN=station-7'), 'station']
  ])('%s is refused, also beside a token', async (_flaw, make, place) => {
    const pair = make()
    expect(await ask(records, ...shows(pair))).toMatchObject(refusedAt(place))
    expect(await ask('/healthz', ...shows(pair))).toMatchObject({ status: 200 })
    const bearer = `Authorization: Bearer ${await service.token('station')}`
    const beside = await ask(records, ...shows(pair), '-H', bearer)
    expect(beside).toMatchObject(place === 'station' ? { status: 200 } : refusedAt(place))
  })

  it('beside the token of another station is refused, and beside that of a person not', async () => {
    const bearer = async (role: 'station' | 'admin') => [
      '-H',
      `Authorization: Bearer ${await service.token(role)}`
    ]
    expect(await ask(records, ...shows(seven), ...(await bearer('station')))).toMatchObject(
      refusedAt('station')
    )
    expect(await ask('/v1/stations', ...shows(seven), ...(await bearer('admin')))).toMatchObject({
      status: 200
    })
  })

  it('of a session that is resumed is judged anew, by its station and its end', async () => {
    const below = tlsVersions.map(version => ca.issueAuthority(`below-${version}`))
    put('ca.pem', ca.certificatePem + below.map(({ certificatePem }) => certificatePem).join(''))
    await publish(ca.revocationList() + below.map(each => each.revocationList()).join(''))
    await Promise.all(tlsVersions.map(expectJudgedAnew))
  })

  async function expectJudgedAnew(version: TlsVersion): Promise<void> {
    const inSeconds = (seconds: number) =>
      new Date(Date.now() + seconds * 1_000).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
    const pair = ca.issue(`short-${version}`, { notAfter: inSeconds(12) })
    await change('POST', '/v1/stations', {
      name: `short-${version}`,
      profiles: ['starter'],
      clientCertificates: [{ commonName: `short-${version}` }]
    })
    const versions = { minVersion: version, maxVersion: version }
    const first = await connect({ pair, ...versions })
    expect(await first.ask(records)).toMatchObject({ status: 200 })
    await expect.poll(first.session).toBeDefined()
    const resume = async () => {
      const connection = await connect({ pair, ...versions, session: first.session()! })
      expect(connection.socket.isSessionReused()).toBe(true)
      return connection
    }
    const second = await resume()
    expect(await second.ask(records)).toMatchObject({ status: 200 })
    const patch = (body: object) => change('PATCH', `/v1/stations/short-${version}`, body)
    await patch({ enabled: false })
    expect(await second.ask(records)).toMatchObject({ status: 403, code: 'station_disabled' })
    await patch({ enabled: true, clientCertificates: null })
    expect(await (await resume()).ask(records)).toMatchObject(refusedAt('station'))
    await patch({ clientCertificates: [{ commonName: `short-${version}` }] })
    expect(await second.ask(records)).toMatchObject({ status: 200 })
    await expect
      .poll(() => second.ask(records), { timeout: 15_000, interval: 500 })
      .toMatchObject(refusedAt('notAfter'))
    expect(await (await resume()).ask(records)).toMatchObject(refusedAt('notAfter'))
  }

  it('of a connection or session is judged by the CRL of this moment', async () => {
    await publish(ca.revocationList())
    const held = await Promise.all(
      tlsVersions.map(async version => {
        const options = { pair: ca.issue('station-7'), minVersion: version, maxVersion: version }
        const before = await connect(options)
        expect(await before.ask(records)).toMatchObject({ status: 200 })
        await expect.poll(before.session).toBeDefined()
        const resumed = await connect({ ...options, session: before.session()! })
        expect(await resumed.ask(records)).toMatchObject({ status: 200 })
        return { options, before, resumed }
      })
    )
    for (const { options } of held) ca.revoke(options.pair)
    await publish(ca.revocationList())
    for (const { options, before, resumed } of held) {
      const after = await connect({ ...options, session: before.session()! })
      for (const each of [before, resumed, after])
        expect(await each.ask(records), options.minVersion).toMatchObject(refusedAt('serialNumber'))
    }
    expect(await ask(records, ...shows(seven))).toMatchObject({ status: 200 })
  })

  it('of a CA between is taken, and in a session that is resumed without that CA', async () => {
    put('ca.pem', ca.certificatePem)
    const below = ca.issueAuthority('between')
    // The CRL of the CA between is not there.
    const pair = below.issue('station-7')
    const above = below.certificatePem
    expect(await (await connect({ pair, above })).ask(records)).toMatchObject(refusedAt('issuer'))
    put('ca.pem', ca.certificatePem + below.certificatePem)
    await publish(ca.revocationList() + below.revocationList())
    const first = await connect({ pair, above })
    expect(await first.ask(records)).toMatchObject({ status: 200 })
    await expect.poll(first.session).toBeDefined()
    const resumed = await connect({ session: first.session()! })
    expect(resumed.socket.isSessionReused()).toBe(true)
    expect(await resumed.ask(records)).toMatchObject({ status: 200 })
  })

  it('is taken and refused under load as files change, with no request lost', async () => {
    const revoked = ca.issue('station-7')
    put('ca.pem', ca.certificatePem)
    await publish(ca.revocationList())
    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    const counts = new Map<string, number>()
    let isOver = false
    const send = (name: string, pair: ClientPair, options: object) =>
      new Promise<void>(resolve => {
        const shown = { cert: pair.certificatePem, key: execFileSync('cat', [pair.keyFile]) }
        const sent = request(
          service.url + records,
          { rejectUnauthorized: false, ...shown, ...options },
          response => {
            const key = `${name} ${response.statusCode}`
            counts.set(key, (counts.get(key) ?? 0) + 1)
            response.resume().once('end', resolve)
          }
        )
        sent.once('error', error => (counts.set(`${name} ${String(error)}`, 1), resolve()))
        sent.end()
      })
    const load = [
      ...[agent, agent, undefined].map(each => ['good', seven, each && { agent: each }] as const),
      ['revoked', revoked, {}] as const
    ].map(async ([name, pair, options = {}]) => {
      while (!isOver) await send(name, pair, options)
    })
    await delay(500)
    ca.revoke(revoked)
    await publish(ca.revocationList())
    put('ca.pem', ca.certificatePem + other.certificatePem)
    await publish(ca.revocationList() + other.revocationList())
    await delay(500)
    isOver = true
    await Promise.all(load)
    agent.destroy()
    expect([...counts.keys()].sort()).toEqual(['good 200', 'revoked 200', 'revoked 401'])
    expect(counts.get('good 200')).toBeGreaterThan(50)
  })

  it.each<[string, { readonly ca?: () => string; readonly crl?: () => string }]>([
    ['a CRL of nobody', { crl: () => other.revocationList() }],
    ['no CA', { ca: () => seven.certificatePem }],
    ['a CRL as long as no memory', { crl: () => 'x'.repeat(2_000_000) }]
  ])(
    'is judged by the files before where the new ones hold %s, and the log says so',
    async (_flaw, spoilt) => {
      const refusals = () => service.output().split('new client CAs or CRLs cannot be used').length
      const before = refusals()
      put('ca.pem', spoilt.ca?.() ?? ca.certificatePem)
      put('crl.pem', spoilt.crl?.() ?? ca.revocationList())
      await expect.poll(refusals).toBe(before + 1)
      expect(await ask(records, ...shows(seven))).toMatchObject({ status: 200 })
      const { body } = await ask('/readyz')
      expect(JSON.parse(body)).toMatchObject({ ready: true, checks: { tls: { ok: false } } })
    }
  )

  it('that two stations are known by is refused', async () => {
    put('ca.pem', ca.certificatePem)
    await publish(ca.revocationList())
    const pair = ca.issue('station-9', { extensions: ['subjectAltName=DNS:Nine.Acme.example,URI:urn:nine'] })
    const station = (name: string, identity: object) =>
      change('POST', '/v1/stations', { name, profiles: ['starter'], clientCertificates: [identity] })
    await station('nine-1', { dnsName: 'nine.acme.EXAMPLE' })
    expect(await ask(records, ...shows(pair))).toMatchObject({ status: 200 })
    expect(await station('nine-2', { dnsName: 'nine.acme.example' })).toMatchObject({
      status: 422,
      code: 'station_invalid',
      pointer: '/clientCertificates/0'
    })
    expect(await station('nine-2', { uri: 'urn:nine' })).toMatchObject({ status: 201 })
    await expect.poll(() => ask(records, ...shows(pair))).toMatchObject(refusedAt('station'))
  })
})
