import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKmsStandIn, type KmsStandIn } from '../../src/rehearsal/kms/kms-stand-in.ts'
import { rehearsalCredentials } from '../rehearsal/kms/rehearsal-kms-client.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import {
  createSoftHsm,
  hasSoftHsm,
  needsSoftHsm,
  type SoftHsm,
  softHsmModule
} from '../support/hsm/softhsm.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let data: TemporaryDirectory
let test: TestDatabase
let kms: KmsStandIn
let hsm: SoftHsm | undefined
let service: ServiceProcess

const startStandIn = (port?: number) =>
  createKmsStandIn({
    stateFile: join(data.path, 'kms.json'),
    port,
    faults: { latencyMs: 20, throttleRate: 0.05 }
  })

async function makeToken(): Promise<Readonly<Record<string, string>>> {
  if (!hasSoftHsm) return {}
  hsm = await createSoftHsm()
  hsm.makeToken('acme')
  await hsm.importKey('acme', 'ca', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
  return { MINTLINE_PKCS11_MODULE: softHsmModule!, MINTLINE_PKCS11_PIN_FILE: hsm.pinFile }
}

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  kms = await startStandIn()
  service = await startServiceProcess(data.path, {
    ...rehearsalCredentials,
    ...(await makeToken()),
    AWS_ENDPOINT_URL_KMS: kms.url,
    DATABASE_URL: test.connectionString,
    MINTLINE_LOG_LEVEL: 'silent'
  })
})

afterAll(async () => {
  await service.end('SIGTERM')
  await kms.stop()
  await hsm?.[Symbol.asyncDispose]()
  await test.drop()
  await data.remove()
})

/** Makes the next generation of the starter's line with this key, and lets it issue. */
async function rotateTo(key: object): Promise<void> {
  const headers = {
    authorization: `Bearer ${await service.token('admin')}`,
    'content-type': 'application/json'
  }
  const post = (path: string, body: object) =>
    fetch(`${service.url}/v1/authorities${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const certificate = { kind: 'self-signed', days: 9125 }
  const made = await post('', { line: 'starter', key, subject: { CommonName: 'Stored' }, certificate })
  expect(made.status).toBe(201)
  const { name } = (await made.json()) as { name: string }
  expect((await post(`/${name}/activate`, { reason: 'another key store' })).status).toBe(200)
}

/** Posts devices until it is told to stop, and counts the answers by status and code. */
async function startLoad(label: string) {
  const station = await service.token('station')
  const answers = new Map<string, number>()
  let isOver = false
  const work = async (worker: number) => {
    for (let count = 0; !isOver; count++) {
      const csr = makeCertificationRequest({ Country: 'US', CommonName: `${label}-${worker}-${count}` })
      const response = await postCsr(service, station, csr)
      const { code = '' } = (await response.json()) as { code?: string }
      const answer = `${response.status} ${code}`.trim()
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
      if (response.status !== 201) await pause(20)
    }
  }
  const workers = Promise.all([0, 1, 2, 3].map(work))
  return {
    count: (answer: string) => answers.get(answer) ?? 0,
    async stop(): Promise<readonly string[]> {
      isOver = true
      await workers
      return [...answers.keys()].sort()
    }
  }
}

const readyStatus = async () => (await fetch(`${service.url}/readyz`)).status

describe('a line whose key store goes away and comes back', () => {
  it('in AWS KMS refuses meanwhile, goes on by itself, and signs nothing twice', async () => {
    await rotateTo({ kind: 'kms', keyId: await kms.createKey('ECC_NIST_P256'), region: kms.region })
    const load = await startLoad('kms')
    await expect.poll(() => load.count('201'), { timeout: 10_000 }).toBeGreaterThan(20)
    const { signatureCounts, url } = kms
    await kms.stop()
    await expect.poll(() => load.count('503 signer_unavailable'), { timeout: 10_000 }).toBeGreaterThan(0)
    expect(await readyStatus()).toBe(503)
    kms = await startStandIn(Number(new URL(url).port))
    const before = load.count('201')
    await expect.poll(() => load.count('201'), { timeout: 10_000 }).toBeGreaterThan(before + 20)
    await expect.poll(readyStatus, { timeout: 5_000 }).toBe(200)
    expect(await load.stop()).toEqual(['201', '503 signer_unavailable'])
    expect(kms.signatureCounts.size).toBeGreaterThan(20)
    expect([...kms.signatureCounts.values()].filter(count => count > 1)).toEqual([])
    expect([...signatureCounts.values()].filter(count => count > 1)).toEqual([])
  })

  it('on a token refuses meanwhile, and goes on by itself', needsSoftHsm, async () => {
    await rotateTo({ kind: 'pkcs11', tokenLabel: 'acme', keyLabel: 'ca' })
    const load = await startLoad('token')
    await expect.poll(() => load.count('201'), { timeout: 10_000 }).toBeGreaterThan(20)
    await hsm!.moveAway()
    await expect.poll(() => load.count('503 signer_unavailable'), { timeout: 10_000 }).toBeGreaterThan(0)
    expect(await readyStatus()).toBe(503)
    await hsm!.moveBack()
    const before = load.count('201')
    await expect.poll(() => load.count('201'), { timeout: 10_000 }).toBeGreaterThan(before + 20)
    await expect.poll(readyStatus, { timeout: 5_000 }).toBe(200)
    expect(await load.stop()).toEqual(['201', '503 signer_unavailable'])
  })
})
