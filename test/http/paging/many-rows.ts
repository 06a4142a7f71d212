import type { Database } from '../../../src/database/database.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { createRandomSource } from '../../../src/sources/random-bytes.ts'

type Prisma = Database['prisma']

const randomBytes = createRandomSource()
const start = Date.parse('2026-11-23T08:00:00Z')
/** Of rows that were made a second apart. */
const madeAt = (index: number) => new Date(start + index * 1000)
const idOf = (index: number) => newId(madeAt(index), randomBytes)
const numbered = (index: number) => String(index).padStart(3, '0')
const made = (index: number) => ({ id: idOf(index), createdAt: madeAt(index), createdBy: 'admin/many' })

/** Puts `count` rows into what the lists of tokens, profiles, authorities and registrations are read from; the starter set is there. */
export async function fillLists(prisma: Prisma, count: number): Promise<void> {
  const indices = Array.from({ length: count }, (_, index) => index)
  await Promise.all([
    fillTokens(prisma, indices),
    fillStations(prisma, indices),
    fillProfiles(prisma, indices),
    fillAuthorities(prisma, indices)
  ])
}

async function fillTokens(prisma: Prisma, indices: readonly number[]): Promise<void> {
  await prisma.token.createMany({
    data: indices.map(index => ({
      ...made(index),
      name: `many-${numbered(index)}`,
      role: 'auditor' as const,
      secretSha256: new Uint8Array(randomBytes(32))
    }))
  })
}

async function fillStations(prisma: Prisma, indices: readonly number[]): Promise<void> {
  await prisma.station.createMany({
    data: indices.map(index => {
      const { id, createdAt, createdBy } = made(index)
      const changed = { changedAt: createdAt, changedBy: createdBy }
      return {
        id,
        createdAt,
        createdBy,
        ...changed,
        name: `many-${numbered(index)}`,
        profiles: ['*'],
        enabled: true
      }
    })
  })
}

async function fillProfiles(prisma: Prisma, indices: readonly number[]): Promise<void> {
  const { profileVersion } = prisma
  const { document, templateSha256 } = await profileVersion.findFirstOrThrow()
  const row = (index: number) => ({ ...made(index), document: document!, templateSha256 })
  await profileVersion.createMany({
    data: [
      // Of each two versions, so that the newest is to be found.
      ...indices.flatMap(index =>
        [1, 2].map(version => ({ ...row(index), name: `many-${numbered(index)}`, version }))
      ),
      ...indices.map(index => ({ ...row(index), name: 'versions', version: index + 1 }))
    ]
  })
  const big = { ...(document as object), template: { Description: 'x'.repeat(300_000) } }
  await profileVersion.createMany({
    data: indices.slice(0, 10).flatMap(index => [
      { ...row(index), document: big, name: `big-${index}`, version: 1 },
      { ...row(index), document: big, name: 'big', version: index + 1 }
    ])
  })
}

async function fillAuthorities(prisma: Prisma, indices: readonly number[]): Promise<void> {
  const { signer, ...authority } = await prisma.authority.findFirstOrThrow({ where: { name: 'starter-g1' } })
  await prisma.authority.createMany({
    data: indices.map(index => ({
      ...authority,
      ...unique(index),
      certificateDer: withLastOctets(authority.certificateDer!, index),
      name: `many-g${index + 1}`,
      line: 'many',
      generation: index + 1,
      state: 'retired',
      signer: signer!
    }))
  })
  await prisma.authorityCertificateIntent.createMany({
    data: indices.map(index => ({
      ...made(index),
      purpose: 'self-signed',
      // Of a line whose name begins with the other's, and is not it.
      authorityName: index % 2 === 0 ? `many-g${index}` : `many-gear-g${index}`,
      signer: { kind: 'local', keyFile: 'x' },
      serialNumber: Uint8Array.of(0x40, ...randomBytes(8)),
      tbsDer: Uint8Array.of(1)
    }))
  })
  await prisma.awsRegistration.createMany({
    data: indices.map(index => ({
      ...made(index),
      authorityId: authority.id,
      accountAlias: `many-${numbered(index)}`,
      region: 'eu-central-1'
    }))
  })
  const registrations = await prisma.awsRegistration.findMany({ select: { id: true } })
  const desired = {
    certificateMode: 'DEFAULT',
    setAsActive: true,
    allowAutoRegistration: true,
    provisioning: null
  }
  await prisma.awsRegistrationVersion.createMany({
    data: registrations.map(({ id: registrationId }, index) => ({
      ...made(index),
      registrationId,
      version: 1,
      desired
    }))
  })
  // Settled, or each would be brought to AWS in the background, at the cost of what is measured.
  await prisma.awsRegistrationState.createMany({
    data: registrations.map(({ id: registrationId }) => ({
      registrationId,
      state: 'registered',
      version: 1,
      drift: [],
      checkedAt: new Date()
    }))
  })
}

/** Another certificate, whose signature does not hold: nobody looks at it any more. */
function withLastOctets(der: Uint8Array, index: number): Uint8Array<ArrayBuffer> {
  const copy = Buffer.from(der)
  copy.writeUInt16BE(index, copy.length - 2)
  return new Uint8Array(copy)
}

const unique = (index: number) => ({ id: idOf(index), createdAt: madeAt(index), certificateIntentId: null })
