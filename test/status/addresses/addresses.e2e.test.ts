import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { type HttpService, openService } from '../../http/service.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { openAsking } from '../ocsp/asking.ts'

let service: HttpService
let mirror: TemporaryDirectory
let asking: ReturnType<typeof openAsking>
let device: { readonly id: string; readonly path: string }

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function openssl(...args: readonly string[]): Promise<string> {
  const { output } = await asking.run('openssl', args)
  return output
}

/** Where the certificate itself says that it is to be had. */
async function addressOf(what: RegExp): Promise<string> {
  const [, address] = what.exec(await openssl('x509', '-in', device.path, '-noout', '-text')) ?? []
  return address!
}

beforeAll(async () => {
  const statusPort = await freePort()
  mirror = await createTemporaryDirectory()
  service = await openService({
    MINTLINE_STATUS_PORT: String(statusPort),
    MINTLINE_PUBLIC_URL: `http://127.0.0.1:${statusPort}`,
    MINTLINE_CRL_DIRECTORY: mirror.path
  })
  asking = openAsking(service.url)
  const { statusCode } = await service.as('admin').post('/v1/profiles', {
    ...starterProfile,
    crlDistributionPoint: 'full',
    authorityInformationAccess: ['ocsp', 'caIssuers']
  })
  expect(statusCode).toBe(201)
  const { id, certificatePem } = await service.issue()
  device = { id, path: asking.file('device.pem', certificatePem) }
})
afterAll(async () => {
  await service.stop()
  asking.close()
  await mirror.remove()
})

describe('the addresses that a certificate names', needs('openssl'), () => {
  it('lead to the certificate of its issuer, in DER', async () => {
    const answer = await fetch(await addressOf(/CA Issuers - URI:(\S+)/))
    expect(answer.headers.get('content-type')).toBe('application/pkix-cert')
    const der = asking.file('ca.cer', new Uint8Array(await answer.arrayBuffer()))
    await openssl('x509', '-inform', 'DER', '-in', der, '-out', 'ca.pem')
    expect(await openssl('verify', '-CAfile', 'ca.pem', device.path)).toContain('device.pem: OK')
  })

  it('lead to its CRL and to OCSP, which say when it is revoked', async () => {
    const verify = () => openssl('verify', '-crl_download', '-crl_check', '-CAfile', 'ca.pem', device.path)
    const url = await addressOf(/OCSP - URI:(\S+)/)
    const ask = () =>
      openssl('ocsp', '-issuer', 'ca.pem', '-CAfile', 'ca.pem', '-cert', device.path, '-url', url)
    await expect.poll(verify, { timeout: 20_000, interval: 500 }).toContain('device.pem: OK')
    expect(await ask()).toContain('device.pem: good')
    const note = 'stolen'
    const revoked = await service
      .as('admin')
      .post(`/v1/issuances/${device.id}/revoke`, { reason: 'keyCompromise', note })
    expect(revoked.statusCode).toBe(200)
    await expect.poll(verify, { timeout: 20_000, interval: 500 }).toContain('certificate revoked')
    const path = new URL(await addressOf(/Full Name:\s+URI:(\S+)/)).pathname
    const say = () => openssl('crl', '-inform', 'DER', '-in', `${mirror.path}${path}`, '-noout', '-text')
    await expect.poll(say, { timeout: 20_000, interval: 500 }).toContain('Key Compromise')
    await expect.poll(ask, { timeout: 20_000, interval: 500 }).toContain('device.pem: revoked')
  })
})
