import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { viewRecord } from '../../src/http/api/issuances/view.ts'
import { buildName } from '../../src/pki/name/name.ts'
import type { Subject } from '../../src/pki/name/subject-field.ts'
import { requestDigest, requestedSubject } from '../../src/records/requested-subject.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { type DeviceKey, makeCertificationRequest, makeDeviceKey } from '../support/certification-request.ts'
import { changeRow, rebuilt } from '../support/forgery/forgery.ts'
import { WatchedSigning } from '../support/forgery/watched-signing.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
const signing = new WatchedSigning()
const tamper = (id: string, columns: Readonly<Record<string, unknown>>) =>
  changeRow(test.owner, { table: 'intent', id, columns })

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path, { wrapSigner: signing.wrap, resumeAfterMs: 0 })
  await issuing.profiles.post(
    { ...starterProfile, name: 'element', subjectFromStation: ['Country', 'CommonName'] },
    administrator
  )
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let last = 0
const newSubject = () => ({ Country: 'US', CommonName: `element-${++last}` })

interface Asked {
  readonly key: DeviceKey
  readonly csr: Uint8Array
  readonly subject: Subject
}

function newAsked(): Asked {
  const key = makeDeviceKey()
  return { key, csr: makeCertificationRequest({ CommonName: 'ATECC608' }, key), subject: newSubject() }
}

const issue = ({ csr, subject }: Asked) => issuing.issue(csr, 'element', { subject })

/** An intent that was cut off before its signature. */
async function openIntent() {
  const asked = newAsked()
  signing.isAway = true
  await expect(issue(asked)).rejects.toThrow('away')
  signing.isAway = false
  const row = await test.database.prisma.intent.findFirstOrThrow({ orderBy: { id: 'desc' } })
  return { asked, row }
}

async function isRefused(asked: Asked, id: string, pointers: readonly string[]): Promise<void> {
  const before = signing.signatures
  await expect(issue(asked)).rejects.toMatchObject({
    code: 'record_damaged',
    members: { earlierIssuance: { id } },
    violations: pointers.map(pointer => ({ pointer }))
  })
  expect(signing.signatures).toBe(before)
}

/** What somebody wrote into the column. JSON as text. */
const forgeries: readonly [string, (subject: Subject) => string | null, string][] = [
  ['another value', subject => JSON.stringify({ ...subject, CommonName: 'x' }), '/stationSubject'],
  ['a field less', () => JSON.stringify({ Country: 'US' }), '/stationSubject'],
  ['a field more', subject => JSON.stringify({ ...subject, Organization: 'x' }), '/stationSubject'],
  ['a member that is no field', subject => JSON.stringify({ ...subject, more: 'x' }), '/stationSubject'],
  ['a number', subject => JSON.stringify({ ...subject, Country: 1 }), '/stationSubject'],
  ['nothing in it', () => '{}', '/stationSubject'],
  ['a text', () => '"US"', '/stationSubject'],
  ['a list', () => '["US"]', '/stationSubject'],
  ['JSON null', () => 'null', '/csr'],
  ['nothing', () => null, '/csr']
]

async function writeSubject(id: string, json: string | null): Promise<void> {
  const { prisma } = test.owner
  // The guards off, as one does who owns the database.
  await tamper(id, {})
  for (const { name } of await prisma.$queryRaw<{ name: string }[]>`
    SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'intent'::regclass`)
    await prisma.$executeRawUnsafe(`ALTER TABLE ${name} DISABLE TRIGGER append_only`)
  await prisma.$executeRawUnsafe('ALTER TABLE intent DISABLE TRIGGER append_only')
  const changed = await prisma.$executeRaw`
    UPDATE intent SET station_subject = ${json}::text::jsonb WHERE id = ${id}::uuid`
  expect(changed).toBe(1)
}

describe('an open intent with a subject that the station set', () => {
  it('is completed by the retry', async () => {
    const { asked, row } = await openIntent()
    const { record, replayed } = await issue(asked)
    expect([record.id, replayed, record.subject, record.stationSubject]).toEqual([
      row.id,
      true,
      asked.subject,
      asked.subject
    ])
  })

  it.each(forgeries)('is not signed with %s in the column', async (_name, forge, pointer) => {
    const { asked, row } = await openIntent()
    await writeSubject(row.id, forge(asked.subject))
    await expect(issue(asked)).rejects.toMatchObject({
      code: 'record_damaged',
      violations: expect.arrayContaining([expect.objectContaining({ pointer })]) as unknown[]
    })
    expect(viewRecord(await issuing.records.find(row.id))).toMatchObject({ outcome: 'unknown' })
  })

  it('is not signed for a field that no station may set, though all of the row agrees', async () => {
    const { asked, row } = await openIntent()
    const subject = { ...asked.subject, Organization: 'Acme' }
    const attributes = requestedSubject({ csr: { subject: [] }, stationSubject: subject })
    await writeSubject(row.id, JSON.stringify(subject))
    await tamper(row.id, {
      request_sha256: requestDigest(row.spkiSha256, attributes, 'element'),
      tbs_der: rebuilt(row.tbsDer, { subjectNameDer: buildName(subject) })
    })
    await isRefused({ ...asked, subject }, row.id, ['/subject/Organization'])
  })
})

describe('an issued record with a subject that the station set', () => {
  it.each(forgeries)('is damaged with %s in the column', async (_name, forge, pointer) => {
    const asked = newAsked()
    const { record } = await issue(asked)
    await writeSubject(record.id, forge(asked.subject))
    await isRefused(asked, record.id, [pointer])
    const found = await issuing.records.find(record.id)
    expect(viewRecord(found)).toMatchObject({ damaged: true, damage: { pointer } })
  })

  it('is damaged where a subject stands there that nobody set', async () => {
    const subject = newSubject()
    const csr = makeCertificationRequest(subject)
    const { record } = await issuing.issue(csr, 'element')
    await writeSubject(record.id, JSON.stringify({ ...subject, CommonName: 'x' }))
    await expect(issuing.issue(csr, 'element')).rejects.toMatchObject({ code: 'record_damaged' })
  })

  it('is served again though the profile lets no station set anything by now', async () => {
    const asked = newAsked()
    const { record } = await issue(asked)
    const { subjectFromStation: _, ...closed } = {
      ...starterProfile,
      name: 'element',
      subjectFromStation: undefined
    }
    await issuing.profiles.post(closed, administrator)
    const again = await issue(asked)
    expect([again.replayed, again.record.id]).toEqual([true, record.id])
    await expect(issue(newAsked())).rejects.toMatchObject({ code: 'subject_refused' })
  })
})
