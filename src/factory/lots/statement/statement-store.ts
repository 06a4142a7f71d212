import type { JWK } from 'jose'
import { type Database, isUniqueViolation } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import { countsAsCertificate } from '../counted-certificate.ts'
import type { CountedCertificate } from './statement.ts'

const ofIntent = Prisma.raw(countsAsCertificate('intent.id'))

export interface StatementStore {
  find(lot: string): Promise<string | undefined>
  /** The first one stays. @returns the one that counts. */
  insert(lot: string, jws: string, createdAt: Date): Promise<string>
  /** Of the lot, from a record's id on, in their order: certificates that count, neither scrapped nor succeeded by a later one of the device. */
  listCertificates(
    lot: string,
    after: string | undefined,
    limit: number
  ): Promise<readonly CountedCertificate[]>
  /** So that what is signed with it can be verified as long as the database is kept. */
  keepKey(keyId: string, publicJwk: JWK, createdAt: Date): Promise<void>
  listKeys(): Promise<readonly JWK[]>
}

export function createStatementStore(database: Database): StatementStore {
  const client = database.prisma
  return {
    async find(lotId) {
      return (await runQuery(() => client.lotStatement.findUnique({ where: { lotId } })))?.jws
    },
    insert: (lotId, jws, createdAt) =>
      runQuery(async () => {
        try {
          await client.lotStatement.create({ data: { lotId, jws, createdAt } })
          return jws
        } catch (error) {
          if (!isUniqueViolation(error)) throw error
          return (await client.lotStatement.findUniqueOrThrow({ where: { lotId } })).jws
        }
      }),
    listCertificates: (lot, after = '00000000-0000-0000-0000-000000000000', limit) =>
      runQuery(
        () => client.$queryRaw<CountedCertificate[]>`
          SELECT intent.id::text, issued.certificate_id AS "certificateId", issued.issued_at AS "issuedAt"
          FROM intent JOIN issued ON issued.intent_id = intent.id
          WHERE intent.lot = ${lot} AND intent.id > ${after}::uuid
          AND ${ofIntent}
          ORDER BY intent.id LIMIT ${limit}`
      ),
    async keepKey(keyId, publicJwk, createdAt) {
      await runQuery(() =>
        client.statementKey.createMany({
          data: [{ keyId, publicJwk: { ...publicJwk } as Record<string, string>, createdAt }],
          skipDuplicates: true
        })
      )
    },
    async listKeys() {
      const rows = await runQuery(() => client.statementKey.findMany({ orderBy: { createdAt: 'desc' } }))
      return rows.map(({ publicJwk }) => publicJwk as JWK)
    }
  }
}
