import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { mesSecret, type MesServer, startMesServer } from '../../mes/mes-server.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../../support/issuing.ts'
import { builtChild } from '../../support/program/program.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let mes: MesServer
let issuing: Issuing
let mesFile: string

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  mes = await startMesServer()
  mesFile = join(directory.path, 'mes.json')
  const secretFile = join(directory.path, 'mes-secret')
  await writeFile(secretFile, `${mesSecret}\n`, { mode: 0o600 })
  await writeFile(mesFile, JSON.stringify({ plant: { url: mes.url, secretFile, timeoutMs: 10_000 } }))
  const settings = { MINTLINE_MES_FILE: mesFile }
  issuing = await startIssuing(test.database, directory.path, { settings, resumeAfterMs: 0 })
  await issuing.profiles.post({ ...starterProfile, name: 'asks', mes: 'plant' }, administrator)
})

afterAll(async () => {
  await mes[Symbol.asyncDispose]()
  await test.drop()
  await directory.remove()
})

beforeEach(() => {
  mes.questions.length = 0
  mes.state.answering = () => ({ verdict: 'allow', metadata: { order: `order-${mes.questions.length}` } })
})

const childFile = builtChild(new URL('crash-child.ts', import.meta.url))

/** Asks in another process, which is killed at that step. */
async function crash(step: string, csr: Uint8Array): Promise<void> {
  const csrFile = join(directory.path, 'device.csr')
  await writeFile(csrFile, csr)
  const values = [childFile, test.connectionString, directory.path, mesFile, step, csrFile]
  const child = spawn(process.execPath, values, { stdio: ['ignore', 'ignore', 'pipe'] })
  const [errors] = await Promise.all([text(child.stderr), once(child, 'close')])
  expect(child.signalCode, errors).toBe('SIGKILL')
}

const newCsr = (name: string) => makeCertificationRequest({ Country: 'US', CommonName: name })
const countIntents = () => test.database.prisma.intent.count()

it('killed between verdict and intent, nothing is on record, and the retry asks again', async () => {
  const csr = newCsr('before-the-intent')
  const before = await countIntents()
  await crash('before the intent', csr)
  expect([mes.questions.length, await countIntents()]).toEqual([1, before])
  const { record, replayed } = await issuing.issue(csr, 'asks')
  expect([replayed, record.mes?.metadata, mes.questions.length]).toEqual([false, { order: 'order-2' }, 2])
})

it.each(['after the intent', 'before the record'])(
  'killed %s, the retry completes what was allowed without asking again',
  async step => {
    const csr = newCsr(step.replaceAll(' ', '-'))
    await crash(step, csr)
    mes.state.answering = () => ({ verdict: 'deny' })
    const { record, replayed } = await issuing.issue(csr, 'asks')
    expect([replayed, record.mes?.metadata, record.metadata]).toEqual([
      true,
      { order: 'order-1' },
      { order: 'order-1' }
    ])
    expect(mes.questions).toHaveLength(1)
  }
)

it('an open intent that an administrator voids is asked about again', async () => {
  const csr = newCsr('voided')
  await crash('after the intent', csr)
  const { intentId } = await test.database.prisma.openIntent.findFirstOrThrow()
  const time = new Date()
  await test.database.prisma.$executeRaw`
    INSERT INTO void (intent_id, created_at, actor, reason) VALUES (${intentId}::uuid, ${time}, 'admin/test', 'test')`
  mes.state.answering = () => ({ verdict: 'deny', message: 'no' })
  await expect(issuing.issue(csr, 'asks')).rejects.toMatchObject({ code: 'mes_denied' })
  expect(mes.questions).toHaveLength(2)
})
