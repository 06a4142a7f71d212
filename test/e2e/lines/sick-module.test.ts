import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { needsSoftHsm } from '../../support/hsm/softhsm.ts'
import { needs } from '../../support/needs/needs.ts'
import { startTokenLine, type TokenLine } from './token-line.ts'

describe('a line whose key is on a token', needsSoftHsm, () => {
  describe('behind a shim', needs('cc'), () => {
    let line: TokenLine
    let shim: TokenLine['shim']
    let lines: TokenLine['lines']
    let names = 0

    beforeAll(async () => {
      line = await startTokenLine()
      ;({ shim, lines } = line)
      await lines.addGeneration('gone', 1)
      await lines.administer('/profiles', { ...starterProfile, name: 'gone', authority: 'gone' })
      await lines.administer('/authorities/gone-g1/compromise', { reason: 'a test' })
    })
    afterEach(() => shim.setFaults({}))
    afterAll(() => line.stop())

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
      for (const { pid } of line.moduleProcesses()) process.kill(pid, 'SIGKILL')
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
  })
})
