import { generateKeyPairSync } from 'node:crypto'
import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { createFaultyHsm, type FaultyHsm } from '../../support/hsm/faulty-hsm.ts'
import { createSoftHsm, needsSoftHsm, type SoftHsm } from '../../support/hsm/softhsm.ts'
import { needs } from '../../support/needs/needs.ts'
import { type LinesProcess, startLinesProcess } from './lines-process.ts'

describe('a PIN that a token refuses', needsSoftHsm, () => {
  describe('behind a shim', needs('cc'), () => {
    let hsm: SoftHsm
    let shim: FaultyHsm
    let lines: LinesProcess
    let names = 0

    beforeAll(async () => {
      hsm = await createSoftHsm()
      shim = await createFaultyHsm(hsm)
      hsm.makeToken('acme')
      await hsm.importKey('acme', 'ca', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
      lines = await startLinesProcess(settings())
      await lines.administer('/authorities', {
        line: 'token',
        key: { kind: 'pkcs11', tokenLabel: 'acme', keyLabel: 'ca' },
        subject: { CommonName: 'token CA' },
        certificate: { kind: 'self-signed', days: 9125 }
      })
      await lines.administer('/authorities/token-g1/activate', { reason: 'a test' })
      await lines.administer('/profiles', { ...starterProfile, name: 'token', authority: 'token' })
    })
    afterAll(async () => {
      await lines.stop()
      await hsm[Symbol.asyncDispose]()
    })

    const settings = () => ({
      MINTLINE_PKCS11_MODULE: shim.modulePath,
      MINTLINE_PKCS11_PIN_FILE: hsm.pinFile,
      MINTLINE_PKCS11_ENVIRONMENT: 'PKCS11_SHIM_*'
    })
    const restart = () => lines.restart(settings())
    const writePin = async (pin: string) => {
      await writeFile(hsm.pinFile, `${pin}\n`)
      await chmod(hsm.pinFile, 0o600)
    }
    const device = () => makeCertificationRequest({ Country: 'US', CommonName: `refused-pin-${names++}` })
    const post = (line: string) => lines.post(line, device())
    const tokenState = async () => (await lines.readiness()).checks.lines.find(({ name }) => name === 'token')
    const untilServes = () =>
      expect.poll(async () => (await post('token')).status, { timeout: 20_000 }).toBe(201)

    /** How often the token was given a PIN meanwhile. */
    async function loginsDuring(work: () => Promise<unknown>): Promise<number> {
      const before = await shim.count('C_Login')
      await work()
      return (await shim.count('C_Login')) - before
    }

    async function expectWithheld(reason: RegExp): Promise<void> {
      const refused = await post('token')
      expect(refused).toMatchObject({ status: 503, body: { code: 'authority_unavailable' } })
      expect(refused.body.detail).toMatch(reason)
      expect(await tokenState()).toMatchObject({
        ready: false,
        reason: expect.stringMatching(reason) as string
      })
      expect((await post('starter')).status).toBe(201)
    }

    it('is given to it once in three starts; the right one serves without a restart', async () => {
      await writePin('a-wrong-pin')
      const logins = await loginsDuring(async () => {
        for (let start = 0; start < 3; start++) {
          await restart()
          await expectWithheld(/token-g1 cannot sign.*acme refuses the PIN.*MINTLINE_PKCS11_PIN_FILE/)
          // Longer than the pause between two attempts.
          await pause(1_500)
          await expectWithheld(/acme refuses the PIN/)
        }
      })
      expect(logins).toBe(1)
      expect(lines.current().output()).toMatch(/"line":"token".*acme refuses the PIN/)
      await writePin(hsm.pin)
      await untilServes()
      expect(await tokenState()).toEqual({ name: 'token', ready: true })
    })

    it('leaves no trace of itself, and its mark cannot be made from the database alone', async () => {
      const rows = await lines.test.database.prisma.pinAttempt.findMany()
      expect(rows.map(({ outcome }) => outcome).sort()).toEqual(['accepted', 'refused'])
      const shown = rows.map(row => JSON.stringify(row) + Buffer.from(row.mark).toString('latin1')).join()
      expect(shown).not.toContain('a-wrong-pin')
      expect(shown).not.toContain(hsm.pin)
      expect(lines.current().output()).not.toContain('a-wrong-pin')
      const keyFile = join(lines.data.path, 'pin-mark-key')
      expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
      expect(await readFile(keyFile)).toHaveLength(32)
    })

    it('is tried once more by an act, which is in the audit', async () => {
      await writePin('tomorrows-pin')
      expect(await loginsDuring(restart)).toBe(1)
      await lines.current().end('SIGTERM')
      await hsm.changePin('acme', 'tomorrows-pin')
      await restart()
      await expectWithheld(/acme refuses the PIN.*POST \/v1\/token-logins/)
      const logins = await loginsDuring(async () => {
        await lines.administer('/token-logins', { tokenLabel: 'acme', reason: 'the token has it now' })
        await untilServes()
      })
      expect(logins).toBe(1)
      const { auditEvent } = lines.test.database.prisma
      expect(await auditEvent.findFirstOrThrow({ where: { act: 'token-login.permit' } })).toMatchObject({
        subject: 'pkcs11-token/acme',
        actor: 'admin/starter-admin',
        reason: 'the token has it now'
      })
    })

    it('is not given to it as its last try, though it has worked, but by an act', async () => {
      await shim.setFaults({ C_GetTokenInfo: 'final-try' })
      expect(await loginsDuring(restart)).toBe(0)
      await expectWithheld(/acme has one try left.*POST \/v1\/token-logins/)
      const logins = await loginsDuring(async () => {
        await lines.administer('/token-logins', { tokenLabel: 'acme', reason: 'it is right' })
        await untilServes()
        // A permit is for one login.
        await restart()
        await expectWithheld(/acme has one try left/)
      })
      expect(logins).toBe(1)
    })

    it('is not given to a token that is locked, act or not', async () => {
      await shim.setFaults({ C_GetTokenInfo: 'locked' })
      const logins = await loginsDuring(async () => {
        await restart()
        await lines.administer('/token-logins', { tokenLabel: 'acme', reason: 'a try' })
        await pause(1_500)
        await expectWithheld(/acme is locked.*security officer/)
      })
      expect(logins).toBe(0)
      await shim.setFaults({})
      await untilServes()
    })

    it('is tried where a wrong one was entered since, if it is known to have worked; else by an act', async () => {
      await shim.setFaults({ C_GetTokenInfo: 'count-low' })
      expect(await loginsDuring(restart)).toBe(1)
      await untilServes()
      await writePin('never-seen-before')
      expect(await loginsDuring(restart)).toBe(0)
      await expectWithheld(/acme says that a wrong PIN was entered.*not known to have worked/)
      await shim.setFaults({})
    })

    it('is not given to it again where the key of the marks was lost', async () => {
      await writePin('another-wrong-pin')
      expect(await loginsDuring(restart)).toBe(1)
      await rm(join(lines.data.path, 'pin-mark-key'))
      expect(await loginsDuring(restart)).toBe(0)
      await expectWithheld(/acme has refused a PIN.*pin-mark-key.*POST \/v1\/token-logins/)
    })
  })
})
