import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCrls } from '../../../../src/composition/status/crl.ts'
import { shardOf } from '../../../../src/pki/revocation/shard.ts'
import type { IssuedRecord } from '../../../../src/records/record.ts'
import { starterProfile } from '../../../../src/starter/starter-profile.ts'
import type { DeltaRules } from '../../../../src/status/crl/making/due.ts'
import { crlDeltaPath } from '../../../../src/status/crl/scope.ts'
import { openRevoking, type Revoking } from '../../../revocation/revoking.ts'
import { act } from '../../../support/authority-administration.ts'
import { makeCertificationRequest, makeDeviceKey } from '../../../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../../../support/issuing.ts'
import { needs } from '../../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'
import { openMaking } from '../making-crls.ts'
import { createToolbox } from '../toolbox.ts'

const name = 'starter-g1'
const shards = 4
const publicUrl = 'http://pki.example.com'
const laterUrl = 'http://status.example.com'
const deltas: DeltaRules = {
  baseMs: 3_600_000,
  urlOf: (generation, part) => `${publicUrl}${crlDeltaPath(generation, part)}`
}

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
  making = openMaking(issuing.core, { deltas })
  tools = createToolbox(directory.path)
  tools.write('ca.pem', 'CERTIFICATE', issuing.authorities.list()[0]!.certificateDer)
  await issuing.profiles.post({ ...starterProfile, crlDistributionPoint: { shards } }, administrator)
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let devices = 0
async function issueInto(shard: number): Promise<IssuedRecord> {
  for (;;) {
    const csr = makeCertificationRequest({ Country: 'US', CommonName: `part-${++devices}` }, makeDeviceKey())
    const { record } = await issuing.issue(csr)
    if (shardOf(Buffer.from(record.serialNumber, 'hex'), shards) === shard) return record
  }
}

async function step(by = making): Promise<void> {
  await by.step()
  expect(by.troubles).toEqual([])
}

async function read(kind: 'find' | 'findDelta', shard: number) {
  const crl = await making.crls()[kind](name, { shards, shard })
  const parts: Uint8Array[] = []
  for await (const part of crl.read()) parts.push(part)
  tools.write(`${kind}.pem`, 'X509 CRL', Buffer.concat(parts))
  return crl
}

/** Of both, as openssl reads them. */
async function textsOf(shard: number): Promise<readonly string[]> {
  await Promise.all([read('find', shard), read('findDelta', shard)])
  return ['find.pem', 'findDelta.pem'].map(file =>
    tools.run('openssl', 'crl', '-in', file, '-noout', '-text')
  )
}

const pointOf = (text: string | undefined) =>
  /Issuing Distribution Point: critical\s+Full Name:\s+((?:URI:\S+\s+)+)/.exec(text ?? '')?.[1]?.match(/\S+/g)

/** Of openssl, by the complete CRL of the shard and, where it is asked to, its delta. */
async function verdictOn(record: IssuedRecord, shard: number, isWithDelta = true): Promise<string> {
  await Promise.all([read('find', shard), read('findDelta', shard)])
  tools.write('device.pem', 'CERTIFICATE', record.certificateDer)
  const lists = ['-CRLfile', 'find.pem', ...(isWithDelta ? ['-CRLfile', 'findDelta.pem', '-use_deltas'] : [])]
  const said = tools.say(
    'openssl',
    ...['verify', '-CAfile', 'ca.pem', '-crl_check', '-extended_crl', ...lists, 'device.pem']
  )
  return said.includes(': OK') ? 'good' : said.includes('certificate revoked') ? 'revoked' : said
}

const numbersOf = (kind: 'find' | 'findDelta') =>
  Promise.all([0, 1, 2, 3].map(async shard => (await making.crls()[kind](name, { shards, shard })).number))

describe('delta CRLs of shards', needs('openssl', 'certtool'), () => {
  it('follow their complete one within seconds, of the very same addresses', async () => {
    let atMs = 0
    const timed = openMaking(issuing.core, { deltas, stopwatch: () => atMs })
    await timed.duty.step(new AbortController().signal)
    await timed.duty.settled()
    await expect(read('findDelta', 2)).rejects.toMatchObject({ code: 'authority_not_found' })
    expect((await making.crls().measureDeltas()).map(({ missing }) => missing)).toEqual([1, 4])
    offsetMs = 180_000
    expect((await making.crls().examine()).detail).toContain(
      '4 of the CRLs of starter-g1, which has 4 shards, name a'
    )
    offsetMs = 0
    atMs = 5_000
    await timed.duty.step(new AbortController().signal)
    await timed.duty.settled()
    expect(timed.troubles).toEqual([])
    const [complete, delta] = await textsOf(2)
    const address = `${publicUrl}/v1/authorities/${name}/shards/4/2`
    expect(complete).toMatch(new RegExp(`X509v3 Freshest CRL: *\\n\\s+Full Name:\\s+URI:${address}/delta`))
    expect([pointOf(complete), pointOf(delta)]).toEqual([[`URI:${address}`], [`URI:${address}`]])
    expect(delta).toContain('X509v3 Delta CRL Indicator: critical')
    expect(delta).toContain('No Revoked Certificates')
    expect(tools.run('certtool', '--crl-info', '--infile', 'findDelta.pem')).toContain('2.5.29.27')
    const verified = tools.say(
      'certtool',
      ...['--verify-crl', '--load-ca-certificate', 'ca.pem', '--infile', 'findDelta.pem']
    )
    expect(verified).toContain('Verified')
  })

  it('say what is revoked of theirs since, and what is back in use, and no other does', async () => {
    const [held, gone] = [await issueInto(1), await issueInto(1)]
    const [complete, before] = [await numbersOf('find'), await numbersOf('findDelta')]
    await revoking.hold(held.id, act)
    await revoking.revokeFor(gone.id)
    await step()
    expect(await numbersOf('find')).toEqual(complete)
    expect((await numbersOf('findDelta')).map((number, shard) => number > before[shard]!)).toEqual([
      false,
      true,
      false,
      false
    ])
    expect([await verdictOn(held, 1), await verdictOn(gone, 1)]).toEqual(['revoked', 'revoked'])
    expect([await verdictOn(held, 1, false), await verdictOn(gone, 1, false)]).toEqual(['good', 'good'])
    await revoking.unhold(held.id, act)
    await step()
    expect([await verdictOn(held, 1), await verdictOn(gone, 1)]).toEqual(['good', 'revoked'])
    expect((await textsOf(1))[1]).toContain('Remove From CRL')
    expect(await making.crls().measureDeltas()).toMatchObject([
      { authority: name, shards: 0, missing: 0, entries: 2, lagSeconds: 0 },
      { authority: name, shards, missing: 0, entries: 2, lagSeconds: 0 }
    ])
    expect(await making.crls().examine()).toEqual({ ok: true, detail: 'up to date' })
    const registry = new Registry()
    openCrls(issuing.core, registry)
    const metrics = await registry.metrics()
    for (const part of ['0', '4'])
      expect(metrics).toContain(`mintline_crl_delta_entries{authority="${name}",shards="${part}"} 2\n`)
    for (const fact of ['missing', 'age_seconds', 'next_update_seconds', 'publication_lag_seconds'])
      expect(metrics).toMatch(
        new RegExp(`mintline_crl_delta_${fact}\\{authority="${name}",shards="4"\\} \\d`)
      )
  })

  it('give way to a complete one where that names other addresses by now', async () => {
    const record = await issueInto(3)
    const before = await numbersOf('find')
    const moved = openMaking(later.core, { deltas })
    await step(moved)
    await step(moved)
    expect((await numbersOf('find')).every((number, shard) => number > before[shard]!)).toBe(true)
    await revoking.revokeFor(record.id)
    await step(moved)
    const [complete, delta] = (await textsOf(3)).map(pointOf)
    expect(complete).toHaveLength(2)
    expect(delta).toEqual(complete)
    expect([await verdictOn(record, 3, false), await verdictOn(record, 3)]).toEqual(['good', 'revoked'])
  })

  it('are told by readiness where they are near their end', async () => {
    // Half of the overlap is left, and less.
    offsetMs = (168 - 35) * 3_600_000
    const { ok, detail } = await making.crls().examine()
    expect([ok, detail]).toEqual([
      false,
      expect.stringMatching(
        /a delta CRL of starter-g1 ends 20\S+; a delta CRL of starter-g1, which has 4 shards, ends 20/
      )
    ])
    await step()
    await step()
    expect(await making.crls().examine()).toEqual({ ok: true, detail: 'up to date' })
    const [all] = await making.crls().measureDeltas()
    expect(all!.secondsToNextUpdate).toBeGreaterThan(167 * 3_600)
    expect(all!.ageSeconds).toBeLessThan(60)
    offsetMs = 0
  })
})
