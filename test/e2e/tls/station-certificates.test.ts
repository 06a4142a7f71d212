import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OwnCertificate } from '../../../src/http/api/self/certificate-schemas.ts'
import type { Self } from '../../../src/http/api/self/schemas.ts'
import { runMintline } from '../../cli/mintline.ts'
import { needs } from '../../support/needs/needs.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { type ClientAuthority, makeClientAuthority } from '../../tls/client-trust/client-authority.ts'
import { type MadePair, makePair, openssl } from '../../tls/pairs.ts'
import { askWithCurl, shows } from './clients.ts'

let directory: TemporaryDirectory
let data: TemporaryDirectory
let test: TestDatabase
let service: ServiceProcess
let server: MadePair
let other: ClientAuthority

const at = (name: string) => join(directory.path, name)
const bearer = (secret: string) => ['-H', `Authorization: Bearer ${secret}`]
const ask = (path: string, ...options: readonly string[]) =>
  askWithCurl(service.url + path, '--cacert', server.certificateFile, ...options)

async function send(method: string, path: string, body: object) {
  const json = ['-X', method, '-H', 'Content-Type: application/json', '--data', JSON.stringify(body)]
  const told = await ask(path, ...bearer(await service.token('admin')), ...json)
  expect(told.status, told.body).toBeLessThan(300)
  return JSON.parse(told.body || '{}') as { id: string; secret: string }
}

const start = () =>
  startServiceProcess(data.path, {
    DATABASE_URL: test.connectionString,
    MINTLINE_TLS_CERT_FILE: server.certificateFile,
    MINTLINE_TLS_KEY_FILE: server.keyFile,
    MINTLINE_STATION_CERTIFICATES: 'on'
  })

async function makeStation(name: string) {
  await send('POST', '/v1/stations', { name, profiles: ['starter'] })
  const token = await send('POST', '/v1/tokens', { role: 'station', name, station: name })
  writeFileSync(at(`${name}.token`), `${token.secret}\n`)
  return token
}

function makeCsr(name: string, subject: string): readonly string[] {
  openssl(`genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ${at(`${name}.key`)}`)
  openssl(`req -new -key ${at(`${name}.key`)} -subj ${subject} -out ${at(`${name}.csr`)}`)
  return ['-H', 'Content-Type: application/pkcs10', '--data-binary', `@${at(`${name}.csr`)}`]
}

const certificate = (name: string, ...options: readonly string[]) =>
  runMintline([
    'station',
    'certificate',
    ...['--url', service.url, '--ca-file', server.certificateFile, '--out', at(`${name}.pem`), '--json'],
    ...options
  ])

describe("a station's own certificate", needs('openssl', 'curl'), () => {
  beforeAll(async () => {
    directory = await createTemporaryDirectory()
    data = await createTemporaryDirectory()
    test = await createTestDatabase()
    server = makePair(directory.path, 'server')
    other = makeClientAuthority(directory.path, 'other')
    service = await start()
    await send('POST', '/v1/authorities', {
      line: 'acme-stations',
      purpose: 'stations',
      key: { kind: 'local', keyType: 'P-256' },
      subject: { CommonName: 'Acme Stations' },
      certificate: { kind: 'self-signed', days: 3650 }
    })
    await send('POST', '/v1/authorities/acme-stations-g1/activate', { reason: 'first' })
    await send('PUT', '/v1/station-profile', { authority: 'acme-stations' })
  })
  afterAll(async () => {
    await service.end('SIGTERM')
    await test.drop()
    await data.remove()
    await directory.remove()
  })

  it('is got by the token, used over TLS 1.2 and 1.3, and renewed by itself after the token is revoked', async () => {
    const { id } = await makeStation('seven')
    const got = await certificate('seven', '--token-file', at('seven.token'))
    expect([got.exitCode, got.errors]).toEqual([0, ''])
    expect(statSync(at('seven.pem')).mode & 0o777).toBe(0o600)
    await ask(`/v1/tokens/${id}`, '-X', 'DELETE', ...bearer(await service.token('admin')))
    for (const version of [['--tlsv1.3'], ['--tls-max', '1.2']]) {
      const told = await ask('/v1/self', ...version, '--cert', at('seven.pem'))
      expect(JSON.parse(told.body)).toMatchObject({ role: 'station', name: 'seven' })
    }
    const checked = await runMintline([
      'enroll',
      ...['--url', service.url, '--ca-file', server.certificateFile, '--check'],
      ...['--client-cert', at('seven.pem'), '--client-key', at('seven.pem')]
    ])
    expect([checked.exitCode, checked.errors]).toEqual([0, ''])
    expect(checked.output).toContain('to be renewed after')
    const before = readFileSync(at('seven.pem'), 'utf8')
    const kept = await certificate('seven', '--renew')
    expect([kept.exitCode, JSON.parse(kept.output)]).toMatchObject([0, { outcome: 'kept' }])
    expect(readFileSync(at('seven.pem'), 'utf8')).toBe(before)
    const renewed = await certificate('seven')
    expect([renewed.exitCode, JSON.parse(renewed.output)]).toMatchObject([0, { outcome: 'issued' }])
    expect(readFileSync(at('seven.pem'), 'utf8')).not.toBe(before)
    writeFileSync(at('before.pem'), before)
    for (const name of ['seven', 'before'])
      expect(await ask('/v1/self', '--cert', at(`${name}.pem`))).toMatchObject({ status: 200 })
  })

  it('names the station that asked, whatever the CSR of openssl says', async () => {
    await makeStation('eight')
    const secret = readFileSync(at('eight.token'), 'utf8').trim()
    const told = await ask('/v1/self/certificate', ...bearer(secret), ...makeCsr('eight', '/CN=seven'))
    expect(told.status, told.body).toBe(201)
    writeFileSync(at('eight.pem'), (JSON.parse(told.body) as OwnCertificate).chainPem)
    const shown = ['--cert', at('eight.pem'), '--key', at('eight.key')]
    expect((JSON.parse((await ask('/v1/self', ...shown)).body) as Self).name).toBe('eight')
    const text = openssl(`x509 -in ${at('eight.pem')} -noout -text`).toString()
    expect(text).toMatch(/URI:urn:mintline:station:eight/)
    expect(text).toMatch(/X509v3 Extended Key Usage:\s+TLS Web Client Authentication\n/)
    writeFileSync(at('line.pem'), (await ask('/v1/authorities/acme-stations-g1/certificate')).body)
    const verified = execFileSync('openssl', [
      ...['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', at('line.pem'), at('eight.pem')]
    ])
    expect(verified.toString()).toContain('OK')
  })

  it('of another CA is refused, and a header is not looked at', async () => {
    const pair = other.issue('seven')
    const refused = await ask('/v1/self', ...shows(pair))
    expect(refused).toMatchObject({ status: 401, pointer: '/clientCertificate/issuer' })
    const pem = encodeURIComponent(readFileSync(at('eight.pem'), 'utf8'))
    const spoofed = await ask('/v1/self', '-H', `X-SSL-Client-Cert: ${pem}`)
    expect(spoofed).toMatchObject({ status: 401, code: 'token_missing' })
  })

  it.each([0, 5, 12, 25, 60])(
    'is one, also where the service is killed %i ms after it was asked for',
    async afterMs => {
      const name = `killed-${afterMs}`
      await makeStation(name)
      const secret = readFileSync(at(`${name}.token`), 'utf8').trim()
      const sent = [...bearer(secret), ...makeCsr(name, '/CN=x')]
      const first = ask('/v1/self/certificate', ...sent).catch(() => undefined)
      await delay(30 + afterMs)
      await service.end('SIGKILL')
      const lost = await first
      service = await start()
      const told = await ask('/v1/self/certificate', ...sent)
      expect(told.status, told.body).toBeLessThan(202)
      const { id, chainPem } = JSON.parse(told.body) as OwnCertificate
      if (lost?.status === 201) expect((JSON.parse(lost.body) as OwnCertificate).chainPem).toBe(chainPem)
      const intents = await test.database.prisma.stationCertificateIntent.findMany({
        where: { station: { name } },
        include: { certificate: true }
      })
      expect(intents.map(intent => [intent.id, intent.certificate !== null])).toEqual([[id, true]])
    }
  )
})
