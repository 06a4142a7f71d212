import { Compile } from 'typebox/compile'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildCloudEvent } from '../../src/events/cloud-event.ts'
import { eventData } from '../../src/events/event-data.ts'
import { type EventType, eventTypes } from '../../src/events/event-type.ts'
import { createOutboxStore, isTold, type OutboxStore } from '../../src/events/outbox-store.ts'
import { encodePem } from '../../src/pki/pem/pem.ts'
import { createActStore } from '../../src/revocation/act-store.ts'
import { tellExpiring } from '../../src/revocation/expiring/expiring.ts'
import { createExpiryStore } from '../../src/revocation/expiring/expiry-store.ts'
import { createRevocation } from '../../src/revocation/revocation.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { changeRow } from '../support/forgery/forgery.ts'
import { type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { reject, subscribe } from './owed.ts'

let test: TestDatabase
let outbox: OutboxStore
let directory: TemporaryDirectory
let issuing: Issuing
let source: string

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  outbox = createOutboxStore(test.database)
  issuing = await startIssuing(test.database, directory.path)
  await subscribe(test.database)
  source = (await outbox.findSource())!
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

/** Takes away all that is owed, in order. */
async function take() {
  const batchId = crypto.randomUUID()
  const events = await outbox.takeBatch(batchId, 100)
  await outbox.remove(events.map(({ position }) => position))
  return events.filter(isTold).map(event => buildCloudEvent(event, source))
}

const device = (name: string) => makeCertificationRequest({ Country: 'US', CommonName: name })

const writeAuditEvent = (actName: string, subject: string) =>
  test.database.prisma.auditEvent.create({
    data: {
      id: crypto.randomUUID(),
      createdAt: new Date('2026-11-23T10:00:00.123Z'),
      actor: 'system',
      act: actName,
      subject,
      before: { state: 'registered' },
      after: { state: 'drifted', drift: [{ field: 'status', expected: 'ACTIVE', found: 'INACTIVE' }] }
    }
  })

/** What the data breaks of the documented schema. */
function faultsOf({ type, data }: { readonly type: EventType; readonly data: unknown }) {
  return Compile(eventData[type]).Errors(data)
}

describe('a certificate', () => {
  it('owes an event that tells the record', async () => {
    const { record } = await issuing.issue(device('sensor-1'), 'starter', { metadata: { fixture: 'F-12' } })
    const events = await take()
    expect(events).toHaveLength(1)
    const event = events[0]!
    expect(event).toMatchObject({
      specversion: '1.0',
      id: record.id,
      source: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/) as string,
      type: 'mintline.issuance.issued',
      subject: `issuance/${record.id}`,
      time: record.issuedAt.toISOString(),
      datacontenttype: 'application/json',
      data: {
        issuanceId: record.id,
        certificateId: record.certificateId,
        serialNumber: record.serialNumber,
        subject: record.subject,
        notAfter: record.notAfter.toISOString(),
        authority: record.authority,
        station: record.station,
        metadata: { fixture: 'F-12' },
        thing: record.thing
      }
    })
    expect(faultsOf(event)).toEqual([])
  })

  it('owes one event, however often it is asked for', async () => {
    const csr = device('sensor-2')
    await Promise.all([1, 2, 3].map(() => issuing.issue(csr)))
    expect(await take()).toHaveLength(1)
  })
})

it('a record that cannot be read any more keeps back no event', async () => {
  const { record } = await issuing.issue(device('damaged'))
  await changeRow(test.owner, {
    table: 'intent',
    id: record.id,
    columns: { tbs_der: new Uint8Array([1, 2, 3]) }
  })
  const after = await issuing.issue(device('after-the-damaged'))
  const events = await take()
  expect(events.map(({ id }) => id)).toEqual([record.id, after.record.id])
  expect(events[0]).toMatchObject({ data: { damaged: true, serialNumber: record.serialNumber } })
  expect(faultsOf(events[0]!)).toEqual([])
})

it('a refusal owes an event with its reasons, but without what was sent', async () => {
  const csr = makeCertificationRequest({ CommonName: 'sensor-3' })
  await expect(issuing.issue(csr)).rejects.toMatchObject({ code: 'subject_refused' })
  const events = await take()
  expect(events.map(({ type }) => type)).toEqual(['mintline.issuance.rejected'])
  const event = events[0]!
  expect(event.data).toMatchObject({ code: 'subject_refused', profile: 'starter', profileVersion: 1 })
  expect(faultsOf(event)).toEqual([])
  const text = JSON.stringify(events)
  expect(text).not.toContain(Buffer.from(csr).toString('base64').slice(0, 40))
  expect(text).not.toContain(encodePem('CERTIFICATE REQUEST', csr).slice(40, 90))
})

it('each step of an authority owes an event', async () => {
  const { administration } = createTestAdministration(test.database, directory.path)
  const name = await administration.create(selfSigned('sensors'), act)
  await administration.activate(name, act)
  await administration.compromise(name, act)
  const events = await take()
  expect(events.map(({ subject }) => subject)).toEqual(Array(3).fill(`authority/${name}`))
  expect(events.map(({ data }) => 'act' in data && data.act)).toEqual([
    'authority.create',
    'authority.active',
    'authority.compromised'
  ])
  expect(events[2]!.data).toMatchObject({ authority: name, actor: act.actor, reason: act.reason })
  for (const event of events) expect(faultsOf(event)).toEqual([])
})

it('drift of a registration owes an event, and no other administrative act does', async () => {
  await writeAuditEvent('profile.post', 'profile/starter/2')
  await writeAuditEvent('aws_registration.registered', 'aws-registration/r1')
  await writeAuditEvent('aws_registration.drifted', 'aws-registration/r1')
  const events = await take()
  expect(events.map(({ type }) => type)).toEqual(['mintline.aws-registration.drifted'])
  expect(events[0]!.data).toMatchObject({ registration: 'r1', after: { state: 'drifted' } })
  expect(faultsOf(events[0]!)).toEqual([])
})

it('each act of revocation owes an event, and a certificate that runs out', async () => {
  const { records, blockedKeys, core } = issuing
  const { clock, randomBytes } = core
  const store = createActStore(test.database)
  const revocation = createRevocation({ store, records, blockedKeys, clock, randomBytes })
  const { record } = await issuing.issue(device('sensor-6'))
  const { id } = record
  await revocation.hold(id, act)
  await revocation.unhold(id, act)
  const expiry = { store: createExpiryStore(test.database, test.database), aheadDays: 40_000, isTold: true }
  const later = () => new Date(Date.now() + 2 * 3_600_000)
  await tellExpiring({ ...expiry, clock: later, randomBytes }, new AbortController().signal)
  await revocation.revoke(id, { reason: 'affiliationChanged' }, act)
  await revocation.revoke(id, { reason: 'affiliationChanged' }, act)
  const events = (await take()).filter(({ data }) => 'issuanceId' in data && data.issuanceId === id)
  const { serialNumber, certificateId } = record
  const told = { issuanceId: id, serialNumber, certificateId, actor: act.actor, note: act.reason }
  expect(events.map(({ type, data }) => [type, data])).toMatchObject([
    ['mintline.issuance.issued', {}],
    ['mintline.issuance.revoked', { ...told, act: 'hold', before: 'good', after: 'held' }],
    ['mintline.issuance.revoked', { ...told, act: 'unhold', before: 'held', after: 'good' }],
    ['mintline.certificate.expiring', { after: { certificateId, serialNumber } }],
    ['mintline.issuance.revoked', { ...told, act: 'revoke', after: 'revoked', reason: 'affiliationChanged' }]
  ])
  for (const event of events) expect(faultsOf(event)).toEqual([])
})

describe('nothing is owed', () => {
  it('for what was rolled back', async () => {
    await test.database.prisma
      .$transaction(async transaction => {
        await transaction.auditEvent.create({
          data: {
            id: crypto.randomUUID(),
            createdAt: new Date(),
            actor: 'x',
            act: 'authority.x',
            subject: 'authority/x'
          }
        })
        throw new Error('no')
      })
      .catch(() => undefined)
    expect(await take()).toEqual([])
  })

  it('of types that the webhook does not want', async () => {
    await subscribe(test.database, ['mintline.issuance.issued'])
    await reject(test.database, 2)
    await issuing.issue(device('sensor-4'))
    expect((await take()).map(({ type }) => type)).toEqual(['mintline.issuance.issued'])
  })

  it('while there is no webhook; what was owed before stays, and so does the source', async () => {
    await reject(test.database, 1)
    await subscribe(test.database)
    await reject(test.database, 1)
    await subscribe(test.database, [])
    await reject(test.database, 2)
    await issuing.issue(device('sensor-5'))
    expect(await outbox.backlog()).toMatchObject({ waiting: 1, refused: 0 })
    expect(await take()).toHaveLength(1)
    expect(await outbox.findSource()).toBe(source)
    expect((await outbox.backlog()).oldestOwedAt).toBeUndefined()
  })
})

it('every type has its data described in the documentation', async () => {
  const { readFile } = await import('node:fs/promises')
  const page = await readFile('docs/events.md', 'utf8')
  for (const type of eventTypes) {
    const section = page.split(`### ${type}\n`)[1]?.split('\n### ')[0] ?? ''
    for (const member of Object.keys(eventData[type].properties)) expect(section).toContain(`\`${member}\``)
  }
})
