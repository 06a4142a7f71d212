import { createHash, type KeyObject } from 'node:crypto'
import { CompactSign } from 'jose'
import Type, { type Static } from 'typebox'
import { toHex } from '../../../pki/der/octet-text.ts'
import type { LotProgress } from '../lot.ts'

/** Its media type is `application/lot-statement+jws` (RFC 7515, section 4.1.9). */
export const statementType = 'lot-statement+jws'
export const statementAlgorithm = 'ES256'

const strict = { additionalProperties: false }
const Count = Type.Integer({ minimum: 0 })
const Time = Type.String({ minLength: 1 })

/**
 * What is said of a lot that is closed. `ordered` = `issued` + `remaining`, and each of the others is the sum over the
 * stations.
 */
export const LotStatement = Type.Object(
  {
    lot: Type.String(),
    profile: Type.String(),
    /** The quantity. */
    ordered: Count,
    /** Certificates that count. */
    issued: Count,
    /** Places that were not used. */
    remaining: Count,
    scrapped: Count,
    refused: Count,
    /**
     * Of the list of its devices, where it had one at its end: those that have a certificate, which may have several where
     * the profile says so; `sha256` as `chainRow` makes it.
     */
    devices: Type.Optional(
      Type.Object(
        { expected: Count, issued: Count, sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
        strict
      )
    ),
    stations: Type.Array(
      Type.Object({ station: Type.String(), issued: Count, scrapped: Count, refused: Count }, strict)
    ),
    /** Of the certificates; null where there is none. */
    firstIssuedAt: Type.Union([Time, Type.Null()]),
    lastIssuedAt: Type.Union([Time, Type.Null()]),
    openedAt: Time,
    closedAt: Time,
    /** The reasons to look at its devices before they are shipped, as far as they were there when it was closed. */
    flags: Type.Optional(
      Type.Array(Type.Object({ reason: Type.String(), station: Type.String(), at: Time }, strict))
    ),
    /** Lower-case hex SHA-256 over the certificate ids, 32 octets each, in the order of the records' ids. */
    certificateIdsSha256: Type.String({ pattern: '^[0-9a-f]{64}$' })
  },
  strict
)
export type LotStatement = Static<typeof LotStatement>

/** A certificate of the lot that counts. */
export interface CountedCertificate {
  readonly id: string
  readonly certificateId: Uint8Array
  readonly issuedAt: Date
}

/** Takes the certificates in the order of their records' ids, as many at a time as come. */
export class CertificateTally {
  readonly #hash = createHash('sha256')
  #count = 0
  #first: Date | undefined
  #last: Date | undefined

  add(certificates: readonly CountedCertificate[]): void {
    for (const { certificateId, issuedAt } of certificates) {
      this.#hash.update(certificateId)
      this.#count += 1
      if (this.#first === undefined || issuedAt < this.#first) this.#first = issuedAt
      if (this.#last === undefined || issuedAt > this.#last) this.#last = issuedAt
    }
  }

  get count(): number {
    return this.#count
  }

  /** Once, at the end. */
  end() {
    return {
      firstIssuedAt: this.#first?.toISOString() ?? null,
      lastIssuedAt: this.#last?.toISOString() ?? null,
      certificateIdsSha256: this.#hash.digest('hex')
    }
  }
}

export function buildStatement(lot: LotProgress, tally: CertificateTally, closedAt: Date): LotStatement {
  const { id, profile, quantity: ordered, issued, scrapped, refused, devices, devicesIssued } = lot
  const stations = lot.stationShares.map(({ open, ...share }) => share)
  return {
    lot: id,
    profile,
    ordered,
    issued,
    remaining: ordered - issued,
    scrapped,
    refused,
    ...(devices && {
      devices: { expected: devices.devices, issued: devicesIssued, sha256: toHex(devices.sha256) }
    }),
    stations: stations.map(share => ({
      station: share.station,
      issued: share.issued,
      scrapped: share.scrapped,
      refused: share.refused
    })),
    ...tally.end(),
    openedAt: (lot.opensAt ?? lot.createdAt).toISOString(),
    closedAt: closedAt.toISOString(),
    ...(lot.flags.length > 0 && {
      flags: lot.flags.map(({ reason, station, createdAt }) => ({
        reason,
        station,
        at: createdAt.toISOString()
      }))
    })
  }
}

/** @returns compact serialisation (RFC 7515, section 7.1), with the key's id in its header. */
export function signStatement(
  statement: LotStatement,
  { keyId, privateKey }: { readonly keyId: string; readonly privateKey: KeyObject }
): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(statement)))
    .setProtectedHeader({ alg: statementAlgorithm, typ: statementType, kid: keyId })
    .sign(privateKey)
}
