import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRevocationList } from '../../../../src/pki/revocation/revocation-list.ts'
import type { IssuedRecord } from '../../../../src/records/record.ts'
import { createMakingStore } from '../../../../src/status/crl/making/making-store.ts'
import { openRevoking, type Revoking } from '../../../revocation/revoking.ts'
import { act } from '../../../support/authority-administration.ts'
import { makeCertificationRequest, makeDeviceKey } from '../../../support/certification-request.ts'
import { type Issuing, startIssuing } from '../../../support/issuing.ts'
import { needs } from '../../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'
import { openMaking } from '../making-crls.ts'
import { createToolbox } from '../toolbox.ts'

const name = 'starter-g1'
const url = `http://pki.example.com/v1/authorities/${name}/crl/delta`
const deltas = { baseMs: 3_600_000, urlOf: () => url }

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
  making = openMaking(issuing.core, { deltas })
  tools = createToolbox(directory.path)
  tools.write('ca.pem', 'CERTIFICATE', issuing.authorities.list()[0]!.certificateDer)
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let devices = 0
async function issue(): Promise<IssuedRecord> {
  const csr = makeCertificationRequest({ Country: 'US', CommonName: `delta-${++devices}` }, makeDeviceKey())
  return (await issuing.issue(csr)).record
}

async function step(): Promise<void> {
  const before = making.troubles.length
  await making.step()
  expect(making.troubles.slice(before)).toEqual([])
}

async function readDelta() {
  const crl = await making.crls().findDelta(name)
  const parts: Uint8Array[] = []
  for await (const part of crl.read()) parts.push(part)
  return { ...crl, der: Buffer.concat(parts) }
}

/** What is signed, in the order of the numbers. */
const signed = async () =>
  (
    await test.database.prisma.crlIntent.findMany({
      where: { crl: { isNot: null } },
      orderBy: { number: 'asc' }
    })
  ).map(({ number, baseNumber, entries }) => ({ number, baseNumber, entries }))

/** Of openssl, by the complete CRL and, where it is asked to, its delta. */
async function verdictOn({ id, serialNumber }: IssuedRecord, isWithDelta: boolean): Promise<string> {
  const { certificateDer } = await test.database.prisma.issued.findFirstOrThrow({ where: { intentId: id } })
  tools.write('complete.pem', 'X509 CRL', (await making.read()).der)
  tools.write('delta.pem', 'X509 CRL', (await readDelta()).der)
  const device = tools.write(`${serialNumber}.pem`, 'CERTIFICATE', certificateDer)
  const lists = ['-CRLfile', 'complete.pem', ...(isWithDelta ? ['-CRLfile', 'delta.pem', '-use_deltas'] : [])]
  const said = tools.say(
    'openssl',
    ...['verify', '-CAfile', 'ca.pem', '-crl_check', '-extended_crl', ...lists, device]
  )
  return said.includes(': OK') ? 'good' : said.includes('certificate revoked') ? 'revoked' : said
}

const textOfDelta = async () => {
  tools.write('delta.pem', 'X509 CRL', (await readDelta()).der)
  return tools.run('openssl', 'crl', '-in', 'delta.pem', '-noout', '-text')
}

describe('delta CRLs', needs('openssl', 'certtool'), () => {
  let held: IssuedRecord
  let gone: IssuedRecord

  it('are named by the complete one, and the first says that nothing has changed', async () => {
    ;[held, gone] = await Promise.all([issue(), issue()])
    await revoking.hold(held.id, act)
    await step()
    await expect(readDelta()).rejects.toMatchObject({ code: 'authority_not_found' })
    await step()
    const complete = await making.read()
    expect(parseRevocationList(complete.der).revoked.size).toBe(1)
    tools.write('complete.pem', 'X509 CRL', complete.der)
    const text = tools.run('openssl', 'crl', '-in', 'complete.pem', '-noout', '-text')
    expect(text).toMatch(new RegExp(`X509v3 Freshest CRL: *\\n\\s+Full Name:\\s+URI:${url}`))
    const delta = await textOfDelta()
    expect(delta).toContain('X509v3 Delta CRL Indicator: critical')
    expect(delta).toContain('No Revoked Certificates')
    expect((await readDelta()).nextUpdate).toEqual(complete.nextUpdate)
    const info = tools.run('certtool', '--crl-info', '--infile', 'delta.pem')
    expect(info).toMatch(/CRL Number.*\n/)
    expect(info).toContain('2.5.29.27')
    expect(tools.say('openssl', 'crl', '-in', 'delta.pem', '-CAfile', 'ca.pem', '-noout')).toContain(
      'verify OK'
    )
    await step()
    expect(await signed()).toHaveLength(2)
  })

  it('say what is revoked since, and what is back in use', async () => {
    const { number } = await making.read()
    expect([await verdictOn(held, true), await verdictOn(gone, true)]).toEqual(['revoked', 'good'])
    await revoking.unhold(held.id, act)
    await revoking.revokeFor(gone.id)
    await step()
    expect((await making.read()).number).toBe(number)
    expect([await verdictOn(held, false), await verdictOn(gone, false)]).toEqual(['revoked', 'good'])
    expect([await verdictOn(held, true), await verdictOn(gone, true)]).toEqual(['good', 'revoked'])
    expect(await textOfDelta()).toContain('Remove From CRL')
    expect(await test.database.prisma.crlChange.count()).toBe(0)
    expect(await making.crls().examine()).toEqual({ ok: true, detail: 'up to date' })
  })

  it('take back what a delta alone had on hold, and tell it if that is on hold again', async () => {
    const passing = await issue()
    await revoking.hold(passing.id, act)
    await step()
    expect(await verdictOn(passing, true)).toBe('revoked')
    await revoking.unhold(passing.id, act)
    await step()
    expect(await verdictOn(passing, true)).toBe('good')
    expect((await textOfDelta()).match(/Remove From CRL/g)).toHaveLength(2)
    await revoking.hold(passing.id, act)
    await step()
    expect(await verdictOn(passing, true)).toBe('revoked')
    await revoking.unhold(passing.id, act)
    await step()
  })

  it('leave out nothing that one of them has revoked for good', async () => {
    const all = await signed()
    const tamper = (from: string, to: string, reason: string) =>
      test.owner.prisma.$transaction([
        test.owner.prisma.$executeRaw`ALTER TABLE certificate_status DISABLE TRIGGER USER`,
        test.owner.prisma
          .$executeRaw`UPDATE certificate_status SET state = ${to}, reason = ${reason} WHERE state = ${from}`,
        ...['of_act', 'stays', 'search_change'].map(trigger =>
          test.owner.prisma.$executeRawUnsafe(
            `ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER ${trigger}`
          )
        ),
        test.owner.prisma.$executeRaw`INSERT INTO crl_change (authority_id) SELECT id FROM authority`
      ])
    await tamper('revoked', 'held', 'certificateHold')
    const refused = openMaking(issuing.core, { deltas })
    await refused.step()
    expect(refused.troubles).toMatchObject([{ err: { code: 'record_damaged' } }])
    expect(await signed()).toEqual(all)
    await tamper('held', 'revoked', 'privilegeWithdrawn')
    await step()
  })

  it('are not signed where another process has begun a later CRL, whichever kind', async () => {
    const all = await signed()
    const store = createMakingStore(test.database)
    const late = openMaking(issuing.core, {
      deltas,
      store: {
        ...store,
        async readEntries(query) {
          await store.takeNumber({ authorityId: query.authorityId, shards: 0, shard: 0 }, clock())
          return store.readEntries(query)
        }
      }
    })
    await revoking.revokeFor((await issue()).id)
    await late.step()
    expect(await signed()).toEqual(all)
    // Processes that both believe to lead: each number is of one list, and each delta of the newest complete one.
    const others = Array.from({ length: 3 }, () => openMaking(issuing.core, { deltas }))
    for (let round = 0; round < 4; round++) {
      await revoking.revokeFor((await issue()).id)
      await Promise.all(others.map(each => each.step()))
    }
    await step()
    const made = await signed()
    expect(new Set(made.map(({ number }) => number)).size).toBe(made.length)
    const { number } = await making.read()
    expect(made.slice(1).every(({ baseNumber }) => baseNumber === BigInt(number))).toBe(true)
    expect(await test.database.prisma.crlChange.count()).toBe(0)
  })

  it('give way to a complete one where what they are held against was changed in the database', async () => {
    const before = await making.read()
    await test.owner.prisma.$transaction([
      test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk DISABLE TRIGGER USER`,
      test.owner.prisma.$executeRaw`
        UPDATE crl_chunk SET octets = set_byte(octets, 9, get_byte(octets, 9) # 1)
        WHERE intent_id = (SELECT id FROM crl_intent WHERE number = ${before.number})`,
      test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk ENABLE ALWAYS TRIGGER stays_as_it_is`,
      test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk ENABLE ALWAYS TRIGGER newest_stays`
    ])
    await revoking.revokeFor((await issue()).id)
    await making.step()
    const after = await making.read()
    expect(after.number).toBeGreaterThan(before.number)
    await step()
    expect((await readDelta()).number).toBeGreaterThan(after.number)
  })

  it('go into the next complete one once theirs is old, where they say something', async () => {
    const { number } = await making.read()
    offsetMs += deltas.baseMs + 1_000
    await step()
    expect((await making.read()).number).toBe(number)
    const late = await issue()
    await revoking.revokeFor(late.id)
    await step()
    const complete = await making.read()
    expect(parseRevocationList(complete.der).revoked.has(late.serialNumber.toLowerCase())).toBe(true)
    // Who has the complete one has no use for the delta before.
    expect((await readDelta()).number).toBeLessThan(complete.number)
    await step()
    expect(await textOfDelta()).toContain('No Revoked Certificates')
    expect((await signed()).at(-1)).toMatchObject({ baseNumber: BigInt(complete.number), entries: 0 })
  })

  it('end where the setting does, and nobody is sent to look for them', async () => {
    const { number } = await making.read()
    await openMaking(issuing.core, { deltas: undefined }).step()
    const { der, ...after } = await making.read()
    expect(after.number).toBeGreaterThan(number)
    tools.write('off.pem', 'X509 CRL', der)
    expect(tools.run('openssl', 'crl', '-in', 'off.pem', '-noout', '-text')).not.toContain('Freshest')
    await expect(readDelta()).rejects.toMatchObject({
      code: 'authority_not_found',
      message: expect.stringContaining('MINTLINE_CRL_DELTA_BASE_SECONDS') as string
    })
  })
})
