import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent } from '../audit/audit-store.ts'
import { type Database, isUniqueViolation, transactionLimits } from '../database/database.ts'
import { Prisma } from '../database/generated/client.ts'
import { runQuery } from '../database/run-query.ts'
import { type Page, pageOf, type PageQuery } from '../sources/page.ts'
import type { ProfileDocument } from './document.ts'
import type { ProfileVersion } from './version.ts'

export interface ProfileStore {
  /** The newest version of each profile, by name. */
  listNewest(): Promise<readonly ProfileVersion[]>
  findNewest(name: string): Promise<ProfileVersion | undefined>
  find(name: string, version: number): Promise<ProfileVersion | undefined>
  /** As `listNewest`, page by page; the cursor is a name. A page ends early where its documents are big. */
  pageOfNewest(query: PageQuery): Promise<Page<ProfileVersion>>
  /** Versions of one profile, newest first; the cursor is a version. A page ends early as above. */
  pageOfVersions(name: string, query: PageQuery): Promise<Page<ProfileVersion>>
  /** Together with its audit event. False when another process took that version number first. */
  insert(profile: ProfileVersion, event: AuditEvent): Promise<boolean>
}

interface ProfileRow extends Omit<ProfileVersion, 'document' | 'templateSha256'> {
  readonly document: unknown
  readonly templateSha256: Uint8Array
}

/** A row of a page before its document is read. */
interface PageKey {
  readonly id: string
  readonly cursor: string
  readonly bytes: number
}

export function createProfileStore(database: Database): ProfileStore {
  const client = database.prisma
  return {
    async listNewest() {
      const newest = await runQuery(
        () => client.$queryRaw<{ id: string }[]>`
          SELECT DISTINCT ON (name) id FROM profile_version ORDER BY name, version DESC`
      )
      const rows = await runQuery(() =>
        client.profileVersion.findMany({
          where: { id: { in: newest.map(({ id }) => id) } },
          orderBy: { name: 'asc' }
        })
      )
      return rows.map(toProfileVersion)
    },
    async findNewest(name) {
      const row = await runQuery(() =>
        client.profileVersion.findFirst({ where: { name }, orderBy: { version: 'desc' } })
      )
      return row === null ? undefined : toProfileVersion(row)
    },
    async find(name, version) {
      const row = await runQuery(() =>
        client.profileVersion.findUnique({ where: { name_version: { name, version } } })
      )
      return row === null ? undefined : toProfileVersion(row)
    },
    pageOfNewest: async query => readPage(client, await findNewestKeys(client, query), query.limit),
    pageOfVersions: async (name, query) =>
      readPage(client, await findVersionKeys(client, name, query), query.limit),
    async insert(profile, event) {
      const { id, name, version, createdAt, createdBy } = profile
      const document = profile.document as object
      const templateSha256 = Uint8Array.from(Buffer.from(profile.templateSha256, 'hex'))
      return runQuery(async () => {
        try {
          await client.$transaction(async transaction => {
            await transaction.profileVersion.create({
              data: { id, name, version, document, templateSha256, createdAt, createdBy }
            })
            await insertAuditEvent(transaction, event)
          }, transactionLimits)
          return true
        } catch (error) {
          if (isUniqueViolation(error)) return false
          throw error
        }
      })
    }
  }
}

type Client = Database['prisma']

/** From name to name, so that it costs the same however many versions each has. */
function findNewestKeys(client: Client, { limit, cursor = '' }: PageQuery): Promise<readonly PageKey[]> {
  return runQuery(
    () => client.$queryRaw<PageKey[]>`
      WITH RECURSIVE named AS (
        (SELECT name, 0 AS position FROM profile_version WHERE name > ${cursor} ORDER BY name LIMIT 1)
        UNION ALL
        SELECT next.name, named.position + 1 FROM named CROSS JOIN LATERAL (
          SELECT name FROM profile_version WHERE profile_version.name > named.name ORDER BY name LIMIT 1
        ) AS next
        WHERE named.position < ${limit}::int
      )
      SELECT newest.id, named.name AS cursor, octet_length(newest.document::text) AS bytes
      FROM named CROSS JOIN LATERAL (
        SELECT id, document FROM profile_version
        WHERE profile_version.name = named.name ORDER BY version DESC LIMIT 1
      ) AS newest
      ORDER BY named.name`
  )
}

function findVersionKeys(
  client: Client,
  name: string,
  { limit, cursor }: PageQuery
): Promise<readonly PageKey[]> {
  const before = cursor === undefined ? Prisma.empty : Prisma.sql`AND version < ${cursor}::int`
  return runQuery(
    () => client.$queryRaw<PageKey[]>`
      SELECT id, version::text AS cursor, octet_length(document::text) AS bytes FROM profile_version
      WHERE name = ${name} ${before}
      ORDER BY version DESC LIMIT ${limit + 1}`
  )
}

/** Of documents that nobody gets to see on this page, only the length is asked. */
async function readPage(
  client: Client,
  keys: readonly PageKey[],
  limit: number
): Promise<Page<ProfileVersion>> {
  const { items, nextCursor } = pageOf(keys, {
    limit,
    cursorOf: ({ cursor }) => cursor,
    bytesOf: ({ bytes }) => bytes
  })
  const rows = await runQuery(() =>
    client.profileVersion.findMany({ where: { id: { in: items.map(({ id }) => id) } } })
  )
  const byId = new Map(rows.map(row => [row.id, toProfileVersion(row)]))
  return { items: items.map(({ id }) => byId.get(id)!), nextCursor }
}

function toProfileVersion(row: ProfileRow): ProfileVersion {
  const templateSha256 = Buffer.from(row.templateSha256).toString('hex')
  return { ...row, document: row.document as ProfileDocument, templateSha256 }
}
