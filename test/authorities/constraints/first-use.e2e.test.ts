import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { createFirstUse } from '../../../src/issuance/first-use.ts'
import { loadPassphrase } from '../../../src/signing/signers/secret-file.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../../support/issuing.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let passphrase: string
let signatures = 0
let timeMs = 0
let count = 0

const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: directory.path, stdio: 'pipe' })

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path, {
    stopwatch: () => timeMs,
    onStep: step => {
      if (step === 'before the signature') signatures++
    }
  })
  passphrase = `pass:${await loadPassphrase(join(directory.path, 'ca-passphrase'))}`
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

/** Certifies the key `<name>.key.pem`, which is made at the first call. */
function certify(name: string, extensions: string): Uint8Array {
  const key = join('authorities', `${name}.key.pem`)
  writeFileSync(
    join(directory.path, 'ca.cnf'),
    `[req]\ndistinguished_name=req\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n${extensions}\n`
  )
  const use = ['-config', 'ca.cnf', '-extensions', 'ca', '-subj', `/O=Acme/CN=${name}`, '-days', '3650']
  openssl('req', '-x509', ...use, '-key', key, '-passin', passphrase, '-out', `${name}.pem`)
  return new Uint8Array(openssl('x509', '-in', `${name}.pem`, '-outform', 'DER'))
}

/** On record as a release that looked at less took it. */
async function install(
  extensions: string,
  change: (der: Uint8Array) => Uint8Array = der => der
): Promise<string> {
  const name = `old-${++count}`
  const options = ['-pkeyopt', 'ec_paramgen_curve:P-256', '-aes256', '-pass', passphrase]
  openssl('genpkey', '-algorithm', 'EC', ...options, '-out', join('authorities', `${name}.key.pem`))
  const createdAt = new Date()
  await test.database.prisma.authority.create({
    data: {
      id: newId(createdAt, size => crypto.getRandomValues(new Uint8Array(size))),
      name,
      line: name,
      generation: 1,
      state: 'active',
      certificateDer: new Uint8Array(change(certify(name, extensions))),
      issuersDer: [],
      signer: { kind: 'local', keyFile: `${name}.key.pem` },
      createdAt
    }
  })
  await issuing.profiles.post({ ...starterProfile, name, authority: name }, administrator)
  return name
}

const request = (CommonName: string) => makeCertificationRequest({ Country: 'DE', CommonName })

const spoilSignature = (der: Uint8Array) => der.with(der.length - 1, der.at(-1)! ^ 1)

interface FaultyCase {
  readonly _: string
  readonly extensions?: string
  readonly cause: string
  readonly change?: (der: Uint8Array) => Uint8Array
}

const counts = async () => [signatures, await test.database.prisma.intent.count()]

describe('before the first use of a generation by a profile', needs('openssl'), () => {
  it.each<FaultyCase>([
    { _: 'an unknown critical extension', extensions: '1.2.3.4.5=critical,ASN1:NULL', cause: '1.2.3.4.5' },
    { _: 'a purpose without clients', extensions: 'extendedKeyUsage=serverAuth', cause: 'clientAuth' },
    { _: 'a signature that does not hold', cause: 'not signed by the next one', change: spoilSignature }
  ])('$_ is found, by name, and nothing is signed or begun', async ({ extensions = '', cause, change }) => {
    const name = await install(extensions, change)
    const before = await counts()
    for (const device of ['one', 'two']) {
      await expect(issuing.issue(request(`${name}-${device}`), name)).rejects.toMatchObject({
        code: 'authority_unavailable',
        detail: expect.stringContaining(cause) as unknown
      })
    }
    expect(await counts()).toEqual(before)
    // No other line is the worse for it.
    await issuing.issue(request(`beside-${name}`))
  })

  it('the two are looked at once, and after a failure once more when it has passed', async () => {
    const name = await install('')
    const sound = await issuing.profiles.current(name)
    const authority = await issuing.authorities.issuing(name)
    let looks = 0
    const counting = {
      ...authority,
      get path() {
        looks++
        return authority.path
      }
    }
    const firstUse = createFirstUse(issuing.core.randomBytes, () => timeMs)
    await firstUse.assertSound(sound, counting)
    const ofOnce = looks
    await Promise.all([1, 2, 3].map(() => firstUse.assertSound(sound, counting)))
    expect([ofOnce > 0, looks]).toEqual([true, ofOnce])
    const broken = {
      ...authority,
      id: 'broken',
      get path(): typeof authority.path {
        looks++
        throw new MintlineError('authority_unavailable', 'away')
      }
    }
    const refused = () =>
      expect(firstUse.assertSound(sound, broken)).rejects.toMatchObject({ detail: 'away' })
    await refused()
    await refused()
    expect(looks).toBe(ofOnce + 1)
    timeMs += 5_000
    await refused()
    expect(looks).toBe(ofOnce + 2)
    timeMs += 5_000
    await firstUse.assertSound(sound, { ...authority, id: 'broken' })
  })
})
