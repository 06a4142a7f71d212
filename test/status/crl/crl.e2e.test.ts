import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRevocationList } from '../../../src/pki/revocation/revocation-list.ts'
import type { IssuedRecord } from '../../../src/records/record.ts'
import { createMakingStore } from '../../../src/status/crl/making/making-store.ts'
import { openRevoking, type Revoking } from '../../revocation/revoking.ts'
import { act } from '../../support/authority-administration.ts'
import { makeCertificationRequest, makeDeviceKey } from '../../support/certification-request.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { openMaking, plantRevoked } from './making-crls.ts'
import { createToolbox } from './toolbox.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let revoking: Revoking
let making: ReturnType<typeof openMaking>
let tools: ReturnType<typeof createToolbox>
let offsetMs = 0
const clock = () => new Date(Date.now() + offsetMs)

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path, { clock })
  revoking = openRevoking(issuing)
  making = openMaking(issuing.core)
  tools = createToolbox(directory.path)
  tools.write('ca.pem', 'CERTIFICATE', issuing.authorities.list()[0]!.certificateDer)
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let devices = 0
async function issue(): Promise<IssuedRecord> {
  const csr = makeCertificationRequest({ Country: 'US', CommonName: `crl-${++devices}` }, makeDeviceKey())
  return (await issuing.issue(csr)).record
}

const certificateOf = async ({ id }: { readonly id: string }): Promise<Uint8Array> =>
  (await test.database.prisma.issued.findFirstOrThrow({ where: { intentId: id } })).certificateDer

/** What is revoked as our own reader has it, after one more CRL. */
async function makeAndRead() {
  const before = making.troubles.length
  await making.step()
  expect(making.troubles.slice(before)).toEqual([])
  const crl = await making.read()
  return { ...crl, list: parseRevocationList(crl.der) }
}

/** Changes rows as somebody can who owns the tables. */
async function tamper(statement: string, ...values: unknown[]): Promise<Record<string, unknown>[]> {
  return test.owner.prisma.$transaction(async owner => {
    await owner.$executeRaw`ALTER TABLE certificate_status DISABLE TRIGGER USER`
    const rows = await owner.$queryRawUnsafe<Record<string, unknown>[]>(statement, ...values)
    for (const trigger of ['of_act', 'stays', 'search_change'])
      await owner.$executeRawUnsafe(`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER ${trigger}`)
    await owner.$executeRaw`INSERT INTO crl_change (authority_id) SELECT id FROM authority`
    return rows
  })
}

/** The row in the middle of those that a condition finds. */
const takeOut = (condition: string) =>
  tamper(`
    DELETE FROM certificate_status WHERE ctid = (
      SELECT ctid FROM certificate_status WHERE ${condition} ORDER BY serial_number
      OFFSET (SELECT count(*) / 2 FROM certificate_status WHERE ${condition}) LIMIT 1
    )
    RETURNING intent_id::text, authority_id::text, serial_number, state, reason, since, act_id::text`)

const putBack = async (rows: readonly Record<string, unknown>[]) => {
  for (const { intent_id, authority_id, serial_number, state, reason, since, act_id } of rows)
    await tamper(
      `INSERT INTO certificate_status (intent_id, authority_id, serial_number, state, reason, since, act_id)
      VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6, $7::uuid)`,
      ...[intent_id, authority_id, serial_number, state, reason, since, act_id]
    )
}

/** Of the one CRL that could not be made. */
async function refusalOf(): Promise<unknown> {
  // What fails again is not told again.
  const refused = openMaking(issuing.core)
  await refused.step()
  expect(refused.troubles).toHaveLength(1)
  return (refused.troubles[0] as { readonly err: unknown }).err
}

const verifies = (name: string) => tools.say('openssl', 'crl', '-in', name, '-CAfile', 'ca.pem', '-noout')

describe('a CRL', needs('openssl', 'certtool'), () => {
  it('is there, and empty, before anything is revoked', async () => {
    const { der, list, nextUpdate, thisUpdate } = await makeAndRead()
    expect(list.revoked.size).toBe(0)
    expect(nextUpdate.getTime() - thisUpdate.getTime()).toBe(168 * 3_600_000)
    tools.write('empty.pem', 'X509 CRL', der)
    expect(verifies('empty.pem')).toContain('verify OK')
    expect(
      tools.run('certtool', '--verify-crl', '--load-ca-certificate', 'ca.pem', '--infile', 'empty.pem')
    ).toContain('Verification output: Verified')
    expect(tools.run('openssl', 'crl', '-in', 'empty.pem', '-noout', '-text')).toContain(
      'No Revoked Certificates'
    )
  })

  it('is not made again while nothing changes', async () => {
    const { number } = await making.read()
    await making.step()
    expect((await making.read()).number).toBe(number)
  })

  it('says what was revoked and what is on hold, with reason and time, and nothing of the rest', async () => {
    const [good, revoked, held, unheld, superseded] = await Promise.all([
      issue(),
      issue(),
      issue(),
      issue(),
      issue()
    ])
    const invalidityDate = new Date('2026-01-02T03:04:05Z')
    await revoking.revoke(revoked.id, { reason: 'privilegeWithdrawn', invalidityDate }, act)
    await revoking.hold(held.id, act)
    await revoking.hold(unheld.id, act)
    await revoking.unhold(unheld.id, act)
    await revoking.revoke(superseded.id, { reason: 'unspecified' }, act)
    const { der, list } = await makeAndRead()
    expect([...list.revoked].sort()).toEqual(
      [revoked, held, superseded].map(each => each.serialNumber.toLowerCase()).sort()
    )
    tools.write('one.pem', 'X509 CRL', der)
    const text = tools.run('openssl', 'crl', '-in', 'one.pem', '-noout', '-text')
    expect(text).toMatch(/Privilege Withdrawn\s+Invalidity Date:\s+Jan {2}2 03:04:05 2026 GMT/)
    expect(text.match(/CRL Reason Code/g)).toHaveLength(2)
    expect(text).toContain('Certificate Hold')
    const check = (name: string) =>
      tools.say(
        'openssl',
        'verify',
        '-CAfile',
        'ca.pem',
        '-CRLfile',
        'one.pem',
        '-crl_check',
        '-crl_check_all',
        '-extended_crl',
        '-x509_strict',
        name
      )
    expect(check(tools.write('good.pem', 'CERTIFICATE', await certificateOf(good)))).toContain('good.pem: OK')
    expect(check(tools.write('bad.pem', 'CERTIFICATE', await certificateOf(revoked)))).toContain(
      'certificate revoked'
    )
    expect(check(tools.write('held.pem', 'CERTIFICATE', await certificateOf(held)))).toContain(
      'certificate revoked'
    )
    expect(check(tools.write('back.pem', 'CERTIFICATE', await certificateOf(unheld)))).toContain(
      'back.pem: OK'
    )
  })

  it('says of 10,000 each one', async () => {
    const { id } = issuing.authorities.list()[0]!
    await plantRevoked(test.owner, id, 10_000)
    const { der, list } = await makeAndRead()
    expect(list.revoked.size).toBe(10_003)
    tools.write('many.pem', 'X509 CRL', der)
    expect(verifies('many.pem')).toContain('verify OK')
    expect(
      tools.run('certtool', '--verify-crl', '--load-ca-certificate', 'ca.pem', '--infile', 'many.pem')
    ).toContain('Verified')
    expect(
      tools.run('openssl', 'crl', '-in', 'many.pem', '-noout', '-text').match(/Serial Number:/g)
    ).toHaveLength(10_003)
  })

  it('says what ends by itself as soon as it has, before anybody writes that', async () => {
    const { id } = issuing.authorities.list()[0]!
    const before = await making.read()
    const endsAt = new Date(Date.now() + 1_500)
    await test.owner.prisma.$transaction([
      test.owner.prisma.$executeRaw`ALTER TABLE certificate_status DISABLE TRIGGER of_act`,
      test.owner.prisma.$executeRaw`
        INSERT INTO certificate_status (intent_id, authority_id, serial_number, state, ends_at)
        VALUES (gen_random_uuid(), ${id}::uuid, '\\x4e01', 'good', ${endsAt.toISOString()}::timestamptz)`,
      test.owner.prisma.$executeRaw`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER of_act`
    ])
    expect((await makeAndRead()).number).toBe(before.number)
    await new Promise(resolve => setTimeout(resolve, endsAt.getTime() - Date.now() + 100))
    const { list } = await makeAndRead()
    expect(list.revoked.has('4e01')).toBe(true)
  })

  it('is refused where a row is missing of what an earlier one said, also where another has come', async () => {
    const before = await making.read()
    const gone = await takeOut("state = 'revoked'")
    await revoking.revokeFor((await issue()).id)
    expect(await refusalOf()).toMatchObject({ code: 'record_damaged' })
    expect((await making.read()).number).toBe(before.number)
    await putBack(gone)
    const { list } = await makeAndRead()
    expect(list.revoked.size).toBe(parseRevocationList(before.der).revoked.size + 1)
  })

  it('is refused where what was revoked for good is on hold', async () => {
    const [gone] = await takeOut("state = 'revoked'")
    await putBack([{ ...gone!, state: 'held', reason: 'certificateHold' }])
    expect(await refusalOf()).toMatchObject({ code: 'record_damaged' })
    await takeOut(`intent_id = '${gone!['intent_id'] as string}'`)
    await putBack([gone!])
    await makeAndRead()
  })

  it('leaves out what was on hold', async () => {
    const held = await takeOut("state = 'held'")
    const { list } = await makeAndRead()
    expect(list.revoked.has((held[0]!['serial_number'] as Buffer).toString('hex'))).toBe(false)
    await putBack(held)
    await makeAndRead()
  })

  it('that was changed in the database is not handed out', async () => {
    const { sha256 } = await making.read()
    const change = (octet: number) =>
      test.owner.prisma.$transaction([
        test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk DISABLE TRIGGER stays_as_it_is`,
        test.owner.prisma.$executeRaw`
          UPDATE crl_chunk SET octets = set_byte(octets, 5000, get_byte(octets, 5000) # ${octet}) WHERE position = 0
            AND intent_id = (SELECT intent_id FROM crl WHERE sha256 = ${sha256})`,
        test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk ENABLE ALWAYS TRIGGER stays_as_it_is`
      ])
    await change(1)
    await expect(making.read()).rejects.toMatchObject({ code: 'record_damaged' })
    await change(1)
    expect((await making.read()).sha256).toEqual(sha256)
  })

  it('has a number that rises, also where the clock is set back, and is made anew then', async () => {
    const before = await making.read()
    offsetMs = -86_400_000
    const back = await makeAndRead()
    expect(back.number).toBe(before.number + 1)
    expect(back.thisUpdate < before.thisUpdate).toBe(true)
    offsetMs = 0
    await revoking.revokeFor((await issue()).id)
    expect((await makeAndRead()).number).toBeGreaterThan(back.number)
  })

  it('is made anew when its overlap begins', async () => {
    const { number } = await making.read()
    offsetMs = 95 * 3_600_000
    await making.step()
    expect((await making.read()).number).toBe(number)
    offsetMs = 97 * 3_600_000
    await making.step()
    expect((await making.read()).number).toBeGreaterThan(number)
    offsetMs = 0
    await making.step()
  })

  it('of two processes at once has numbers that rise, and one content for each', async () => {
    const others = Array.from({ length: 3 }, () => openMaking(issuing.core))
    const numbers: number[] = []
    for (let round = 0; round < 5; round++) {
      await revoking.revokeFor((await issue()).id)
      await Promise.all([making, ...others].map(each => each.step()))
      numbers.push((await making.read()).number)
    }
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    const made = await test.database.prisma.crlIntent.findMany({
      orderBy: { number: 'asc' },
      include: { crl: true }
    })
    expect(made.length).toBeGreaterThan(10)
    // Each says no less than the one before.
    const signed = made.filter(({ crl }) => crl !== null).map(({ finalEntries }) => finalEntries)
    expect(signed).toEqual(signed.toSorted((a, b) => a - b))
    expect(await test.database.prisma.crlChange.count()).toBe(0)
  })

  it('that was begun before another is not signed after that', async () => {
    const store = createMakingStore(test.database)
    const { id: authorityId } = issuing.authorities.list()[0]!
    const before = await making.read()
    await revoking.revokeFor((await issue()).id)
    const slow = openMaking(issuing.core, {
      store: {
        ...store,
        // Another process begins, and ends, while this one reads.
        async readEntries(query) {
          const read = await store.readEntries(query)
          if (query.after.length === 0) await making.step()
          return read
        }
      }
    })
    await slow.step()
    expect(slow.troubles).toEqual([])
    const after = await making.read()
    expect(after.number).toBeGreaterThan(before.number)
    const numbers = await test.database.prisma.crlNumber.findMany({
      where: { authorityId, number: { gte: before.number } }
    })
    const made = await test.database.prisma.crl.count({
      where: { intent: { authorityId, number: { gt: before.number } } }
    })
    expect([numbers.length, made]).toEqual([3, 1])
  })

  it('leaves a number and octets where it is cut off, and the next one is whole', async () => {
    const before = await making.read()
    await revoking.revokeFor((await issue()).id)
    const options = (await import('../../../src/composition/status/crl.ts')).crlDutyOptions(issuing.core)
    const killed = openMaking(issuing.core, {
      store: { ...options.store, insert: async () => Promise.reject(new Error('killed')) }
    })
    await killed.step()
    expect((await making.read()).number).toBe(before.number)
    expect(await test.database.prisma.crlChange.count()).toBe(1)
    const next = await makeAndRead()
    expect(next.list.revoked.size).toBe(parseRevocationList(before.der).revoked.size + 1)
    // An hour later nothing is left of what nobody reads.
    offsetMs = 3_600_000
    await making.step()
    offsetMs = 0
    expect(
      await test.database.prisma
        .$queryRaw`SELECT count(DISTINCT intent_id)::int AS kept FROM crl_chunk JOIN crl_intent ON crl_intent.id = intent_id
        WHERE created_at < now() + interval '1 hour'`
    ).toEqual([{ kept: 1 }])
    expect((await making.read()).number).toBe(next.number)
  })
})
