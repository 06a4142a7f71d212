import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { needs } from '../support/needs/needs.ts'
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let directory: TemporaryDirectory
let test: TestDatabase
let service: ServiceProcess

const at = (file: string) => join(directory.path, file)
const read = (file: string) => readFileSync(at(file), 'utf8')
const write = (file: string, text: string) => writeFileSync(at(file), text)
const run = (program: string, ...args: readonly string[]) =>
  execFileSync(program, args, { cwd: directory.path, encoding: 'utf8', stdio: 'pipe' })
const openssl = (command: string) => run('openssl', ...command.split(' '))

interface Sent {
  readonly body: string
  readonly contentType: string
  readonly role?: 'admin' | 'station'
}

async function send(path: string, { body, contentType, role = 'admin' }: Sent) {
  const headers = { authorization: `Bearer ${await service.token(role)}`, 'content-type': contentType }
  const response = await fetch(`${service.url}/v1${path}`, { method: 'POST', headers, body })
  const answer = await response.text()
  expect([path, response.ok, answer]).toEqual([path, true, answer])
  return answer
}

const post = (path: string, body: object) =>
  send(path, { body: JSON.stringify(body), contentType: 'application/json' })

/** A TLS server that trusts the root alone, and a device that presents its chain. Prints whether it was let in. */
const handshake = `
const { connect, createServer } = require('node:tls')
const { readFileSync } = require('node:fs')
const serverKey = readFileSync('server.key'), serverCert = readFileSync('server.pem')
const server = createServer({ key: serverKey, cert: serverCert, ca: readFileSync('root.pem'), requestCert: true }, socket => {
  console.log(socket.authorized, socket.getPeerCertificate().subject.CN)
  socket.end()
  server.close()
})
server.on('tlsClientError', error => { console.log(error.code); server.close() })
server.listen(0, '127.0.0.1', () => connect({
  port: server.address().port, key: readFileSync('device.key'), cert: readFileSync(process.argv[1]), ca: serverCert,
  checkServerIdentity: () => undefined
}).on('error', () => undefined).resume())
`

describe('an issuing CA below an offline root of openssl', needs('openssl'), () => {
  beforeAll(async () => {
    directory = await createTemporaryDirectory()
    test = await createTestDatabase()
    service = await startServiceProcess(directory.path, {
      DATABASE_URL: test.connectionString,
      MINTLINE_LOG_LEVEL: 'error'
    })
  })

  afterAll(async () => {
    await service.end('SIGTERM')
    await test.drop()
    await directory.remove()
  })

  it('issues chains that openssl and a fresh Node verify up to the root', async () => {
    openssl(
      'req -x509 -new -nodes -newkey rsa:3072 -sha256 -keyout root.key -subj /CN=Root -days 3650 -out root.pem'
    )
    await post('/authorities', {
      line: 'acme',
      key: { kind: 'local', keyType: 'P-384' },
      subject: { Organization: 'Acme', CommonName: 'Acme Devices CA' },
      certificate: { kind: 'external' }
    })
    const csr = await fetch(`${service.url}/v1/authorities/acme-g1/csr`, {
      headers: { authorization: `Bearer ${await service.token('admin')}` }
    })
    write('acme.csr', await csr.text())
    write(
      'acme.cnf',
      'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
    )
    openssl(
      'x509 -req -in acme.csr -CA root.pem -CAkey root.key -CAcreateserial -days 1825 -sha256 -extfile acme.cnf -out acme.pem'
    )
    const chain = read('acme.pem') + read('root.pem')
    await send('/authorities/acme-g1/certificate', {
      body: chain,
      contentType: 'application/pem-certificate-chain'
    })
    await post('/authorities/acme-g1/activate', { reason: 'first generation' })
    await post('/profiles', {
      ...starterProfile,
      name: 'acme',
      authority: 'acme',
      validity: { days: 365, whenIssuerExpiresFirst: 'refuse' }
    })
    openssl(
      'req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout device.key -subj /C=DE/CN=pump-1 -out device.csr'
    )
    const answer = await send('/issuances?profile=acme', {
      body: read('device.csr'),
      contentType: 'application/pkcs10',
      role: 'station'
    })
    const { chainPem, certificatePem } = JSON.parse(answer) as { chainPem: string; certificatePem: string }
    write('chain.pem', chainPem)
    write('device.pem', certificatePem)
    write('below.pem', chainPem.replace(certificatePem, ''))

    expect(openssl('verify -purpose sslclient -CAfile root.pem -untrusted below.pem device.pem')).toBe(
      'device.pem: OK\n'
    )
    openssl(
      'req -x509 -newkey rsa:2048 -nodes -keyout server.key -subj /CN=localhost -days 1 -out server.pem'
    )
    const present = (file: string) => run(process.execPath, '-e', handshake, file).trim()
    expect(present('chain.pem')).toBe('true pump-1')
    // Without the issuing CA the server has no path to the root.
    expect(present('device.pem')).not.toContain('true')
  })

  it('asks for what makes it a CA, so that a CA that gives only what is asked for gives it', async () => {
    openssl(
      'req -x509 -new -nodes -newkey rsa:3072 -keyout asked-root.key -subj /CN=Asked -out asked-root.pem'
    )
    await post('/authorities', {
      line: 'asked',
      key: { kind: 'local', keyType: 'P-256' },
      subject: { CommonName: 'Asked CA' },
      certificate: { kind: 'external' }
    })
    const csr = await fetch(`${service.url}/v1/authorities/asked-g1/csr`, {
      headers: { authorization: `Bearer ${await service.token('admin')}` }
    })
    write('asked.csr', await csr.text())
    const request = openssl('req -in asked.csr -noout -text -verify')
    expect(request).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
    expect(request).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/)
    const [, asked] = /Subject Key Identifier:\s+([0-9A-F:]+)/.exec(request)!
    openssl(
      'x509 -req -in asked.csr -CA asked-root.pem -CAkey asked-root.key -days 1825 -copy_extensions copy -out asked.pem'
    )
    const given = openssl('x509 -in asked.pem -noout -ext subjectKeyIdentifier,basicConstraints,keyUsage')
    expect(given).toContain(asked)
    expect(given).toContain('CA:TRUE, pathlen:0')
    await send('/authorities/asked-g1/certificate', {
      body: read('asked.pem') + read('asked-root.pem'),
      contentType: 'application/pem-certificate-chain'
    })
    await post('/authorities/asked-g1/activate', { reason: 'first generation' })
  })

  it('issues chains that GnuTLS verifies up to the root', needs('certtool'), () => {
    const verified = run('certtool', '--verify', '--load-ca-certificate', 'root.pem', '--infile', 'chain.pem')
    expect(verified).toContain('Chain verification output: Verified. The certificate is trusted.')
  })
})
