import { generateKeyPairSync } from 'node:crypto'
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKmsStandIn, type KmsStandIn } from '../../../src/rehearsal/kms/kms-stand-in.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import {
  createKey,
  createRehearsalClient,
  rehearsalCredentials
} from '../../rehearsal/kms/rehearsal-kms-client.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { createFaultyHsm, type FaultyHsm } from '../../support/hsm/faulty-hsm.ts'
import { createSoftHsm, needsSoftHsm, type SoftHsm } from '../../support/hsm/softhsm.ts'
import { needs } from '../../support/needs/needs.ts'
import { type LinesProcess, startLinesProcess } from './lines-process.ts'

/** What is wrong when the service starts. */
interface Flaw {
  readonly line: 'acme' | 'token' | 'cloud'
  /** Lines that it stops besides. */
  readonly besides?: readonly string[]
  readonly code: 'authority_unavailable' | 'signer_unavailable' | 'signer_disabled'
  /** In `/readyz`, log and answer. */
  readonly reason: RegExp
  make(): Promise<unknown>
  mend(): Promise<unknown>
}

const makeEcKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

describe('a service that starts', needsSoftHsm, () => {
  describe('behind a shim', needs('cc'), () => {
    let hsm: SoftHsm
    let shim: FaultyHsm
    let kms: KmsStandIn
    let lines: LinesProcess
    /** Of the module, in the settings. */
    let modulePath: string
    let names = 0

    const passphraseFile = () => join(lines.data.path, 'ca-passphrase')
    const settings = () => ({
      MINTLINE_CA_PASSPHRASE_FILE: passphraseFile(),
      MINTLINE_PKCS11_MODULE: modulePath,
      MINTLINE_PKCS11_PIN_FILE: hsm.pinFile,
      MINTLINE_PKCS11_ENVIRONMENT: 'PKCS11_SHIM_*',
      AWS_ENDPOINT_URL_KMS: kms.url,
      ...rehearsalCredentials
    })

    async function addLine(line: string, key: object): Promise<void> {
      await lines.administer('/authorities', {
        line,
        key,
        subject: { CommonName: `${line} CA` },
        certificate: { kind: 'self-signed', days: 9125 }
      })
      await lines.administer(`/authorities/${line}-g1/activate`, { reason: 'a test' })
      await lines.administer('/profiles', { ...starterProfile, name: line, authority: line })
    }

    beforeAll(async () => {
      hsm = await createSoftHsm()
      shim = await createFaultyHsm(hsm)
      hsm.makeToken('acme')
      for (const label of ['ca', 'other']) await hsm.importKey('acme', label, makeEcKey())
      modulePath = join(hsm.directory, 'module.so')
      await symlink(shim.modulePath, modulePath)
      kms = await createKmsStandIn()
      lines = await startLinesProcess()
      await lines.restart(settings())
      const keyId = await createKey(createRehearsalClient(kms), 'ECC_NIST_P256')
      await addLine('token', { kind: 'pkcs11', tokenLabel: 'acme', keyLabel: 'ca' })
      await addLine('cloud', { kind: 'kms', keyId, region: kms.region })
    })
    afterAll(async () => {
      await lines.stop()
      await kms.stop()
      await hsm[Symbol.asyncDispose]()
    })

    const device = () => makeCertificationRequest({ Country: 'US', CommonName: `start-${names++}` })
    const post = (line: string) => lines.post(line, device())
    const untilServes = (line: string) =>
      expect.poll(async () => (await post(line)).status, { timeout: 30_000 }).toBe(201)

    async function signerOf(line: string) {
      const { authority } = lines.test.database.prisma
      const row = await authority.findFirstOrThrow({ where: { line, state: 'active' } })
      return { id: row.id, signer: row.signer as Readonly<Record<string, string>> }
    }
    /** Where the database says that the key is, which nobody can change in service. */
    async function point(line: string, changes: Readonly<Record<string, string>>): Promise<void> {
      const { id, signer } = await signerOf(line)
      const { prisma } = lines.test.owner
      await prisma.$executeRaw`ALTER TABLE authority DISABLE TRIGGER only_state_changes`
      await prisma.authority.update({ where: { id }, data: { signer: { ...signer, ...changes } } })
      await prisma.$executeRaw`ALTER TABLE authority ENABLE ALWAYS TRIGGER only_state_changes`
    }
    async function keyFileOf(line: string): Promise<string> {
      return join(lines.data.path, 'authorities', (await signerOf(line)).signer['keyFile']!)
    }

    const localSettings = 'MINTLINE_DATA_DIR.*MINTLINE_CA_PASSPHRASE_FILE'
    const tokenSettings = 'MINTLINE_PKCS11_MODULE and MINTLINE_PKCS11_PIN_FILE'
    const awsSettings = 'AWS_PROFILE, AWS_ROLE_ARN'
    let kept: string
    let keyId: string

    const flaws: Readonly<Record<string, Flaw>> = {
      'a key file that is missing': {
        line: 'acme',
        code: 'authority_unavailable',
        reason: RegExp(`acme-g1 cannot sign.*${localSettings}`),
        make: async () => rename(await keyFileOf('acme'), join(lines.data.path, 'away')),
        mend: async () => rename(join(lines.data.path, 'away'), await keyFileOf('acme'))
      },
      'a key file that cannot be read': {
        line: 'acme',
        code: 'authority_unavailable',
        reason: RegExp(`acme-g1 cannot sign.*${localSettings}`),
        async make() {
          const file = await keyFileOf('acme')
          await rename(file, join(lines.data.path, 'away'))
          await mkdir(file)
        },
        async mend() {
          const file = await keyFileOf('acme')
          await rm(file, { recursive: true })
          await rename(join(lines.data.path, 'away'), file)
        }
      },
      'the key file of another': {
        line: 'acme',
        code: 'authority_unavailable',
        reason: RegExp(`acme-g1 cannot sign.*does not belong to its certificate.*${localSettings}`),
        async make() {
          const file = await keyFileOf('acme')
          await rename(file, join(lines.data.path, 'away'))
          await cp(await keyFileOf('starter'), file)
        },
        mend: async () => rename(join(lines.data.path, 'away'), await keyFileOf('acme'))
      },
      'another passphrase': {
        line: 'acme',
        besides: ['starter'],
        code: 'authority_unavailable',
        reason: RegExp(`(acme|starter)-g1 cannot sign.*passphrase.*${localSettings}`),
        async make() {
          kept = await readFile(passphraseFile(), 'utf8')
          await writeFile(passphraseFile(), 'not-the-passphrase\n')
        },
        mend: () => writeFile(passphraseFile(), kept)
      },
      'a passphrase file that is missing': {
        line: 'acme',
        besides: ['starter'],
        code: 'authority_unavailable',
        reason: RegExp(`(acme|starter)-g1 cannot sign.*passphrase file .* cannot be read.*${localSettings}`),
        make: () => rename(passphraseFile(), join(lines.data.path, 'away')),
        mend: () => rename(join(lines.data.path, 'away'), passphraseFile())
      },
      'a module that is missing': {
        line: 'token',
        code: 'authority_unavailable',
        reason: RegExp(`token-g1 cannot sign.*module.so cannot be loaded.*${tokenSettings}`),
        make: () => rm(modulePath),
        mend: () => symlink(shim.modulePath, modulePath)
      },
      'a PIN file that is missing': {
        line: 'token',
        code: 'authority_unavailable',
        reason: RegExp(`token-g1 cannot sign.*PIN file .* cannot be read.*${tokenSettings}`),
        make: () => rename(hsm.pinFile, `${hsm.pinFile}.away`),
        mend: () => rename(`${hsm.pinFile}.away`, hsm.pinFile)
      },
      'a PIN that is refused': {
        line: 'token',
        code: 'authority_unavailable',
        reason: RegExp(`token-g1 cannot sign.*acme refuses the PIN.*${tokenSettings}`),
        make: () => writeFile(hsm.pinFile, 'a-wrong-pin\n'),
        mend: () => writeFile(hsm.pinFile, `${hsm.pin}\n`)
      },
      'a token that is missing': {
        line: 'token',
        code: 'signer_unavailable',
        reason: RegExp(`token-g1 cannot sign.*HSM.*${tokenSettings}`),
        make: () => hsm.moveAway(),
        mend: () => hsm.moveBack()
      },
      'the label of a token that is not there': {
        line: 'token',
        code: 'signer_unavailable',
        reason: RegExp(`token-g1 cannot sign.*The HSM token nowhere is not there.*${tokenSettings}`),
        make: () => point('token', { tokenLabel: 'nowhere' }),
        mend: () => point('token', { tokenLabel: 'acme' })
      },
      'another key on the token': {
        line: 'token',
        code: 'authority_unavailable',
        reason: RegExp(`token-g1 cannot sign.*does not belong to its certificate.*${tokenSettings}`),
        make: () => point('token', { keyLabel: 'other' }),
        mend: () => point('token', { keyLabel: 'ca' })
      },
      'a token that grants no session': {
        line: 'token',
        code: 'authority_unavailable',
        reason: RegExp(`token-g1 cannot sign.*fewer sessions.*${tokenSettings}`),
        // CKR_SESSION_COUNT
        make: () => shim.setFaults({ C_OpenSession: 0xb1 }),
        mend: () => shim.setFaults({})
      },
      'a module that hangs': {
        line: 'token',
        code: 'signer_unavailable',
        reason: RegExp(`token-g1 cannot sign.*(${tokenSettings})`),
        make: () => shim.setFaults({ C_Initialize: 'hang' }),
        mend: () => shim.setFaults({})
      },
      'no permission on a key in KMS': {
        line: 'cloud',
        code: 'authority_unavailable',
        reason: RegExp(`cloud-g1 cannot sign.*kms:GetPublicKey.*${awsSettings}`),
        make: async () => kms.setFaults({ deniedOperations: ['GetPublicKey'] }),
        mend: async () => kms.setFaults({ deniedOperations: [] })
      },
      'another key in KMS': {
        line: 'cloud',
        code: 'authority_unavailable',
        reason: RegExp(`cloud-g1 cannot sign.*does not belong to its certificate.*${awsSettings}`),
        async make() {
          keyId = (await signerOf('cloud')).signer['keyId']!
          await point('cloud', { keyId: await createKey(createRehearsalClient(kms), 'ECC_NIST_P256') })
        },
        mend: () => point('cloud', { keyId })
      },
      'a key that is not in KMS': {
        line: 'cloud',
        code: 'signer_disabled',
        reason: RegExp(`cloud-g1 cannot sign.*not in AWS KMS.*${awsSettings}`),
        async make() {
          keyId = (await signerOf('cloud')).signer['keyId']!
          await point('cloud', { keyId: '00000000-0000-4000-8000-000000000000' })
        },
        mend: () => point('cloud', { keyId })
      },
      'a KMS that fails': {
        line: 'cloud',
        code: 'signer_unavailable',
        reason: RegExp(`cloud-g1 cannot sign.*AWS KMS.*${awsSettings}`),
        make: async () => kms.setFaults({ failureRate: 1 }),
        mend: async () => kms.setFaults({ failureRate: 0 })
      }
    }

    it.each(Object.entries(flaws))(
      'with %s says so of its line, serves the others, and is well again by itself',
      async (_, { line, besides = [], code, reason, make, mend }) => {
        await lines.current().end('SIGTERM')
        await make()
        await lines.restart(settings())
        const stopped = [line, ...besides]
        try {
          const { status, checks } = await lines.readiness()
          expect(status).toBe(200)
          expect(checks.lines.filter(({ ready }) => !ready).map(({ name }) => name)).toEqual(stopped)
          for (const { ready, reason: told } of checks.lines) if (!ready) expect(told).toMatch(reason)
          const logged = lines.current().output().split('\n')
          expect(logged.find(text => text.includes(`the line ${line} cannot issue: `))).toMatch(reason)
          const refused = await post(line)
          expect(refused).toMatchObject({ status: 503, body: { code } })
          expect(refused.body.detail).toMatch(reason)
          expect(Number(refused.retryAfter)).toBeGreaterThan(0)
          for (const other of ['acme', 'cloud', 'starter', 'token'].filter(each => !stopped.includes(each))) {
            expect((await post(other)).status).toBe(201)
          }
        } finally {
          await mend()
        }
        for (const each of stopped) await untilServes(each)
        const { checks } = await lines.readiness()
        expect(checks.lines.filter(({ ready }) => !ready)).toEqual([])
      }
    )

    it('with no permission to sign says so of its line when it is asked to, and is well again by itself', async () => {
      for (const [line, make, mend, reason] of [
        [
          'cloud',
          () => kms.setFaults({ deniedOperations: ['Sign'] }),
          () => kms.setFaults({ deniedOperations: [] }),
          /cloud-g1 cannot sign.*kms:Sign.*AWS_PROFILE/
        ],
        [
          'token',
          // CKR_KEY_FUNCTION_NOT_PERMITTED
          () => shim.setFaults({ C_Sign: 0x68 }),
          () => shim.setFaults({}),
          /token-g1 cannot sign.*does not let this key sign.*MINTLINE_PKCS11_MODULE/
        ]
      ] as const) {
        await make()
        await lines.restart(settings())
        const refused = await post(line)
        expect(refused).toMatchObject({ status: 503, body: { code: 'authority_unavailable' } })
        expect(refused.body.detail).toMatch(reason)
        // The key is there, and would be found well.
        const { checks } = await lines.readiness()
        expect(checks.lines.filter(({ ready }) => !ready)).toEqual([
          { name: line, ready: false, reason: refused.body.detail }
        ])
        expect((await post('starter')).status).toBe(201)
        await mend()
        await untilServes(line)
        expect((await lines.readiness()).checks.lines.filter(({ ready }) => !ready)).toEqual([])
      }
    })

    it('tells the metrics of all lines while a key store does not answer', async () => {
      await lines.restart(settings())
      const metrics = async () => (await fetch(`${lines.current().url}/metrics`)).text()
      expect(await metrics()).toContain('mintline_signers_usable 1\n')
      kms.setFaults({ latencyMs: 60_000 })
      // What was found of the key is taken for true for some seconds.
      await expect.poll(metrics, { timeout: 30_000 }).toContain('mintline_signers_usable 0\n')
      const start = performance.now()
      const text = await metrics()
      // A question to KMS takes 6 s, and Prometheus gives up after 10.
      expect(performance.now() - start).toBeLessThan(5_500)
      for (const line of ['starter 1', 'acme 1', 'token 1', 'cloud 0']) {
        const [name, value] = line.split(' ')
        expect(text).toContain(`mintline_line_ready{line="${name}"} ${value}\n`)
      }
      kms.setFaults({ latencyMs: 0 })
      await untilServes('cloud')
    })

    it('says of its line that what a token gives back is no signature of the key', async () => {
      await shim.setFaults({ C_Sign: 'lie' })
      await lines.restart(settings())
      const refused = await post('token')
      expect(refused).toMatchObject({ status: 500, body: { code: 'certificate_mismatch' } })
      expect(refused.body.detail).toMatch(RegExp(`token-g1 cannot sign.*${tokenSettings}`))
      const { checks } = await lines.readiness()
      expect(checks.lines.filter(({ ready }) => !ready)).toEqual([
        { name: 'token', ready: false, reason: refused.body.detail }
      ])
      expect((await post('starter')).status).toBe(201)
      await shim.setFaults({})
      await untilServes('token')
      expect((await lines.readiness()).checks.lines.filter(({ ready }) => !ready)).toEqual([])
    })
  })
})
