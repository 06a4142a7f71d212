import { generateKeyPairSync } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { createFaultyHsm, type FaultyHsm } from '../../support/hsm/faulty-hsm.ts'
import { moduleProcessesOf } from '../../support/hsm/module-processes.ts'
import { createSoftHsm, needsSoftHsm, type SoftHsm } from '../../support/hsm/softhsm.ts'
import { needs } from '../../support/needs/needs.ts'
import { type LinesProcess, startLinesProcess } from './lines-process.ts'

const callTimeoutMs = 2_000
/** MINTLINE_SHUTDOWN_TIMEOUT_MS, and what closing the rest takes on a busy machine. */
const endsWithinMs = 15_000

describe('a line whose key is on a token', needsSoftHsm, () => {
  describe('behind a shim', needs('cc'), () => {
    let hsm: SoftHsm
    let shim: FaultyHsm
    let lines: LinesProcess
    let names = 0
    const settings = () => ({
      MINTLINE_PKCS11_MODULE: shim.modulePath,
      MINTLINE_PKCS11_PIN_FILE: hsm.pinFile,
      MINTLINE_PKCS11_ENVIRONMENT: 'PKCS11_SHIM_*',
      MINTLINE_PKCS11_CALL_TIMEOUT_MS: String(callTimeoutMs),
      MINTLINE_LOG_LEVEL: 'info'
    })

    beforeAll(async () => {
      hsm = await createSoftHsm()
      shim = await createFaultyHsm(hsm)
      hsm.makeToken('acme')
      await hsm.importKey('acme', 'ca', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
      lines = await startLinesProcess()
      await lines.restart(settings())
      await lines.administer('/authorities', {
        line: 'token',
        key: { kind: 'pkcs11', tokenLabel: 'acme', keyLabel: 'ca' },
        subject: { CommonName: 'token CA' },
        certificate: { kind: 'self-signed', days: 9125 }
      })
      await lines.administer('/authorities/token-g1/activate', { reason: 'a test' })
      await lines.administer('/profiles', { ...starterProfile, name: 'token', authority: 'token' })
      await lines.addGeneration('gone', 1)
      await lines.administer('/profiles', { ...starterProfile, name: 'gone', authority: 'gone' })
      await lines.administer('/authorities/gone-g1/compromise', { reason: 'a test' })
    })
    afterEach(() => shim.setFaults({}))
    afterAll(async () => {
      await lines.stop()
      await hsm[Symbol.asyncDispose]()
    })

    const device = () => makeCertificationRequest({ Country: 'US', CommonName: `sick-${names++}` })
    const serves = async (line: string) => (await lines.post(line, device())).status
    const tokenState = async () => (await lines.readiness()).checks.lines.find(({ name }) => name === 'token')

    /** In ms, of one device after another. */
    async function p99OfStarter(count: number): Promise<number> {
      const times: number[] = []
      for (let i = 0; i < count; i++) {
        const csr = device()
        const start = performance.now()
        expect((await lines.post('starter', csr)).status).toBe(201)
        times.push(performance.now() - start)
      }
      return times.sort((a, b) => a - b)[Math.floor(count * 0.99)]!
    }

    /** Stations that go on posting to a line, one device each until it has its certificate. */
    function pester(line: string, stations = 4) {
      let isOver = false
      const answers = new Set<string>()
      const work = Array.from({ length: stations }, async () => {
        const csr = device()
        while (!isOver) {
          const { status, body } = await lines.post(line, csr)
          answers.add(`${status} ${body.code ?? ''}`.trim())
          await pause(250)
        }
      })
      return async () => {
        isOver = true
        await Promise.all(work)
        return [...answers].sort()
      }
    }

    function endModuleProcess(): void {
      for (const { pid } of moduleProcessesOf(lines.current().pid)) process.kill(pid, 'SIGKILL')
    }

    it.each([
      ['C_Sign', 'hang'],
      ['C_OpenSession', 'hang'],
      ['C_Sign', 'crash']
    ] as const)(
      '%s that is to %s costs the other lines nothing, and is told by name',
      async (call, fault) => {
        await expect.poll(() => serves('token'), { timeout: 60_000 }).toBe(201)
        const mostRatio = 1.5
        let ratio = Infinity
        // Once would do on a machine that has nothing else to do.
        for (let round = 0; round < 6 && ratio > mostRatio; round++) {
          // As many requests that are refused, for another reason.
          const stopAlone = pester('gone')
          const alone = await p99OfStarter(300)
          expect(await stopAlone()).toEqual(['503 authority_unavailable'])
          await shim.setFaults({ [call]: fault })
          // A hang where the token is opened shows when it is opened again.
          if (call === 'C_OpenSession') endModuleProcess()
          const stop = pester('token')
          await expect.poll(tokenState, { timeout: 30_000 }).toMatchObject({ ready: false })
          const beside = await p99OfStarter(300)
          expect(await stop()).toContain('503 signer_unavailable')
          ratio = beside / alone
          console.log(
            `${call} ${fault}: p99 of starter alone ${alone.toFixed(1)} ms, beside ${beside.toFixed(1)} ms`
          )
          await expect.poll(tokenState, { timeout: 30_000 }).toMatchObject({
            ready: false,
            reason: expect.stringMatching(/token-g1.*MINTLINE_PKCS11_MODULE/) as string
          })
          const all = await lines.readiness()
          expect(all).toMatchObject({
            status: 200,
            ready: true,
            checks: { database: { ok: true, detail: 'answers' }, signer: { ok: true } }
          })
          const refused = await lines.post('token', device())
          expect(refused).toMatchObject({ status: 503, body: { code: 'signer_unavailable' } })
          expect(Number(refused.retryAfter)).toBeGreaterThan(0)
          await shim.setFaults({})
          await expect.poll(() => serves('token'), { timeout: 90_000 }).toBe(201)
          await expect.poll(tokenState).toMatchObject({ ready: true })
        }
        expect(ratio).toBeLessThanOrEqual(mostRatio)
        expect(lines.current().output()).toMatch(/"token":"acme".*the PKCS#11 module/)
      }
    )

    it.each(['C_Sign', 'C_OpenSession'] as const)('%s that hangs keeps no SIGTERM waiting', async call => {
      await expect.poll(() => serves('token'), { timeout: 90_000 }).toBe(201)
      const { pid } = lines.current()
      const [before] = moduleProcessesOf(pid)
      expect(before).toBeDefined()
      await shim.setFaults({ [call]: 'hang' })
      if (call === 'C_OpenSession') await lines.restart(settings())
      const posting = [0, 1, 2, 3].map(() => lines.post('token', device()).catch(() => undefined))
      await pause(300)
      const start = performance.now()
      expect(await lines.current().end('SIGTERM')).toBe(0)
      expect(performance.now() - start).toBeLessThan(endsWithinMs)
      await Promise.all(posting)
      await expect.poll(() => moduleProcessesOf(pid)).toEqual([])
      await shim.setFaults({})
      await lines.restart(settings())
    })

    it.each(['C_Sign', 'C_OpenSession'] as const)(
      'that hangs in %s leaves no process behind when the service is killed',
      async call => {
        await expect.poll(() => serves('token'), { timeout: 90_000 }).toBe(201)
        await shim.setFaults({ [call]: 'hang' })
        const starting = call === 'C_OpenSession' ? lines.restart(settings()) : undefined
        await starting
        const posting = lines.post('token', device()).catch(() => undefined)
        let found: ReturnType<typeof moduleProcessesOf> = []
        await expect
          .poll(() => (found = moduleProcessesOf(lines.current().pid)).length, {
            timeout: 60_000,
            interval: 5
          })
          .toBe(1)
        await pause(call === 'C_Sign' ? 500 : 800)
        await lines.current().end('SIGKILL')
        const isThere = () => found.some(({ pid }) => isAlive(pid))
        await expect.poll(isThere, { timeout: 3_000 }).toBe(false)
        await posting
        await shim.setFaults({})
        await lines.restart(settings())
      }
    )

    it('has neither credentials nor the address of the database', async () => {
      await lines.restart({ ...settings(), AWS_SECRET_ACCESS_KEY: 'secret-of-aws', VENDOR_SETTING: 'x' })
      await expect.poll(() => serves('token'), { timeout: 90_000 }).toBe(201)
      const [found] = moduleProcessesOf(lines.current().pid)
      const names = found!.environment.split('\0').map(each => each.split('=', 1)[0])
      expect(names).toEqual(expect.arrayContaining(['PATH', 'SOFTHSM2_CONF', 'PKCS11_SHIM_MODULE']))
      expect(names.filter(name => /^(AWS_|DATABASE_|MINTLINE_|VENDOR_)/.test(name!))).toEqual([])
      expect(found!.environment).not.toContain('secret-of-aws')
    })

    it('shows its PIN to nobody', async () => {
      await expect.poll(() => serves('token'), { timeout: 90_000 }).toBe(201)
      const [found] = moduleProcessesOf(lines.current().pid)
      expect(found?.commandLine).toContain('token-process')
      expect(`${found?.commandLine}${found?.environment}`).not.toContain(hsm.pin)
      // The shim prints it, to both streams.
      expect(lines.current().output()).not.toContain(hsm.pin)
    })
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
