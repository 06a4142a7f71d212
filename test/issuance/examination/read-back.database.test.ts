import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Examined, examineReadBack } from '../../../src/issuance/examination.ts'
import { parseTbsCertificate } from '../../../src/pki/certificate/certificate.ts'
import { comparableName } from '../../../src/pki/path/distinguished-name.ts'
import type { ConstrainedNames } from '../../../src/pki/path/name-constraints.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { WatchedSigning } from '../../support/forgery/watched-signing.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let tbsDer: Uint8Array
let examined: Examined
const signing = new WatchedSigning()

/** An intent that waits for its certificate, as its completion reads it back. */
beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path, { wrapSigner: signing.wrap })
  signing.isAway = true
  const csr = makeCertificationRequest({ Country: 'US', CommonName: 'waiting-1' })
  await expect(issuing.issue(csr)).rejects.toThrow('away')
  const { id } = await test.database.prisma.intent.findFirstOrThrow()
  const earlier = await issuing.records.findIntent(id)
  const { profile, profileVersion } = earlier.record
  tbsDer = earlier.toBeSigned.tbsDer
  examined = {
    earlier,
    profile: await issuing.profiles.compiled(profile, profileVersion),
    authority: await issuing.authorities.issuingById(earlier.authorityId),
    publicUrls: []
  }
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

/** Of a CA above that lets no certificate be of this subject. */
function excluding(der: Uint8Array): ConstrainedNames {
  const name = parseTbsCertificate(der).subjectName
  const none = { permitted: undefined, excluded: [] }
  const excluded = [{ name, base: comparableName(name) }]
  const constraints = { permitted: undefined, excluded, hosts: none, mailboxes: none, hasDistances: false }
  return { index: 1, place: 'the root', constraints }
}

const below = (path: Partial<Examined['authority']['path']>): Examined => {
  const { authority } = examined
  return { ...examined, authority: { ...authority, path: { ...authority.path, ...path } } }
}

describe('an intent that was read back', () => {
  it('passes below the authority that it was made for', () => {
    expect(examineReadBack(tbsDer, examined).serialNumber).toEqual(parseTbsCertificate(tbsDer).serialNumber)
  })

  it('is damaged where a CA above allows no such subject', () => {
    const given = below({ constrained: [excluding(tbsDer)] })
    expect(() => examineReadBack(tbsDer, given)).toThrow(
      expect.objectContaining({
        code: 'record_damaged',
        violations: [expect.objectContaining({ pointer: expect.stringMatching(/^\/subject/) as string })],
        members: { earlierIssuance: expect.objectContaining({ id: examined.earlier.record.id }) as object }
      })
    )
  })

  it('is damaged where a CA above ends before it', () => {
    const notAfter = new Date(parseTbsCertificate(tbsDer).notAfter.getTime() - 1_000)
    expect(() => examineReadBack(tbsDer, below({ notAfter }))).toThrow(
      expect.objectContaining({ code: 'record_damaged' })
    )
  })
})
