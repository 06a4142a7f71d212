import { byteaArray } from '../database/array-literal.ts'
import type { Database } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { Rejection } from './issuance-record.ts'

/** What is written of a signed certificate. */
export interface SignedCertificate {
  readonly intentId: string
  readonly certificateDer: Uint8Array
  /** SHA-256 of `certificateDer`. */
  readonly certificateId: Uint8Array
  readonly issuedAt: Date
}

/** What is written of a refusal: who asked, as which token, and why not. */
export interface RejectionRow extends Omit<Rejection, 'outcome'> {
  readonly tokenId: string
}

export interface RecordStore {
  /**
   * Commits a group of certificates in one statement. An intent has one record: true for those that this call
   * wrote, false where another process completed the same intent first. When it returns, all of it is durable.
   */
  commitCertificates(certificates: readonly SignedCertificate[]): Promise<readonly boolean[]>
  /** Commits a group of rejections in one statement. */
  commitRejections(rejections: readonly RejectionRow[]): Promise<readonly void[]>
}

const certificateStatement = `
WITH input AS (
  SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::timestamptz[])
    AS t(intent_id, certificate_der, certificate_id, issued_at)
),
recorded AS (
  INSERT INTO issued (intent_id, certificate_der, certificate_id, issued_at)
  SELECT intent_id, certificate_der, certificate_id, issued_at FROM input
  ON CONFLICT (intent_id) DO NOTHING
  RETURNING intent_id
),
closed AS (
  DELETE FROM open_intent USING recorded WHERE open_intent.intent_id = recorded.intent_id
)
SELECT intent_id FROM recorded`

const rejectionStatement = `
INSERT INTO rejection (
  id, created_at, code, detail, violations, csr, station, token_id,
  profile_name, profile_version, authority_name, metadata, request_id
)
SELECT * FROM unnest(
  $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::jsonb[], $6::bytea[], $7::text[], $8::uuid[],
  $9::text[], $10::int[], $11::text[], $12::jsonb[], $13::text[]
)`

export function createRecordStore(database: Database): RecordStore {
  const client = database.prisma
  return {
    async commitCertificates(certificates) {
      const rows = await runQuery(() =>
        client.$queryRawUnsafe<{ intent_id: string }[]>(
          certificateStatement,
          certificates.map(certificate => certificate.intentId),
          byteaArray(certificates.map(certificate => certificate.certificateDer)),
          byteaArray(certificates.map(certificate => certificate.certificateId)),
          certificates.map(certificate => certificate.issuedAt.toISOString())
        )
      )
      const recorded = new Set(rows.map(row => row.intent_id))
      return certificates.map(certificate => recorded.has(certificate.intentId))
    },
    async commitRejections(rejections) {
      await runQuery(() =>
        client.$executeRawUnsafe(
          rejectionStatement,
          rejections.map(rejection => rejection.id),
          rejections.map(rejection => rejection.requestedAt.toISOString()),
          rejections.map(rejection => rejection.code),
          rejections.map(rejection => rejection.detail),
          rejections.map(rejection => JSON.stringify(rejection.violations)),
          byteaArray(rejections.map(rejection => rejection.csr)),
          rejections.map(rejection => rejection.station),
          rejections.map(rejection => rejection.tokenId),
          rejections.map(rejection => rejection.profile),
          rejections.map(rejection => rejection.profileVersion ?? null),
          rejections.map(rejection => rejection.authority ?? null),
          rejections.map(rejection => JSON.stringify(rejection.metadata)),
          rejections.map(rejection => rejection.requestId)
        )
      )
      return rejections.map(() => undefined)
    }
  }
}
