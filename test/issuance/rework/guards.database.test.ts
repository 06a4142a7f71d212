import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../../src/sources/identifier.ts'
import { device, leaveOpen, openRework, type Rework } from './rework-test.ts'

let rework: Rework
let made = 0

beforeAll(async () => {
  rework = await openRework()
  await rework.postProfile('refuse', { reissue: 'refuse' })
  await rework.postProfile('supersede', { reissue: 'supersede' })
  await rework.postProfile('two', { reissue: { allow: 2 } })
})
afterAll(() => rework.close())

const issue = async (csr: Uint8Array, profile: string) => (await rework.issuing.issue(csr, profile)).record.id
const bytes = (size: number) => randomBytes(size)
const refused = { meta: { driverAdapterError: { cause: { originalCode: '23000' } } } }

interface ByHand {
  /** Whose device the intent is of. */
  readonly of: string
  /** SHA-256 of its key. */
  readonly key?: Buffer
  /** Whether the key is one of the device's that is used for the first time. */
  readonly isNewKey?: boolean
  readonly succeeds?: string
  readonly profile?: string
}

/** As a hand at psql would. @returns the id of the intent. */
async function insertIntent({
  of,
  key = bytes(32),
  isNewKey = true,
  succeeds,
  profile
}: ByHand): Promise<string> {
  const id = newId(new Date(), size => new Uint8Array(randomBytes(size)))
  await rework.prisma.$transaction(async transaction => {
    const run = transaction.$executeRaw.bind(transaction)
    await run`
      INSERT INTO intent (id, created_at, serial_number, spki_sha256, device_sha256, request_sha256, tbs_der, csr_der,
        station, token_id, profile_version_id, authority_id, metadata, request_id)
      SELECT ${id}::uuid, now(), ${Buffer.concat([Buffer.of(1), bytes(15)])}, ${key}, device_sha256, ${bytes(32)}, '', '',
        station, token_id, coalesce(
          (SELECT id FROM profile_version WHERE name = ${profile ?? null} ORDER BY version DESC LIMIT 1), profile_version_id
        ), authority_id, '{}', '' FROM intent WHERE id = ${of}::uuid`
    await run`INSERT INTO open_intent VALUES (${id}::uuid)`
    if (isNewKey)
      await run`INSERT INTO certified_key SELECT ${key}, 1, device_sha256, id FROM intent WHERE id = ${id}::uuid`
    if (succeeds !== undefined) await run`INSERT INTO succession VALUES (${id}::uuid, ${succeeds}::uuid)`
    await run`
      INSERT INTO certified_device SELECT device_sha256, (
        SELECT max(occurrence) + 1 FROM certified_device WHERE certified_device.device_sha256 = intent.device_sha256
      ), id FROM intent WHERE id = ${id}::uuid`
  })
  return id
}

const record = (id: string) =>
  rework.prisma.$executeRaw`INSERT INTO issued VALUES (${id}::uuid, '', ${bytes(32)}, NULL, now())`
const keyOf = async (id: string) =>
  Buffer.from((await rework.prisma.intent.findFirstOrThrow({ where: { id } })).spkiSha256)
const supersede = (id: string, successor: string) =>
  rework.prisma.$executeRaw`
    INSERT INTO revocation (intent_id, created_at, actor, cause, note, successor_id)
    VALUES (${id}::uuid, now(), 'admin/psql', 'superseded', 'by hand', ${successor}::uuid)`
const name = () => `guarded-${++made}`

describe('the guards, whatever statement writes', () => {
  it('refuse a certificate beside the one that stands, released or not, unless it says that it succeeds it', async () => {
    const of = await issue(device(name()), 'supersede')
    await expect(insertIntent({ of })).rejects.toMatchObject(refused)
    await expect(insertIntent({ of, succeeds: of })).rejects.toMatchObject(refused)
    await rework.release(of)
    await expect(insertIntent({ of })).rejects.toMatchObject(refused)
    const next = await insertIntent({ of, succeeds: of })
    expect(await rework.prisma.revocation.count({ where: { intentId: of } })).toBe(0)
    await record(next)
    expect(await rework.prisma.revocation.findUniqueOrThrow({ where: { intentId: of } })).toMatchObject({
      cause: 'superseded',
      successorId: next
    })
  })

  it('refuse the key that a released device has, unless the profile allows it', async () => {
    const of = await issue(device(name()), 'supersede')
    await rework.release(of)
    const key = await keyOf(of)
    await expect(insertIntent({ of, key, isNewKey: false, succeeds: of })).rejects.toMatchObject(refused)
    await rework.postProfile('supersede', { reissue: 'supersede', sameKey: 'allow' })
    await insertIntent({ of, key, isNewKey: false, succeeds: of })
    await rework.postProfile('supersede', { reissue: 'supersede' })
  })

  it('refuse what succeeds one that another has succeeded, or that was scrapped', async () => {
    const of = await issue(device(name()), 'supersede')
    await rework.release(of)
    await issue(device(`guarded-${made}`), 'supersede')
    await expect(insertIntent({ of, succeeds: of })).rejects.toMatchObject(refused)
    const gone = await issue(device(name()), 'supersede')
    await rework.release(gone)
    await rework.scrap(gone)
    await expect(insertIntent({ of: gone, succeeds: gone })).rejects.toMatchObject(refused)
  })

  it('refuse more than are allowed, the key of another of them, and another profile', async () => {
    const of = await issue(device(name()), 'two')
    await expect(insertIntent({ of, key: await keyOf(of), isNewKey: false })).rejects.toMatchObject(refused)
    await expect(insertIntent({ of, profile: 'refuse' })).rejects.toMatchObject(refused)
    const second = await insertIntent({ of })
    await expect(insertIntent({ of })).rejects.toMatchObject(refused)
    await record(second)
    await expect(insertIntent({ of })).rejects.toMatchObject(refused)
    await rework.scrap(of)
    await insertIntent({ of })
  })

  it('refuse to supersede by what was not issued in its place', async () => {
    const of = await issue(device(name()), 'supersede')
    const other = await issue(device(name()), 'supersede')
    await expect(supersede(of, other)).rejects.toMatchObject(refused)
    await rework.release(of)
    const open = await leaveOpen(rework, stuck => stuck.issue(device(`guarded-${made - 1}`), 'supersede'))
    await expect(supersede(of, open)).rejects.toMatchObject(refused)
    expect(await rework.prisma.revocation.count({ where: { intentId: of } })).toBe(0)
  })

  it.each([
    ['superseded', 'NULL', 'NULL'],
    ['scrap', "'00000000-0000-7000-8000-000000000000'", 'NULL'],
    ['scrap', 'NULL', 'now()'],
    ['lost', 'NULL', 'NULL']
  ])('refuse a revocation %s with the successor %s that ends %s', async (cause, successor, ends) => {
    const of = await issue(device(name()), 'refuse')
    await expect(
      rework.prisma.$executeRawUnsafe(
        `INSERT INTO revocation VALUES ('${of}', now(), 'admin/psql', '${cause}', 'by hand', ${successor}, ${ends})`
      )
    ).rejects.toMatchObject({ meta: { driverAdapterError: { cause: { originalCode: '23514' } } } })
  })

  it('refuse a succession of another device’s, of what is issued, and any change of one', async () => {
    const [one, other] = [await issue(device(name()), 'two'), await issue(device(name()), 'two')]
    const beside = await issue(device(`guarded-${made}`), 'two')
    const succeed = (id: string, succeeds: string) =>
      rework.prisma.$executeRaw`INSERT INTO succession VALUES (${id}::uuid, ${succeeds}::uuid)`
    await expect(succeed(one, other)).rejects.toMatchObject(refused)
    await expect(succeed(beside, other)).rejects.toMatchObject(refused)
    await expect(rework.owner.prisma.$executeRaw`DELETE FROM succession`).rejects.toMatchObject(refused)
    await expect(
      rework.owner.prisma.$executeRaw`UPDATE succession SET succeeds = intent_id`
    ).rejects.toMatchObject(refused)
  })
})

// Last, as the records are gone after it.
describe('a device whose record is detached', () => {
  it('has its certificate all the same, and gets no other', async () => {
    const names = [name(), name()] as const
    await issue(device(names[0]), 'refuse')
    await issue(device(names[1]), 'two')
    const month = new Date().toISOString().slice(0, 7).replace('-', '_')
    const run = (statement: string) => rework.owner.prisma.$executeRawUnsafe(statement)
    for (const table of ['intent', 'issued']) {
      await run(`ALTER TABLE ${table} DETACH PARTITION ${table}_${month}`)
      await run(`ALTER TABLE ${table}_${month} RENAME TO detached_${table}`)
    }
    await rework.owner.prisma.$queryRaw`SELECT ensure_partitions(now(), 1)`
    for (const [index, profile] of ['refuse', 'two'].entries())
      await expect(issue(device(names[index]!), profile)).rejects.toMatchObject({
        code: 'issuance_not_found'
      })
    await issue(device(name()), 'refuse')
  })
})
