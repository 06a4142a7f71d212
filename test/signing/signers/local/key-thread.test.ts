import { createPublicKey, sign, verify } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  encryptPrivateKey,
  loadPrivateKey,
  writeSecretFile
} from '../../../../src/signing/signers/local/key-file.ts'
import { generateLocalKey } from '../../../../src/signing/signers/local/local-key.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { measureCpu } from '../../../support/time-limit.ts'

let directory: TemporaryDirectory
beforeAll(async () => {
  directory = await createTemporaryDirectory()
})
afterAll(() => directory.remove())

/** Milliseconds of CPU that this thread spends until the work is done, wherever that is done. */
describe('a CA key', () => {
  it('is made and opened without holding up the event loop', async () => {
    const path = join(directory.path, 'ca.key.pem')
    const privateKey = await generateLocalKey('P-256')
    await writeSecretFile(path, await encryptPrivateKey(privateKey, 'a passphrase'))
    const times: number[] = []
    for (let round = 0; round < 5; round++) {
      times.push(await measureCpu(() => loadPrivateKey(path, 'a passphrase')))
    }
    // Stretching the passphrase alone takes 55 ms.
    expect(Math.min(...times)).toBeLessThan(20)
    const opened = await loadPrivateKey(path, 'a passphrase')
    const message = Buffer.from('x')
    expect(verify('sha256', message, createPublicKey(privateKey), sign('sha256', message, opened))).toBe(true)
  })

  it('of RSA is one of a few that are made at once; the others are told to ask again', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => generateLocalKey('RSA-2048')))
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(8)
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
    }
    expect((await generateLocalKey('RSA-2048')).asymmetricKeyDetails?.modulusLength).toBe(2048)
  }, 120_000)
})
