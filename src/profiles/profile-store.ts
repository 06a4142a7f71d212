import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent } from '../audit/audit-store.ts'
import { type Database, isUniqueViolation, transactionLimits } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { ProfileDocument } from './profile-document.ts'
import type { ProfileVersion } from './profile-version.ts'

export interface ProfileStore {
  /** The newest version of each profile, by name. */
  listNewest(): Promise<readonly ProfileVersion[]>
  findNewest(name: string): Promise<ProfileVersion | undefined>
  find(name: string, version: number): Promise<ProfileVersion | undefined>
  /** All versions of one profile, newest first. */
  versions(name: string): Promise<readonly ProfileVersion[]>
  /** Together with its audit event. False when another process took that version number first. */
  insert(profile: ProfileVersion, event: AuditEvent): Promise<boolean>
}

interface ProfileRow extends Omit<ProfileVersion, 'document' | 'templateSha256'> {
  readonly document: unknown
  readonly templateSha256: Uint8Array
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
    async versions(name) {
      const rows = await runQuery(() =>
        client.profileVersion.findMany({ where: { name }, orderBy: { version: 'desc' } })
      )
      return rows.map(toProfileVersion)
    },
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

function toProfileVersion(row: ProfileRow): ProfileVersion {
  const templateSha256 = Buffer.from(row.templateSha256).toString('hex')
  return { ...row, document: row.document as ProfileDocument, templateSha256 }
}
