import type { Database } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { StoredAuthority } from '../authorities/authority-store.ts'
import type { StoredToken } from '../factory/token-store.ts'
import type { ProfileVersion } from '../profiles/profile.ts'

export interface StarterSet {
  readonly authority: StoredAuthority
  readonly profile: ProfileVersion
  readonly tokens: readonly StoredToken[]
  readonly eventId: string
}

export interface StarterStore {
  /** True while there is no authority, no profile and no token. */
  isEmpty(): Promise<boolean>
  /** All of it or nothing. */
  insert(set: StarterSet): Promise<void>
}

export function createStarterStore(database: Database): StarterStore {
  const client = database.prisma
  return {
    async isEmpty() {
      const found = await runQuery(() =>
        Promise.all([
          client.authority.findFirst({ select: { id: true } }),
          client.profileVersion.findFirst({ select: { id: true } }),
          client.token.findFirst({ select: { id: true } })
        ])
      )
      return found.every(row => row === null)
    },
    async insert({ authority, profile, tokens, eventId }) {
      const actor = 'mintline/starter'
      const document = profile.document as object
      const templateSha256 = Uint8Array.from(Buffer.from(profile.templateSha256, 'hex'))
      await runQuery(() =>
        client.$transaction([
          client.authority.create({
            data: {
              ...authority,
              certificateDer: new Uint8Array(authority.certificateDer),
              issuersDer: authority.issuersDer.map(der => new Uint8Array(der)),
              signer: { ...authority.signer }
            }
          }),
          client.profileVersion.create({ data: { ...profile, document, templateSha256 } }),
          client.token.createMany({
            data: tokens.map(token => ({
              ...token,
              revokedAt: null,
              secretSha256: new Uint8Array(token.secretSha256)
            }))
          }),
          client.auditEvent.create({
            data: {
              id: eventId,
              createdAt: authority.createdAt,
              actor,
              act: 'starter.create',
              subject: `authority/${authority.name}`,
              after: { profile: profile.name, tokens: tokens.map(({ name, role }) => ({ name, role })) }
            }
          })
        ])
      )
    }
  }
}
