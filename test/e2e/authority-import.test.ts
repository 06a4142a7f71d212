import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { needs } from '../support/needs/needs.ts'
import { builtProgram } from '../support/program/program.ts'
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const command = builtProgram()

let data: TemporaryDirectory
let test: TestDatabase
let service: ServiceProcess
let environment: Readonly<Record<string, string>>

/** What the configuration file of openssl has for `req -x509` when nobody changed it. */
const openSslDefaults = `[req]
distinguished_name = name
x509_extensions = v3_ca
[name]
[v3_ca]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always,issuer
basicConstraints = critical,CA:true
`

const file = (name: string) => join(data.path, name)
const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: data.path, stdio: 'pipe' })

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  environment = {
    DATABASE_URL: test.connectionString,
    MINTLINE_DATA_DIR: data.path,
    MINTLINE_LOG_LEVEL: 'error'
  }
  service = await startServiceProcess(data.path, environment)
})

afterAll(async () => {
  await service.end('SIGTERM')
  await test.drop()
  await data.remove()
})

/** An RSA root, and below it an intermediate whose key openssl has encrypted. */
function makeChain(): void {
  const usage = 'keyUsage=critical,keyCertSign,cRLSign'
  const root =
    'req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 3650 -subj /CN=Root -addext'
  openssl(...root.split(' '), usage)
  writeFileSync(file('key-passphrase'), 'of the intermediate\n')
  openssl(
    ...'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -aes256 -pass file:key-passphrase -out ca.key'.split(
      ' '
    )
  )
  openssl(
    ...'req -new -key ca.key -passin file:key-passphrase -subj /O=Acme/CN=Issuing -out ca.csr'.split(' ')
  )
  writeFileSync(
    file('ca.cnf'),
    `basicConstraints=critical,CA:TRUE,pathlen:0\n${usage}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n`
  )
  openssl(
    ...'x509 -req -in ca.csr -CA root.pem -CAkey root.key -CAcreateserial -days 1825 -extfile ca.cnf -out ca.pem'.split(
      ' '
    )
  )
  writeFileSync(
    file('chain.pem'),
    readFileSync(file('ca.pem'), 'utf8') + readFileSync(file('root.pem'), 'utf8')
  )
}

function runImport(...args: readonly string[]) {
  const result = spawnSync(process.execPath, [command, 'authority', 'import', ...args], {
    env: { ...process.env, ...environment },
    encoding: 'utf8'
  })
  return { code: result.status, output: result.stdout + result.stderr }
}

async function send(role: 'admin' | 'station', path: string, body: object): Promise<Response> {
  const headers = { authorization: `Bearer ${await service.token(role)}`, 'content-type': 'application/json' }
  return fetch(`${service.url}/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** Activates a generation, and has a device of it issued. */
async function issueFrom(name: string, line: string): Promise<void> {
  expect((await send('admin', `/authorities/${name}/activate`, { reason: 'import' })).status).toBe(200)
  const validity = { days: 365, whenIssuerExpiresFirst: 'refuse' }
  const profile = { ...starterProfile, name: line, authority: line, validity }
  expect((await send('admin', '/profiles', profile)).status).toBe(201)
  const csr = Buffer.from(makeCertificationRequest({ Country: 'US', CommonName: `of-${line}` }))
  const answer = await send('station', '/issuances', { csr: csr.toString('base64'), profile: line })
  const { chainPem, certificatePem } = (await answer.json()) as { chainPem: string; certificatePem: string }
  writeFileSync(file('device.pem'), certificatePem)
  writeFileSync(file('presented.pem'), chainPem)
}

async function read<Answer>(path: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${await service.token('admin')}` }
  return (await (await fetch(`${service.url}${path}`, { headers })).json()) as Answer
}

describe('mintline authority import', needs('openssl'), () => {
  it('takes over an openssl intermediate, which then issues what openssl verifies', async () => {
    makeChain()
    const options = ['--line', 'acme', '--key', file('ca.key'), '--certificate', file('chain.pem')]
    const imported = runImport(...options, '--passphrase-file', file('key-passphrase'))
    expect(imported.code).toBe(0)
    expect(imported.output).toMatch(
      /^acme-g1 is staged\.\nnote: what its key has signed and revoked elsewhere is not on record, [^\n]*docs\/crl\.md[^\n]*\n$/
    )
    await issueFrom('acme-g1', 'acme')
    const verified = openssl(
      ...'verify -x509_strict -CAfile root.pem -untrusted presented.pem device.pem'.split(' ')
    )
    expect(String(verified)).toContain('OK')
  })

  it('takes over a CA without keyUsage, as the guides of AWS IoT make it, and says so everywhere', async () => {
    openssl(...'genrsa -out rootCA.key 2048'.split(' '))
    writeFileSync(file('plain.cnf'), openSslDefaults)
    openssl(
      ...'req -x509 -new -nodes -key rootCA.key -sha256 -days 1024 -subj /CN=Guide -config plain.cnf -out rootCA.pem'.split(
        ' '
      )
    )
    const imported = runImport(
      ...['--line', 'guide', '--key', file('rootCA.key'), '--certificate', file('rootCA.pem')]
    )
    expect(imported.code).toBe(0)
    expect(imported.output).toContain('guide-g1 is staged.')
    expect(imported.output).toContain('warning: ')
    await issueFrom('guide-g1', 'guide')
    expect(String(openssl('verify', '-CAfile', 'rootCA.pem', 'device.pem'))).toContain('OK')
    expect(await read('/v1/authorities/guide-g1')).toMatchObject({
      items: [{ certificate: { irregularities: [{ pointer: '/lint/keyUsage' }] }, issuances: 1 }]
    })
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    expect(metrics).toContain(
      'mintline_authority_warning{authority="guide-g1",kind="certificate_irregular"} 1'
    )
    const { checks } = await read<{ checks: { authorities: { ok: boolean; detail: string } } }>('/readyz')
    expect(checks.authorities).toMatchObject({ ok: true })
    expect(checks.authorities.detail).toContain('guide-g1')
  })

  it('takes over such a CA, and GnuTLS trusts what it issues', needs('certtool'), () => {
    const verified = execFileSync(
      'certtool',
      ['--verify', '--infile', file('device.pem'), '--load-ca-certificate', file('rootCA.pem')],
      { encoding: 'utf8' }
    )
    expect(verified).toContain('The certificate is trusted')
  })

  it('says what is wrong, without the passphrase', () => {
    const options = ['--line', 'acme', '--key', file('ca.key'), '--certificate', file('chain.pem')]
    writeFileSync(file('wrong-passphrase'), 'not this one\n')
    const wrong = runImport(...options, '--passphrase-file', file('wrong-passphrase'))
    expect(wrong.code).toBe(1)
    expect(wrong.output).toContain('key_unusable')
    expect(wrong.output).not.toContain('not this one')
    const again = runImport(...options, '--passphrase-file', file('key-passphrase'))
    expect(again.output).toContain('authority_exists')
    expect(runImport('--line', 'acme').code).toBe(2)
  })

  it('takes key and certificate in DER, and names what stands in the place of each', () => {
    openssl(...'ecparam -name prime256v1 -genkey -noout -out own.key'.split(' '))
    openssl(...'pkey -in own.key -outform DER -out own.key.der'.split(' '))
    openssl(...'req -x509 -key own.key -days 900 -subj /CN=Own -out own.pem'.split(' '))
    openssl(...'x509 -in own.pem -outform DER -out own.der'.split(' '))
    openssl(...'pkcs12 -export -inkey own.key -in own.pem -passout pass:x -out own.p12'.split(' '))
    const importOf = (key: string, certificate: string) =>
      runImport('--line', 'own', '--key', file(key), '--certificate', file(certificate))
    for (const refused of [importOf('own.p12', 'own.pem'), importOf('own.key', 'own.p12')]) {
      expect(refused.code).toBe(1)
      expect(refused.output).toContain('openssl pkcs12 -in FILE -nodes -nocerts')
    }
    openssl(...'crl2pkcs7 -nocrl -certfile own.pem -outform DER -out own.p7b'.split(' '))
    expect(importOf('own.key', 'own.p7b').output).toContain('openssl pkcs7 -inform DER')
    expect(importOf('own.key.der', 'own.der').output).toContain('own-g1 is staged.')
  })
})
