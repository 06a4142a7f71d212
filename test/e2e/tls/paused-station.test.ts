import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { someSubject } from '../../http/service.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { needs } from '../../support/needs/needs.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { makeRsaRequest, makeSoundKey } from '../../support/weak-keys/weak-key.ts'
import { makeClientAuthority } from '../../tls/client-trust/client-authority.ts'
import { type MadePair, makePair } from '../../tls/pairs.ts'
import { askWithCurl, shows } from './clients.ts'

let directory: TemporaryDirectory
let data: TemporaryDirectory
let server: MadePair
let service: ServiceProcess
let certificate: readonly string[]

const ask = (path: string, ...options: readonly string[]) =>
  askWithCurl(service.url + path, '--cacert', server.certificateFile, ...options)

async function post(path: string, body: object) {
  const bearer = `Authorization: Bearer ${await service.token('admin')}`
  const json = ['-H', 'Content-Type: application/json', '--data', JSON.stringify(body)]
  return ask(path, '-H', bearer, ...json)
}

function request(csr: Uint8Array) {
  const file = join(directory.path, 'request.csr')
  writeFileSync(file, csr)
  const sent = ['-H', 'Content-Type: application/pkcs10', '--data-binary', `@${file}`]
  return ask('/v1/issuances?profile=rsa', ...certificate, ...sent)
}

describe('a station that comes with a certificate and sends weak keys', needs('openssl', 'curl'), () => {
  beforeAll(async () => {
    directory = await createTemporaryDirectory()
    data = await createTemporaryDirectory()
    server = makePair(directory.path, 'server')
    const ca = makeClientAuthority(directory.path, 'stations')
    const caFile = join(directory.path, 'ca.pem')
    writeFileSync(caFile, ca.certificatePem)
    certificate = shows(ca.issue('station-7'))
    service = await startServiceProcess(data.path, {
      MINTLINE_TLS_CERT_FILE: server.certificateFile,
      MINTLINE_TLS_KEY_FILE: server.keyFile,
      MINTLINE_TLS_CLIENT_CA_FILE: caFile
    })
    const keys = { ec: { curves: ['P-256'] }, rsa: { minimumBits: 2048, maximumBits: 4096 } }
    const profile = await post('/v1/profiles', { ...starterProfile, name: 'rsa', keys })
    expect(profile.status).toBe(201)
    const station = {
      name: 'station-7',
      profiles: ['rsa'],
      clientCertificates: [{ commonName: 'station-7' }]
    }
    expect(await post('/v1/stations', station)).toMatchObject({ status: 201 })
  })
  afterAll(async () => {
    await service.end('SIGTERM')
    await data.remove()
    await directory.remove()
  })

  it('is let in no more once it is paused, and again when it is resumed', async () => {
    const sound = makeSoundKey()
    for (const add of [2n, 4n, 6n, 8n]) {
      const weak = makeRsaRequest(someSubject(), { ...sound, exponent: 65536n + add })
      expect(await request(weak)).toMatchObject({ status: 422, code: 'key_refused' })
    }
    const csr = makeCertificationRequest(someSubject())
    expect(await request(csr)).toMatchObject({ status: 403, code: 'station_paused' })
    expect(await ask('/v1/issuances?limit=1', ...certificate)).toMatchObject({
      status: 403,
      code: 'station_paused'
    })
    const resumed = await post('/v1/stations/station-7/resume', { reason: 'chip replaced' })
    expect(resumed.status).toBe(200)
    expect(await request(csr)).toMatchObject({ status: 201 })
  })
})
