import { KMSClient, SignCommand } from '@aws-sdk/client-kms'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { judgeKey } from '../../../src/aws/fleet/keys/judging-key.ts'
import { createKeyStore } from '../../../src/aws/fleet/keys/key-store.ts'
import { createWalkStore } from '../../../src/aws/fleet/walk/walk-store.ts'
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

/** A look, as if the key of the CA were that one in KMS. */
async function look(id = keyId) {
  const { id: reconciliationId } = await service.reconciliations.begin({ things: 'none' }, act)
  await service.handlers['fleet.run'](place, signal)
  const [ready] = await createWalkStore(service.test.database).listReady()
  await judgeKey(
    {
      keys: createKeyStore(service.test.database),
      signer: { kind: 'kms', keyId: id, region: 'eu-central-1' },
      now: new Date(),
      randomBytes: service.core.randomBytes,
      signal
    },
    ready!
  )
  await service.runSent()
  return service.reconciliations.find(reconciliationId)
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

it('is explained by a certificate that was completed late', async () => {
  const keys = createKeyStore(service.test.database)
  const begun = new Date()
  const record = await service.issue()
  await service.reconciliations.begin({ things: 'none' }, act)
  await service.handlers['fleet.run'](place, signal)
  const [walk] = await createWalkStore(service.test.database).listReady()
  expect(await keys.hasLateCompletion(walk!, begun)).toBe(true)
  expect(await keys.hasLateCompletion(walk!, new Date(record.issuedAt.getTime() + 60_000))).toBe(false)
  expect((await keys.findOwnUses(walk!)).lastAt).toEqual(record.issuedAt)
  await service.runSent()
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
})
