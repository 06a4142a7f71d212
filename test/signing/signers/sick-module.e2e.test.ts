import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createPkcs11Signer, type Pkcs11Settings } from '../../../src/signing/signers/pkcs11/pkcs11-signer.ts'
import type { Signer } from '../../../src/signing/signers/signer.ts'
import { createFaultyHsm, type FaultyHsm } from '../../support/hsm/faulty-hsm.ts'
import { moduleProcessesOf } from '../../support/hsm/module-processes.ts'
import { moduleSurroundingsOf } from '../../support/hsm/module-surroundings.ts'
import { createSoftHsm, needsSoftHsm, type SoftHsm } from '../../support/hsm/softhsm.ts'
import { needs } from '../../support/needs/needs.ts'

const callTimeoutMs = 1_000
/** Of a call that waits for nothing. */
const atOnceMs = 100

describe('the process of a PKCS#11 module', needsSoftHsm, () => {
  describe('behind a shim', needs('cc'), () => {
    let hsm: SoftHsm
    let shim: FaultyHsm

    beforeAll(async () => {
      hsm = await createSoftHsm()
      shim = await createFaultyHsm(hsm)
      for (const token of ['first', 'second']) {
        hsm.makeToken(token)
        await hsm.importKey(token, 'ca', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
      }
    })
    afterEach(() => shim.setFaults({}))
    afterAll(() => hsm[Symbol.asyncDispose]())

    let processes = 0
    /** With settings that no other test has: a process of its own. */
    function opener(changes: Partial<Pkcs11Settings> = {}) {
      const settings = {
        modulePath: shim.modulePath,
        pinFile: hsm.pinFile,
        sessions: 2,
        maximumWaiting: 1_000,
        callTimeoutMs: callTimeoutMs + ++processes,
        ...moduleSurroundingsOf(hsm),
        ...changes
      }
      return (tokenLabel = 'first') =>
        createPkcs11Signer({ kind: 'pkcs11', tokenLabel, keyLabel: 'ca' }, settings)
    }

    const sign = (signer: Signer) => signer.sign(Buffer.from('to be signed'))

    async function timed(
      work: () => Promise<unknown>
    ): Promise<{ readonly ms: number; readonly code: string }> {
      const start = performance.now()
      const code = await work().then(
        () => 'done',
        (error: unknown) => String((error as { code?: string }).code)
      )
      return { ms: performance.now() - start, code }
    }

    it.each([
      ['C_Initialize', 'hang'],
      ['C_Initialize', 'crash'],
      ['C_GetSlotList', 'hang'],
      ['C_OpenSession', 'hang'],
      ['C_OpenSession', 'crash'],
      ['C_Login', 'hang'],
      ['C_Login', 'crash']
    ] as const)(
      '%s that is to %s at the first use keeps nobody waiting once that is known',
      async (call, fault) => {
        const open = opener()
        await shim.setFaults({ [call]: fault })
        const first = await timed(open)
        expect(first.code).toBe('signer_unavailable')
        for (let i = 0; i < 20; i++) {
          const again = await timed(open)
          expect(again.code).toBe('signer_unavailable')
          expect(again.ms).toBeLessThan(atOnceMs)
        }
        await shim.setFaults({})
        await expect.poll(() => timed(open), { timeout: 20_000 }).toMatchObject({ code: 'done' })
      }
    )

    it('is given up when a signature does not come, and all that wait are told at once', async () => {
      const open = opener()
      const signer = await open()
      await shim.setFaults({ C_Sign: 'hang' })
      const results = await Promise.all(Array.from({ length: 50 }, () => timed(() => sign(signer))))
      for (const { ms, code } of results) {
        expect(code).toBe('signer_unavailable')
        expect(ms).toBeLessThan(callTimeoutMs * 2)
      }
      const sick = await timed(() => sign(signer))
      expect(sick).toMatchObject({ code: 'signer_unavailable' })
      expect(sick.ms).toBeLessThan(atOnceMs)
      await expect(signer.assertUsable()).rejects.toMatchObject({
        code: 'signer_unavailable',
        detail: expect.stringMatching(
          /did not answer within .* when a signature was asked for.*MINTLINE_PKCS11/
        ) as string,
        retryAfterSeconds: 1
      })
      await signer.close()
    })

    it('is tried with one signature after another that it hung at, while others are refused', async () => {
      const signer = await opener()()
      await shim.setFaults({ C_Sign: 'hang' })
      await timed(() => sign(signer))
      // Started anew, it does all but sign.
      await expect
        .poll(() => timed(() => signer.assertUsable()), { timeout: 10_000 })
        .toMatchObject({ code: 'done' })
      const before = await shim.count('C_Sign')
      const results = await Promise.all(Array.from({ length: 20 }, () => timed(() => sign(signer))))
      expect(results.filter(({ ms }) => ms > atOnceMs)).toHaveLength(1)
      expect(await shim.count('C_Sign')).toBe(before + 1)
      await shim.setFaults({})
      await expect.poll(() => timed(() => sign(signer)), { timeout: 20_000 }).toMatchObject({ code: 'done' })
      await signer.close()
    })

    it('of one token takes no other token along', async () => {
      const open = opener()
      const [signer, other] = [await open('first'), await open('second')]
      await shim.setFaults({ C_Sign: 'hang' })
      const hung = timed(() => sign(signer))
      await pause(200)
      await shim.setFaults({})
      expect(await timed(() => sign(other))).toMatchObject({ code: 'done' })
      expect(await hung).toMatchObject({ code: 'signer_unavailable' })
      expect(await timed(() => sign(other))).toMatchObject({ code: 'done' })
      await Promise.all([signer.close(), other.close()])
    })

    it('of one that is closed while the module hangs ends in its time', async () => {
      const signer = await opener()()
      await shim.setFaults({ C_Sign: 'hang' })
      const signing = timed(() => sign(signer))
      const closing = await timed(() => signer.close())
      expect(closing.code).toBe('done')
      expect(closing.ms).toBeLessThan(callTimeoutMs * 3)
      expect(await signing).toMatchObject({ code: 'signer_unavailable' })
    })

    it('logs that it is sick, what about it, and that it is well again; never the PIN', async () => {
      const lines: string[] = []
      const log = {
        warn: (fields: object, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`),
        info: (_: object, text: string) => void lines.push(text)
      }
      const signer = await opener({ log })()
      await shim.setFaults({ C_Sign: 'crash' })
      await timed(() => sign(signer))
      await shim.setFaults({})
      await expect.poll(() => timed(() => sign(signer)), { timeout: 20_000 }).toMatchObject({ code: 'done' })
      const [sick, well] = lines
      expect(sick).toMatch(/crashed with SIGSEGV.*"token":"first"/)
      expect(well).toContain('answers again')
      expect(lines.join()).not.toContain(hsm.pin)
      await signer.close()
    })

    it('that is busy is not taken for one that hangs: what waits for a thread has not entered it', async () => {
      const open = opener({ sessions: 1 })
      const signers = await Promise.all(Array.from({ length: 25 }, () => open()))
      await shim.setFaults({ C_Sign: 'slow' })
      const start = performance.now()
      const results = await Promise.all(signers.map(signer => timed(() => sign(signer))))
      expect(results.map(({ code }) => code)).toEqual(signers.map(() => 'done'))
      // One thread for all of them: the last one has waited longer than a call may take.
      expect(performance.now() - start).toBeGreaterThan(callTimeoutMs * 1.5)
      await Promise.all(signers.map(signer => signer.close()))
    })

    it('opens no key again that was given back while it was sick', async () => {
      const open = opener()
      const [kept, doomed] = [await open(), await open()]
      await shim.setFaults({ C_Sign: 'crash' })
      await timed(() => sign(kept))
      // So that opening them again takes a while.
      await shim.setFaults({ C_OpenSession: 'slow' })
      const before = await shim.count('C_OpenSession')
      const opened = async () => (await shim.count('C_OpenSession')) - before
      await expect.poll(opened, { timeout: 10_000, interval: 10 }).toBeGreaterThan(0)
      await doomed.close()
      await expect
        .poll(() => timed(() => kept.assertUsable()), { timeout: 10_000 })
        .toMatchObject({ code: 'done' })
      // Two sessions that sign and one that looks things up; and one before, which said that a login was needed.
      expect(await opened()).toBe(4)
      await kept.close()
    })

    it('ends with the last signer', async () => {
      const pids = () => moduleProcessesOf(process.pid).map(({ pid }) => pid)
      const before = pids()
      const signer = await opener()()
      const made = pids().filter(pid => !before.includes(pid))
      expect(made).toHaveLength(1)
      await signer.close()
      await expect.poll(pids).not.toContain(made[0])
    })

    it('that writes without end is given up', async () => {
      // A module that is damaged may write whatever it likes into the socket; here, where it is loaded.
      const source = join(hsm.directory, 'noisy.c')
      await writeFile(
        source,
        '#include <unistd.h>\n__attribute__((constructor)) static void noise(void) { char a[4096]; for (;;) write(3, a, sizeof a); }\n'
      )
      const modulePath = join(hsm.directory, 'noisy.so')
      execFileSync('cc', ['-shared', '-fPIC', '-o', modulePath, source])
      expect(await timed(opener({ modulePath }))).toMatchObject({ code: 'signer_unavailable' })
    })
  })
})
