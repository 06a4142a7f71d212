import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KMSClient, SignCommand } from '@aws-sdk/client-kms'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createKeyStore } from '../../../src/aws/fleet/keys/key-store.ts'
import { createWalkStore } from '../../../src/aws/fleet/walk/walk-store.ts'
import { createFleetJobs } from '../../../src/composition/aws/fleet.ts'
import { createKmsStandIn, type KmsStandIn } from '../../../src/rehearsal/kms/kms-stand-in.ts'
import { act } from '../../support/authority-administration.ts'
import { type FleetBench, openFleet, place } from './fleeting.ts'

let service: FleetBench
let kms: KmsStandIn
let keyId: string
const hourMs = 60 * 60_000
/** Of the clock of KMS. */
let aheadMs = 0
beforeAll(async () => {
  service = await openFleet()
  kms = await createKmsStandIn({ region: 'eu-central-1', clock: () => new Date(Date.now() + aheadMs) })
  process.env['AWS_ENDPOINT_URL_KMS'] = kms.url
  keyId = await kms.createKey('ECC_NIST_P256')
})
afterAll(async () => {
  delete process.env['AWS_ENDPOINT_URL_KMS']
  await kms.stop()
  await service.stop()
})

const { signal } = new AbortController()

async function use() {
  const client = new KMSClient({ region: 'eu-central-1' })
  await client.send(
    new SignCommand({
      KeyId: keyId,
      Message: Buffer.alloc(32, 1),
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256'
    })
  )
  client.destroy()
}

/** What looks, as if the key of the CA were that one in KMS. */
function handlersWith(id: string) {
  const { core, pushing, sent } = service
  const signer = { kind: 'kms', keyId: id, region: 'eu-central-1' } as const
  const authorityStore = {
    ...core.authorityStore,
    generations: async () => (await core.authorityStore.generations()).map(each => ({ ...each, signer }))
  }
  return createFleetJobs(
    { ...core, authorityStore },
    {
      accesses: pushing.accesses,
      jobs: { send: async (kind, data) => void sent.push({ kind, data }) }
    }
  )
}

async function look(id = keyId) {
  const { id: reconciliationId } = await service.reconciliations.begin({ things: 'none' }, act)
  const handlers = handlersWith(id)
  await handlers['fleet.run'](place, signal)
  service.sent.length = 0
  await handlers['fleet.judge']({}, signal)
  return service.reconciliations.find(reconciliationId)
}

/** A KMS that says so of every key. */
async function withUse<Result>(
  operation: string,
  usedAt: Date,
  work: () => Promise<Result>
): Promise<Result> {
  const KeyLastUsage = { Operation: operation, Timestamp: usedAt.getTime() / 1_000, CloudTrailEventId: 'e' }
  const server = createServer((_request, response) => response.end(JSON.stringify({ KeyLastUsage })))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  process.env['AWS_ENDPOINT_URL_KMS'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    return await work()
  } finally {
    process.env['AWS_ENDPOINT_URL_KMS'] = kms.url
    server.closeAllConnections()
    server.close()
  }
}

const alarms = () => service.found({ kind: 'key-used-elsewhere' })

it('of a key that was never used, or for what is on record, says nothing', async () => {
  expect((await look()).walks.map(({ phase, keyError }) => [phase, keyError])).toEqual([
    ['done', null],
    ['done', null]
  ])
  await service.issue()
  await use()
  await look()
  expect(await alarms()).toEqual([])
})

it('is an alarm where a key was used later than for anything on record, once for each use', async () => {
  aheadMs = 2 * hourMs
  await use()
  await look()
  const [alarm] = await alarms()
  expect(alarm).toMatchObject({ authority: 'starter-g1', region: null, certificateId: null })
  expect(alarm!.details).toMatchObject({
    keyId,
    operation: 'Sign',
    cloudTrailEventId: expect.any(String) as string
  })
  await look()
  expect((await alarms()).map(({ id }) => id)).toEqual([alarm!.id])
  expect(await service.fleet.examine()).toMatchObject({ ok: false })
  aheadMs = 3 * hourMs
  await use()
  await look()
  expect(await alarms()).toHaveLength(2)
  for (const { id } of await alarms()) await service.fleet.acknowledge(id, act)
})

it('is not known where KMS does not say: the look goes on, and says why', async () => {
  const told = await look(`arn:aws:kms:eu-central-1:111122223333:key/${crypto.randomUUID()}`)
  expect(told.walks.map(({ phase }) => phase)).toEqual(['done', 'done'])
  expect(told.walks[1]!.keyError).toMatchObject({
    code: 'aws_refused',
    detail: expect.stringContaining('kms:GetKeyLastUsage') as string
  })
  expect(await service.fleet.examine()).toMatchObject({
    ok: false,
    detail: expect.stringContaining('kms:GetKeyLastUsage') as string
  })
  expect(await alarms()).toHaveLength(2)
})

it('is told once, also where a look between could not ask KMS', async () => {
  const told = () => service.test.database.prisma.auditEvent.count({ where: { act: 'fleet.alarm' } })
  const [before, count] = [await alarms(), await told()]
  expect(before).toHaveLength(2)
  await look()
  expect((await alarms()).map(({ id }) => id)).toEqual([before[0]!.id])
  expect(await told()).toBe(count)
})

it('waits for KMS where that is away, and does not go on when the service stops', async () => {
  process.env['AWS_ENDPOINT_URL_KMS'] = 'http://127.0.0.1:9'
  await expect(look()).rejects.toMatchObject({ code: 'aws_unavailable' })
  const id = (await service.reconciliations.list({ limit: 1 })).items[0]!.id
  const own = async () => (await service.reconciliations.find(id)).walks[1]
  expect(await own()).toMatchObject({ phase: 'keys', lastError: { code: 'aws_unavailable' }, keyError: null })
  const { prisma } = service.test.database
  const failingSince = new Date(Date.now() - 2 * hourMs)
  await prisma.fleetWalk.updateMany({
    where: { reconciliationId: id, phase: 'keys' },
    data: { failingSince }
  })
  const stopping = new AbortController()
  const judging = handlersWith(keyId)['fleet.judge']({}, stopping.signal)
  stopping.abort(new Error('stopping'))
  await judging.catch(() => undefined)
  expect(await own()).toMatchObject({ phase: 'keys' })
  await handlersWith(keyId)['fleet.judge']({}, signal)
  expect(await own()).toMatchObject({ phase: 'done', keyError: { code: 'aws_unavailable' } })
  process.env['AWS_ENDPOINT_URL_KMS'] = kms.url
})

it('is no alarm where somebody has only verified with the key, and not known to be none', async () => {
  const { walks } = await withUse('Verify', new Date(Date.now() + 5 * hourMs), () => look())
  expect(walks[1]!.keyError).toMatchObject({ detail: expect.stringContaining('kms:Verify') as string })
  expect(await alarms()).toHaveLength(1)
})

it('is not known where that time is in a month that is detached', async () => {
  const { prisma } = service.test.owner
  const usedAt = new Date(Date.now() + 5 * hourMs)
  const month = usedAt.toISOString().slice(0, 7)
  await prisma.detachedMonth.create({ data: { month, detachedAt: new Date(), detachedBy: 'test' } })
  const { walks } = await withUse('Sign', usedAt, () => look())
  await prisma.detachedMonth.delete({ where: { month } })
  expect(walks[1]!.keyError).toMatchObject({ detail: expect.stringContaining('detached') as string })
  expect(await alarms()).toHaveLength(1)
})

it('is not known while an intent has no outcome: that may have been signed then', async () => {
  const { prisma } = service.test.database
  const usedAt = new Date(Date.now() + 5 * hourMs)
  const { id: intentId } = await service.issue()
  await prisma.openIntent.create({ data: { intentId } })
  const { walks } = await withUse('Sign', usedAt, () => look())
  await prisma.openIntent.delete({ where: { intentId } })
  expect(walks[1]!.keyError).toMatchObject({ detail: expect.stringContaining('outcome=unknown') as string })
  expect(await alarms()).toHaveLength(1)
})

it('is explained by a certificate that was completed late', async () => {
  const keys = createKeyStore(service.test.database, service.core.search)
  const begun = new Date()
  const record = await service.issue()
  await service.reconciliations.begin({ things: 'none' }, act)
  await service.handlers['fleet.run'](place, signal)
  const [walk] = await createWalkStore(service.test.database).listReady()
  expect(await keys.hasLateCompletion(walk!, begun, signal)).toBe(true)
  const later = new Date(record.issuedAt.getTime() + 60_000)
  expect(await keys.hasLateCompletion(walk!, later, signal)).toBe(false)
  expect((await keys.findOwnUses(walk!)).lastAt).toEqual(record.issuedAt)
  await service.runSent()
})
