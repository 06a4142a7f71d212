import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeChainPem, encodePem } from '../../src/pki/pem.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let data: TemporaryDirectory
let parts: ReturnType<typeof createTestAdministration>

const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: data.path, stdio: 'pipe' })
const read = (file: string) => readFileSync(join(data.path, file), 'utf8')
const write = (file: string, text: string) => writeFileSync(join(data.path, file), text)

const authorityExtensions = (pathLength: string) =>
  `basicConstraints=critical,CA:TRUE${pathLength}\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n`

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
  root: string,
  out: string,
  extensions = authorityExtensions(',pathlen:0'),
  days = '1825'
): string {
  write('extensions.cnf', extensions)
  openssl(
    ...`x509 -req -in ${csr} -CA ${root}.pem -CAkey ${root}.key -CAcreateserial -out ${out} -days ${days} -extfile extensions.cnf`.split(
      ' '
    )
  )
  return read(out)
}

beforeAll(async () => {
  test = await createTestDatabase()
  data = await createTemporaryDirectory()
  write('ca-passphrase', 'correct horse\n')
  parts = createTestAdministration(test.database, data.path)
  makeRoot('root')
  makeRoot('other')
  makeRoot('short', ',pathlen:0')
})

afterAll(async () => {
  await parts.authorities.close()
  await test.drop()
  await data.remove()
})

async function makePending(line: string): Promise<{ name: string; csrFile: string }> {
  const external = { certificate: { kind: 'external' } } as const
  const name = await parts.administration.create(selfSigned(line, external), act.actor)
  const csrFile = `${name}.csr`
  write(csrFile, encodePem('CERTIFICATE REQUEST', await parts.administration.findRequest(name)))
  return { name, csrFile }
}

describe('a generation below an openssl root', () => {
  it('asks with a CSR that openssl verifies, and issues once it has its chain', async () => {
    const { administration, authorities } = parts
    const { name, csrFile } = await makePending('below')
    expect(String(openssl('req', '-in', csrFile, '-noout', '-verify', '-subject'))).toContain('below CA')
    await expect(administration.findCertificates(name)).rejects.toMatchObject({ code: 'authority_not_found' })
    const chain = signRequest(csrFile, 'root', 'below.pem') + read('root.pem')
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
      return signRequest(stranger.csrFile, 'root', 'stranger.pem') + read('root.pem')
    },
    'no root': csr => signRequest(csr, 'root', 'a.pem'),
    'the wrong root': csr => signRequest(csr, 'root', 'b.pem') + read('other.pem'),
    'the order turned round': csr => read('root.pem') + signRequest(csr, 'root', 'c.pem'),
    'no CA:TRUE': csr =>
      signRequest(
        csr,
        'root',
        'd.pem',
        'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
      ) + read('root.pem'),
    'no keyCertSign': csr =>
      signRequest(
        csr,
        'root',
        'e.pem',
        'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\nsubjectKeyIdentifier=hash\n'
      ) + read('root.pem'),
    'a keyUsage that is not critical': csr =>
      signRequest(
        csr,
        'root',
        'f.pem',
        'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
      ) + read('root.pem'),
    'a root whose path length is 0': csr => signRequest(csr, 'short', 'g.pem') + read('short.pem'),
    'a signature that was changed': csr => {
      const der = Buffer.from(new X509Certificate(signRequest(csr, 'root', 'i.pem')).raw)
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
    const chain = signRequest(csrFile, 'root', 'late.pem') + read('root.pem')
    const clock = () => new Date(Date.now() + 1900 * 86_400_000)
    const later = createTestAdministration(test.database, data.path, { clock })
    await expect(later.administration.certify(name, chain, act)).rejects.toMatchObject({
      code: 'authority_invalid',
      violations: [{ pointer: '/chain/0' }]
    })
  })
})

describe('an imported key', () => {
  const importFiles = (line: string, key: string, chainPem: string) =>
    parts.creation.importKey({ line, privateKey: createPrivateKey(read(key)), chainPem }, 'cli/test')

  it('is kept encrypted and issues', async () => {
    const name = await importFiles('taken-over', 'root.key', read('root.pem'))
    await parts.administration.activate(name, act)
    const { signer, certificateDer } = await parts.authorities.issuing('taken-over')
    expect(signer.signatureAlgorithm).toBe('sha256WithRSAEncryption')
    expect(Buffer.from(certificateDer)).toEqual(new X509Certificate(read('root.pem')).raw)
    const [{ key } = { key: undefined }] = await parts.administration.find(name)
    if (key?.kind !== 'local') throw new TypeError('not a local key')
    expect(readFileSync(join(parts.keyDirectory, key.keyFile), 'utf8')).toMatch(/^-----BEGIN ENCRYPTED/)
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

describe('cross-signing', () => {
  it('certifies another generation, verified by openssl, and joins the trust bundle', async () => {
    const { administration } = parts
    const old = await administration.create(selfSigned('crossed'), act.actor)
    await administration.activate(old, act)
    const next = await administration.create(selfSigned('crossed'), act.actor)
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

  it('is refused where the subject would get another key identifier than it has', async () => {
    const { administration } = parts
    const old = await administration.create(selfSigned('adopting'), act.actor)
    await administration.activate(old, act)
    makeRoot('adopted')
    const privateKey = createPrivateKey(read('adopted.key'))
    const chainPem = read('adopted.pem')
    const name = await parts.creation.importKey({ line: 'adopting', privateKey, chainPem }, 'cli/test')
    await expect(administration.crossSign(old, name, act)).rejects.toMatchObject({
      code: 'authority_invalid',
      violations: [{ pointer: '/certificate/subjectKeyIdentifier' }]
    })
  })

  it('is refused by code where it cannot be', async () => {
    const { administration } = parts
    const active = await administration.create(selfSigned('refusing'), act.actor)
    const staged = await administration.create(selfSigned('refusing'), act.actor)
    await administration.activate(active, act)
    const refused = { code: 'authority_transition_refused' }
    await expect(administration.crossSign(staged, active, act)).rejects.toMatchObject(refused)
    await expect(administration.crossSign(active, active, act)).rejects.toMatchObject(refused)
    await expect(
      administration.crossSign(active, (await makePending('waiting')).name, act)
    ).rejects.toMatchObject(refused)
    const limited = await parts.creation.importKey(
      { line: 'limited', privateKey: createPrivateKey(read('short.key')), chainPem: read('short.pem') },
      'cli/test'
    )
    await administration.activate(limited, act)
    await expect(administration.crossSign(limited, active, act)).rejects.toMatchObject({
      code: 'authority_invalid'
    })
  })
})
