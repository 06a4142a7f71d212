import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { moduleProcessesOf } from '../../support/hsm/module-processes.ts'
import { needsSoftHsm } from '../../support/hsm/softhsm.ts'
import { needs } from '../../support/needs/needs.ts'
import { startTokenLine, type TokenLine } from './token-line.ts'

/** MINTLINE_SHUTDOWN_TIMEOUT_MS, and what closing the rest takes on a busy machine. */
const endsWithinMs = 15_000

describe('the process of a PKCS#11 module', needsSoftHsm, () => {
  describe('behind a shim', needs('cc'), () => {
    let line: TokenLine
    let shim: TokenLine['shim']
    let lines: TokenLine['lines']
    let names = 0

    beforeAll(async () => {
      line = await startTokenLine()
      ;({ shim, lines } = line)
    })
    afterEach(() => shim.setFaults({}))
    afterAll(() => line.stop())

    const device = () => makeCertificationRequest({ Country: 'US', CommonName: `ends-${names++}` })
    const serves = async (profile: string) => (await lines.post(profile, device())).status

    it.each(['C_Sign', 'C_OpenSession'] as const)('%s that hangs keeps no SIGTERM waiting', async call => {
      await expect.poll(() => serves('token'), { timeout: 90_000 }).toBe(201)
      const { pid } = lines.current()
      const [before] = moduleProcessesOf(pid)
      expect(before).toBeDefined()
      await shim.setFaults({ [call]: 'hang' })
      if (call === 'C_OpenSession') await lines.restart(line.settings)
      const posting = [0, 1, 2, 3].map(() => lines.post('token', device()).catch(() => undefined))
      await pause(300)
      const start = performance.now()
      expect(await lines.current().end('SIGTERM')).toBe(0)
      expect(performance.now() - start).toBeLessThan(endsWithinMs)
      await Promise.all(posting)
      await expect.poll(() => moduleProcessesOf(pid)).toEqual([])
      await shim.setFaults({})
      await lines.restart(line.settings)
    })

    it.each(['C_Sign', 'C_OpenSession'] as const)(
      'that hangs in %s leaves no process behind when the service is killed',
      async call => {
        await expect.poll(() => serves('token'), { timeout: 90_000 }).toBe(201)
        await shim.setFaults({ [call]: 'hang' })
        const starting = call === 'C_OpenSession' ? lines.restart(line.settings) : undefined
        await starting
        const posting = lines.post('token', device()).catch(() => undefined)
        let found: ReturnType<typeof moduleProcessesOf> = []
        await expect
          .poll(() => (found = line.moduleProcesses()).length, {
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
        await lines.restart(line.settings)
      }
    )

    it('has neither credentials nor the address of the database', async () => {
      await lines.restart({ ...line.settings, AWS_SECRET_ACCESS_KEY: 'secret-of-aws', VENDOR_SETTING: 'x' })
      await expect.poll(() => serves('token'), { timeout: 90_000 }).toBe(201)
      const [found] = line.moduleProcesses()
      const names = found!.environment.split('\0').map(each => each.split('=', 1)[0])
      expect(names).toEqual(expect.arrayContaining(['PATH', 'SOFTHSM2_CONF', 'PKCS11_SHIM_MODULE']))
      expect(names.filter(name => /^(AWS_|DATABASE_|MINTLINE_|VENDOR_)/.test(name!))).toEqual([])
      expect(found!.environment).not.toContain('secret-of-aws')
    })

    it('shows its PIN to nobody', async () => {
      await expect.poll(() => serves('token'), { timeout: 90_000 }).toBe(201)
      const [found] = line.moduleProcesses()
      expect(found?.commandLine).toContain('token-process')
      expect(`${found?.commandLine}${found?.environment}`).not.toContain(line.hsm.pin)
      // The shim prints it, to both streams.
      expect(lines.current().output()).not.toContain(line.hsm.pin)
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
