import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCertificate } from '../../../../src/pki/certificate/certificate.ts'
import { rangeOf, shardOf } from '../../../../src/pki/revocation/shard.ts'
import type { IssuedRecord } from '../../../../src/records/record.ts'
import { starterProfile } from '../../../../src/starter/starter-profile.ts'
import { createMakingStore } from '../../../../src/status/crl/making/making-store.ts'
import { openRevoking, type Revoking } from '../../../revocation/revoking.ts'
import { act, createTestAdministration, selfSigned } from '../../../support/authority-administration.ts'
import { makeCertificationRequest, makeDeviceKey } from '../../../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../../../support/issuing.ts'
import { needs } from '../../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'
import { openMaking } from '../making-crls.ts'
import { createToolbox } from '../toolbox.ts'

const shards = 4
const publicUrl = 'http://pki.example.com'
const laterUrl = 'http://status.example.com/pki'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let later: Issuing
let revoking: Revoking
let making: ReturnType<typeof openMaking>
let tools: ReturnType<typeof createToolbox>
let offsetMs = 0
const clock = () => new Date(Date.now() + offsetMs)

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  const start = (url: string) =>
    startIssuing(test.database, directory.path, { clock, settings: { MINTLINE_PUBLIC_URL: url } })
  issuing = await start(publicUrl)
  later = await start(laterUrl)
  revoking = openRevoking(issuing)
  making = openMaking(issuing.core)
  tools = createToolbox(directory.path)
  tools.write('ca.pem', 'CERTIFICATE', issuing.authorities.list()[0]!.certificateDer)
  await issuing.profiles.post({ ...starterProfile, crlDistributionPoint: { shards } }, administrator)
  await later.profiles.refresh()
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let devices = 0
async function issueInto(shard: number, by = issuing): Promise<IssuedRecord> {
  for (;;) {
    const csr = makeCertificationRequest({ Country: 'US', CommonName: `shard-${++devices}` }, makeDeviceKey())
    const { record } = await by.issue(csr)
    if (shardOf(Buffer.from(record.serialNumber, 'hex'), shards) === shard) return record
  }
}

async function readShard(shard: number) {
  const crl = await making.crls().find('starter-g1', { shards, shard })
  const parts: Uint8Array[] = []
  for await (const part of crl.read()) parts.push(part)
  return { ...crl, der: Buffer.concat(parts) }
}

async function writeShard(shard: number): Promise<string> {
  return tools.write(`shard-${shard}.pem`, 'X509 CRL', (await readShard(shard)).der)
}

/** What openssl says of a certificate by this CRL alone. */
function verify({ certificateDer }: IssuedRecord, crl: string): string {
  tools.write('device.pem', 'CERTIFICATE', certificateDer)
  const options = ['-crl_check', '-extended_crl', '-CAfile', 'ca.pem', '-CRLfile', crl]
  return tools.say('openssl', 'verify', ...options, 'device.pem')
}

const numbers = () => Promise.all([0, 1, 2, 3].map(async shard => (await readShard(shard)).number))

async function makeAll(by = making): Promise<void> {
  await by.step()
  // What the complete CRL has found to have ended is said by the shards then.
  await by.step()
  expect(by.troubles).toEqual([])
}

describe('the CRLs of shards', needs('openssl'), () => {
  it('are there before any is revoked, each under the address that its certificates name', async () => {
    await makeAll()
    const record = await issueInto(2)
    const address = `${publicUrl}/v1/authorities/starter-g1/shards/4/2`
    expect(Buffer.from(parseCertificate(record.certificateDer).tbsDer).toString('latin1')).toContain(address)
    const text = tools.run('openssl', 'crl', '-in', await writeShard(2), '-noout', '-text')
    expect(text).toMatch(/X509v3 Issuing Distribution Point: critical\s+Full Name:\s+URI:(\S+)/)
    expect(text).toContain(address)
    expect(tools.say('openssl', 'crl', '-in', 'shard-2.pem', '-CAfile', 'ca.pem', '-noout')).toContain(
      'verify OK'
    )
    expect(verify(record, 'shard-2.pem')).toContain('device.pem: OK')
  })

  it('say what is revoked of theirs, to openssl verify -extended_crl, and no other does', async () => {
    const [revoked, good, other] = [await issueInto(1), await issueInto(1), await issueInto(3)]
    const before = await numbers()
    await revoking.revokeFor(revoked.id)
    await makeAll()
    const after = await numbers()
    expect(after.map((number, shard) => number > before[shard]!)).toEqual([false, true, false, false])
    expect(verify(revoked, await writeShard(1))).toContain('certificate revoked')
    expect(verify(good, 'shard-1.pem')).toContain('device.pem: OK')
    expect(verify(other, 'shard-1.pem')).toMatch(/different CRL scope|unable to get certificate CRL/i)
    expect(verify(other, await writeShard(3))).toContain('device.pem: OK')
    expect((await readShard(3)).octets).toBeLessThan((await readShard(1)).octets)
    // The complete one says it as well.
    tools.write('all.pem', 'X509 CRL', (await making.read()).der)
    expect(verify(revoked, 'all.pem')).toContain('certificate revoked')
  })

  it('are of both addresses where the service has another one by now', async () => {
    const before = await issueInto(0)
    const moved = openMaking(later.core)
    await makeAll(moved)
    const after = await issueInto(0, later)
    await revoking.revokeFor(after.id)
    await makeAll(moved)
    const file = await writeShard(0)
    const text = tools.run('openssl', 'crl', '-in', file, '-noout', '-text')
    for (const url of [publicUrl, laterUrl])
      expect(text).toContain(`${url}/v1/authorities/starter-g1/shards/4/0`)
    expect(verify(before, file)).toContain('device.pem: OK')
    expect(verify(after, file)).toContain('certificate revoked')
  })

  it('are followed by one that says what ended by the clock alone', async () => {
    const record = await issueInto(2)
    await makeAll()
    const { number } = await readShard(2)
    await test.owner.prisma.$transaction([
      test.owner.prisma.$executeRaw`ALTER TABLE certificate_status DISABLE TRIGGER USER`,
      test.owner.prisma.$executeRaw`
        INSERT INTO certificate_status (intent_id, authority_id, serial_number, state, ends_at)
        SELECT id, authority_id, serial_number, 'good', now() + interval '1 minute' FROM intent WHERE id = ${record.id}::uuid`,
      test.owner.prisma.$executeRaw`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER of_act`,
      test.owner.prisma.$executeRaw`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER stays`,
      test.owner.prisma.$executeRaw`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER search_change`
    ])
    await makeAll()
    expect((await readShard(2)).number).toBe(number)
    offsetMs = 120_000
    await makeAll()
    expect(verify(record, await writeShard(2))).toContain('certificate revoked')
    offsetMs = 0
  })

  it('are made anew before they end, each', async () => {
    const before = await numbers()
    offsetMs = 100 * 3_600_000
    await makeAll()
    expect((await numbers()).every((number, shard) => number > before[shard]!)).toBe(true)
    offsetMs = 0
  })

  it('have numbers of their own, which rise', async () => {
    const { store } = { store: createMakingStore(test.database) }
    const { id: authorityId } = issuing.authorities.list()[0]!
    const scope = { authorityId, shards, shard: 1 }
    const taken = [await store.takeNumber(scope, new Date(1)), await store.takeNumber(scope, new Date(1))]
    expect(taken[1]).toBe(taken[0]! + 1)
    const insert = (number: number) => test.database.prisma.$executeRaw`
      INSERT INTO crl_number (authority_id, shards, shard, number, taken_at)
      VALUES (${authorityId}::uuid, 4, 1, ${number}, now())`
    await expect(insert(taken[0]! - 1)).rejects.toThrow('rises')
    expect(await insert(taken[1]! + 1)).toBe(1)
  })

  it('are none of what no certificate names', async () => {
    await expect(making.crls().find('starter-g1', { shards: 16, shard: 0 })).rejects.toMatchObject({
      code: 'authority_not_found'
    })
    await issuing.profiles.post({ ...starterProfile, crlDistributionPoint: 'full' }, administrator)
    const { administration } = createTestAdministration(test.database, directory.path)
    const next = await administration.create(selfSigned('starter'), act)
    await administration.activate(next, act)
    await issuing.authorities.refresh()
    await makeAll()
    await expect(making.crls().find(next, { shards, shard: 0 })).rejects.toMatchObject({
      code: 'authority_not_found'
    })
    // Those of the generation before go on.
    expect(await making.crls().measureShards()).toMatchObject([
      { authority: 'starter-g1', shards, missing: 0, lagSeconds: 0 }
    ])
  })
})

it('the ranges of shards are all serial numbers, each once', () => {
  for (const count of [4, 16, 64, 256] as const)
    for (let shard = 0; shard < count; shard++) {
      const { from, until } = rangeOf(count, shard)
      const last = Buffer.alloc(16, 0xff)
      last.writeUInt16BE(Buffer.from(until).readUInt16BE() - 1)
      expect([shardOf(from, count), shardOf(last, count)]).toEqual([shard, shard])
    }
  expect(Buffer.from(rangeOf(256, 255).until).toString('hex')).toBe('8000')
})
