import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findWarnings } from '../../src/authorities/rotation/warnings.ts'
import { encodeChainPem, encodePem } from '../../src/pki/pem/pem.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { needs } from '../support/needs/needs.ts'
import { startTestAdministration, type TestAdministration } from '../support/test-administration.ts'

let parts: TestAdministration

let lines = 0

const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: parts.data.path, stdio: 'pipe' })
const read = (file: string) => readFileSync(join(parts.data.path, file), 'utf8')
const write = (file: string, text: string) => writeFileSync(join(parts.data.path, file), text)

const authorityExtensions = (pathLength: string) =>
  `basicConstraints=critical,CA:TRUE${pathLength}\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n`

const foreignIdentifier = `[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = Adopted
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = 0123456789
`

function makeRoot(name: string, pathLength = ''): void {
  const extension = [
    '-addext',
    `basicConstraints=critical,CA:TRUE${pathLength}`,
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign'
  ]
  openssl(
    ...`req -x509 -newkey rsa:2048 -nodes -keyout ${name}.key -out ${name}.pem -days 3650 -subj`.split(' '),
    `/CN=${name}`,
    ...extension
  )
}

/** Signs a CSR file with a root, as an offline CA does. */
function signRequest(
  csr: string,
  out: string,
  { root = 'root', extensions = authorityExtensions(',pathlen:0') } = {}
): string {
  write('extensions.cnf', extensions)
  openssl(
    ...`x509 -req -in ${csr} -CA ${root}.pem -CAkey ${root}.key -CAcreateserial -out ${out} -days 1825 -extfile extensions.cnf`.split(
      ' '
    )
  )
  return read(out)
}

beforeAll(async () => {
  parts = await startTestAdministration()
  makeRoot('root')
  makeRoot('other')
  makeRoot('short', ',pathlen:0')
})

afterAll(() => parts.stop())

async function makePending(line: string): Promise<{ name: string; csrFile: string }> {
  const external = { certificate: { kind: 'external' } } as const
  const name = await parts.administration.create(selfSigned(line, external), act)
  const csrFile = `${name}.csr`
  write(csrFile, encodePem('CERTIFICATE REQUEST', await parts.administration.findRequest(name)))
  return { name, csrFile }
}

describe('a generation below an openssl root', needs('openssl'), () => {
  it('asks with a CSR that openssl verifies, and issues once it has its chain', async () => {
    const { administration, authorities } = parts
    const { name, csrFile } = await makePending('below')
    expect(String(openssl('req', '-in', csrFile, '-noout', '-verify', '-subject'))).toContain('below CA')
    await expect(administration.findCertificates(name)).rejects.toMatchObject({ code: 'authority_not_found' })
    const chain = signRequest(csrFile, 'below.pem') + read('root.pem')
    await administration.certify(name, chain, act)
    await administration.activate(name, act)
    const issuing = await authorities.issuing('below')
    expect(issuing.name).toBe(name)
    expect(encodeChainPem(await administration.findCertificates(name))).toBe(
      encodeChainPem(
        chain.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g)!.map(pem => new X509Certificate(pem).raw)
      )
    )
    // The root above stays with whoever trusts it; a device presents what is below it.
    expect(issuing.chainDer).toHaveLength(1)
  })

  const flaws: Readonly<Record<string, (csr: string) => string | Promise<string>>> = {
    'no certificate at all': () => 'hello',
    'a private key in its place': () => read('root.key'),
    'another key': async () => {
      const stranger = await makePending('stranger')
      return signRequest(stranger.csrFile, 'stranger.pem') + read('root.pem')
    },
    'no root': csr => signRequest(csr, 'a.pem'),
    'the wrong root': csr => signRequest(csr, 'b.pem') + read('other.pem'),
    'the order turned round': csr => read('root.pem') + signRequest(csr, 'c.pem'),
    'no CA:TRUE': csr =>
      signRequest(csr, 'd.pem', {
        extensions:
          'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
      }) + read('root.pem'),
    'no keyCertSign': csr =>
      signRequest(csr, 'e.pem', {
        extensions:
          'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\nsubjectKeyIdentifier=hash\n'
      }) + read('root.pem'),
    'no keyUsage': csr =>
      signRequest(csr, 'n.pem', {
        extensions: 'basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n'
      }) + read('root.pem'),
    'a keyUsage that is not critical': csr =>
      signRequest(csr, 'f.pem', {
        extensions:
          'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
      }) + read('root.pem'),
    'a root whose path length is 0': csr => signRequest(csr, 'g.pem', { root: 'short' }) + read('short.pem'),
    'a signature that was changed': csr => {
      const der = Buffer.from(new X509Certificate(signRequest(csr, 'i.pem')).raw)
      der[der.length - 1]! ^= 1
      return encodePem('CERTIFICATE', der) + read('root.pem')
    }
  }

  it.each(Object.keys(flaws))('is refused %s', async flaw => {
    const { name, csrFile } = await makePending(`flawed-${flaw.replaceAll(/[^a-z]+/gi, '-').toLowerCase()}x`)
    const chain = await flaws[flaw]!(csrFile)
    await expect(parts.administration.certify(name, chain, act)).rejects.toMatchObject({
      code: 'authority_invalid'
    })
    expect((await parts.administration.find(name))[0]?.state).toBe('pending')
  })

  it('is refused a chain that has expired', async () => {
    const { name, csrFile } = await makePending('late')
    const chain = signRequest(csrFile, 'late.pem') + read('root.pem')
    const clock = () => new Date(Date.now() + 1900 * 86_400_000)
    const later = createTestAdministration(parts.test.database, parts.data.path, { clock })
    await expect(later.administration.certify(name, chain, act)).rejects.toMatchObject({
      code: 'authority_invalid',
      violations: [{ pointer: '/chain/0' }]
    })
  })
})

const importFiles = (line: string, key: string, chainPem: string) =>
  parts.creation.importKey({ line, privateKey: createPrivateKey(read(key)), chainPem }, { actor: 'cli/test' })

describe('an imported key', needs('openssl'), () => {
  it('is kept encrypted and issues', async () => {
    const { name } = await importFiles('taken-over', 'root.key', read('root.pem'))
    await parts.administration.activate(name, act)
    const { signer, certificateDer } = await parts.authorities.issuing('taken-over')
    expect(signer.signatureAlgorithm).toBe('sha256WithRSAEncryption')
    expect(Buffer.from(certificateDer)).toEqual(new X509Certificate(read('root.pem')).raw)
    const [{ key } = { key: undefined }] = await parts.administration.find(name)
    if (key?.kind !== 'local') throw new TypeError('not a local key')
    expect(readFileSync(join(parts.keyDirectory, key.keyFile), 'utf8')).toMatch(/^-----BEGIN ENCRYPTED/)
  })

  const requestCa =
    'req -x509 -new -nodes -sha256 -days 1024 -subj /CN=Foreign -config foreign.cnf -out foreign.pem'
  const makeForeign = (extensions: string) => {
    write(
      'foreign.cnf',
      `[req]\ndistinguished_name=name\nx509_extensions=ca\n[name]\n[ca]\n${extensions}\nsubjectKeyIdentifier=hash\n`
    )
    openssl(...requestCa.split(' '), '-newkey', 'rsa:2048', '-keyout', 'foreign.key')
    return read('foreign.pem')
  }
  const usage = 'keyUsage=critical,keyCertSign,cRLSign'
  const constraints = 'basicConstraints=critical,CA:TRUE'
  const irregular: Readonly<Record<string, readonly [extensions: string, check: string]>> = {
    'no keyUsage': [constraints, 'keyUsage'],
    'no cRLSign': [`${constraints}\nkeyUsage=critical,keyCertSign`, 'keyUsage'],
    'a keyUsage that is not critical': [`${constraints}\nkeyUsage=keyCertSign,cRLSign`, 'keyUsage'],
    'a basicConstraints that is not critical': [`basicConstraints=CA:TRUE\n${usage}`, 'authority']
  }

  it.each(Object.entries(irregular))('with %s is taken over, and that is told', async (_, [text, check]) => {
    const line = `irregular-${++lines}x`
    const { name, irregularities } = await importFiles(line, 'foreign.key', makeForeign(text))
    expect(irregularities).toMatchObject([{ pointer: `/lint/${check}` }])
    expect((await parts.administration.find(name))[0]?.certificate?.irregularities).toEqual(irregularities)
    expect(await parts.administration.plan(line)).toMatchObject({
      ready: true,
      missing: [],
      warnings: [{ pointer: `/successor/lint/${check}` }]
    })
    await parts.administration.activate(name, act)
    const own = parts.authorities.list().filter(authority => authority.line === line)
    expect(findWarnings(own, [], new Date())).toMatchObject([
      { kind: 'certificate_irregular', authority: name }
    ])
  })

  it.each([
    ['a keyUsage without keyCertSign', `${constraints}\nkeyUsage=critical,cRLSign`],
    ['no CA:TRUE', `basicConstraints=critical,CA:FALSE\n${usage}`],
    ['no basicConstraints', usage]
  ])('with %s is refused', async (_, text) => {
    await expect(importFiles('unfit', 'foreign.key', makeForeign(text))).rejects.toMatchObject({
      code: 'authority_invalid'
    })
  })

  it('is refused a second time, in any line', async () => {
    await importFiles('twice', 'other.key', read('other.pem'))
    await expect(importFiles('thrice', 'other.key', read('other.pem'))).rejects.toMatchObject({
      code: 'authority_exists'
    })
  })

  it('is refused with the certificate of another', async () => {
    await expect(importFiles('mixed', 'short.key', read('other.pem'))).rejects.toMatchObject({
      code: 'authority_invalid'
    })
  })
})

describe('cross-signing', needs('openssl'), () => {
  it('certifies another generation, verified by openssl, and joins the trust bundle', async () => {
    const { administration } = parts
    const old = await administration.create(selfSigned('crossed'), act)
    await administration.activate(old, act)
    const next = await administration.create(selfSigned('crossed'), act)
    const crossDer = await administration.crossSign(old, next, act)
    write('old.pem', encodeChainPem(await administration.findCertificates(old)))
    write('cross.pem', encodePem('CERTIFICATE', crossDer))
    expect(String(openssl('verify', '-x509_strict', '-CAfile', 'old.pem', 'cross.pem'))).toContain('OK')
    const own = new X509Certificate((await administration.findCertificates(next))[0]!)
    const cross = new X509Certificate(crossDer)
    expect([cross.subject, cross.ca]).toEqual([own.subject, true])
    expect(cross.publicKey.equals(own.publicKey)).toBe(true)
    const bundle = (await administration.trustBundle()).map(der => Buffer.from(der).toString('hex'))
    expect(bundle).toContain(Buffer.from(crossDer).toString('hex'))
    expect(new Set(bundle).size).toBe(bundle.length)

    await administration.compromise(next, act)
    const after = (await administration.trustBundle()).map(der => Buffer.from(der).toString('hex'))
    expect(after).not.toContain(Buffer.from(crossDer).toString('hex'))
    expect(after).not.toContain(Buffer.from(own.raw).toString('hex'))
  })

  it('keeps the key identifier of the subject, however that was made', async () => {
    const { administration } = parts
    const old = await administration.create(selfSigned('adopting'), act)
    await administration.activate(old, act)
    write('adopted.cnf', foreignIdentifier)
    openssl(
      ...'req -x509 -newkey rsa:2048 -nodes -keyout adopted.key -out adopted.pem -days 365 -config adopted.cnf'.split(
        ' '
      )
    )
    const { name } = await importFiles('adopting', 'adopted.key', read('adopted.pem'))
    write('adopting.pem', encodeChainPem(await administration.findCertificates(old)))
    write('bridge.pem', encodePem('CERTIFICATE', await administration.crossSign(old, name, act)))
    const shown = String(openssl('x509', '-in', 'bridge.pem', '-noout', '-ext', 'subjectKeyIdentifier'))
    expect(shown).toContain('01:23:45:67:89')

    // What the subject has signed names its key so, and is trusted through the old one.
    write('leaf.cnf', 'authorityKeyIdentifier=keyid:always\n')
    openssl(...'req -new -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf'.split(' '))
    openssl(
      ...'x509 -req -in leaf.csr -CA adopted.pem -CAkey adopted.key -CAcreateserial -extfile leaf.cnf -out leaf.pem -days 9'.split(
        ' '
      )
    )
    const path = ['-CAfile', 'adopting.pem', '-untrusted', 'bridge.pem', 'leaf.pem']
    expect(String(openssl('verify', ...path))).toContain('OK')
  })

  it('is refused by code where it cannot be', async () => {
    const { administration } = parts
    const active = await administration.create(selfSigned('refusing'), act)
    const staged = await administration.create(selfSigned('refusing'), act)
    await administration.activate(active, act)
    const refused = { code: 'authority_transition_refused' }
    await expect(administration.crossSign(staged, active, act)).rejects.toMatchObject(refused)
    await expect(administration.crossSign(active, active, act)).rejects.toMatchObject(refused)
    await expect(
      administration.crossSign(active, (await makePending('waiting')).name, act)
    ).rejects.toMatchObject(refused)
    const { name: limited } = await importFiles('limited', 'short.key', read('short.pem'))
    await administration.activate(limited, act)
    await expect(administration.crossSign(limited, active, act)).rejects.toMatchObject({
      code: 'authority_invalid'
    })
  })
})
