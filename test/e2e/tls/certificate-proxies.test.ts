import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificateHeaders } from '../../../src/tls/certificate-header.ts'
import { needs } from '../../support/needs/needs.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import {
  type ClientAuthority,
  type ClientPair,
  makeClientAuthority
} from '../../tls/client-trust/client-authority.ts'
import { type MadePair, makePair } from '../../tls/pairs.ts'
import { askWithCurl, shows } from './clients.ts'
import { type Nginx, startNginx } from './nginx.ts'

const records = '/v1/issuances?limit=1'
const refused = { status: 401, code: 'client_certificate_refused' }

const base64Of = ({ certificatePem }: ClientPair) =>
  new X509Certificate(certificatePem).raw.toString('base64')
const escaped = ({ certificatePem }: ClientPair) => encodeURIComponent(certificatePem)

let directory: TemporaryDirectory
let server: MadePair
let ca: ClientAuthority
let seven: ClientPair
let revoked: ClientPair
let stranger: ClientPair

async function makeService(data: string, more: Readonly<Record<string, string>> = {}) {
  const service = await startServiceProcess(data, {
    MINTLINE_TLS_CLIENT_CA_FILE: join(directory.path, 'cas.pem'),
    MINTLINE_TLS_CLIENT_CRL_FILE: join(directory.path, 'crls.pem'),
    MINTLINE_CLIENT_CERT_HEADER: 'X-SSL-Client-Cert',
    MINTLINE_TRUSTED_PROXIES: '127.0.0.1,::1',
    ...more
  })
  const response = await fetch(`${service.url}/v1/stations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await service.token('admin')}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'station-7',
      profiles: ['starter'],
      clientCertificates: [{ commonName: 'station-7' }]
    })
  })
  expect(response.status).toBe(201)
  return service
}

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  server = makePair(directory.path, 'server')
  ca = makeClientAuthority(directory.path, 'stations')
  seven = ca.issue('station-7')
  revoked = ca.issue('station-7')
  stranger = makeClientAuthority(directory.path, 'other').issue('station-7')
  ca.revoke(revoked)
  writeFileSync(join(directory.path, 'cas.pem'), ca.certificatePem)
  writeFileSync(join(directory.path, 'crls.pem'), ca.revocationList())
})
afterAll(() => directory.remove())

describe('nginx in front', needs('openssl', 'curl', 'nginx'), () => {
  let data: TemporaryDirectory
  let service: ServiceProcess
  let proxy: Nginx
  /** It sets another header, and lets through what its clients send. */
  let careless: Nginx

  beforeAll(async () => {
    data = await createTemporaryDirectory()
    service = await makeService(data.path)
    const common = { directory: directory.path, server, upstream: service.url }
    const setsHeader = 'proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;'
    proxy = await startNginx({ ...common, headers: [setsHeader, 'proxy_set_header Client-Cert "";'] })
    careless = await startNginx({ ...common, headers: [setsHeader] })
  })
  afterAll(async () => {
    await Promise.all([proxy.stop(), careless.stop(), service.end('SIGTERM')])
    await data.remove()
  })

  const ask = ({ url }: { readonly url: string }, ...options: readonly string[]) =>
    askWithCurl(url + records, '-k', ...options)

  it('hands the certificate on, which lets the station in', async () => {
    expect(await ask(proxy, ...shows(seven))).toMatchObject({ status: 200 })
  })

  it.each<[string, () => ClientPair, string]>([
    ['of another CA', () => stranger, 'issuer'],
    ['that is revoked', () => revoked, 'serialNumber']
  ])('hands on one %s, which is refused', async (_flaw, make, place) => {
    expect(await ask(proxy, ...shows(make()))).toMatchObject({
      ...refused,
      pointer: `/clientCertificate/${place}`
    })
  })

  it('lets in who has no certificate with a token, and nobody else', async () => {
    expect(await ask(proxy)).toMatchObject({ status: 401, code: 'token_missing' })
    const bearer = `Authorization: Bearer ${await service.token('station')}`
    expect(await ask(proxy, '-H', bearer)).toMatchObject({ status: 200 })
  })

  it('puts its own word in the place of what a client writes into its header', async () => {
    const spoofed = ['-H', `X-SSL-Client-Cert: ${escaped(seven)}`]
    expect(await ask(proxy, ...spoofed)).toMatchObject({ status: 401, code: 'token_missing' })
    expect(await ask(proxy, ...shows(stranger), ...spoofed)).toMatchObject(refused)
  })

  it('cannot be passed by with the header of another kind of proxy', async () => {
    const spoofed = ['-H', `Client-Cert: :${base64Of(seven)}:`]
    expect(await ask(proxy, ...spoofed)).toMatchObject({ status: 401, code: 'token_missing' })
    expect(await ask(careless, ...spoofed)).toMatchObject({ ...refused, pointer: '/headers/client-cert' })
    const forwarded = ['-H', `X-Forwarded-Client-Cert: Cert="${escaped(seven)}"`]
    expect(await ask(careless, ...shows(seven), ...forwarded)).toMatchObject(refused)
  })
})

describe('a header from who is no proxy', needs('openssl', 'curl'), () => {
  it('is not looked at, whatever it is', async () => {
    const data = await createTemporaryDirectory()
    const service = await makeService(data.path, { MINTLINE_TRUSTED_PROXIES: '10.1.2.3,fd00::/8' })
    try {
      for (const header of certificateHeaders)
        for (const value of [`:${base64Of(seven)}:`, `Cert="${escaped(seven)}"`, escaped(seven), '§'])
          expect(await askWithCurl(service.url + records, '-H', `${header}: ${value}`)).toMatchObject({
            status: 401,
            code: 'token_missing'
          })
    } finally {
      await service.end('SIGTERM')
      await data.remove()
    }
  })
})
