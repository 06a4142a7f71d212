import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent } from '../audit/audit-store.ts'
import {
  type Database,
  isRefusedByGuard,
  isSerializationOrDeadlock,
  isUniqueViolation,
  transactionLimits
} from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { RevocationReason } from '../pki/revocation/reason.ts'

/** What is done to one certificate by somebody. */
export interface ActRow {
  readonly id: string
  readonly intentId: string
  readonly createdAt: Date
  readonly actor: string
  readonly act: 'revoke' | 'hold' | 'unhold'
  readonly reason: RevocationReason
  readonly note: string
  readonly invalidityDate: Date | null
  readonly orderId: string | null
  readonly requestId: string | null
}

export interface ActStore {
  /**
   * The act, what comes of it and its event in one transaction. The database judges whether the certificate takes it
   * (`judge_revocation_act`); other acts of the same certificate wait.
   *
   * @returns false where it does not: then nothing was written.
   */
  insert(row: ActRow, event: AuditEvent): Promise<boolean>
  /** Id of the record that has the serial number, or whose certificate has the id: the octets of either. */
  findBySerial(serialNumber: Uint8Array): Promise<string | undefined>
  findByCertificateId(certificateId: Uint8Array): Promise<string | undefined>
  /** SHA-256 of the SubjectPublicKeyInfo of a record's certificate. */
  findKey(intentId: string): Promise<Uint8Array | undefined>
}

/** The guard sets them: what they are is not known ahead. */
const judgedColumns = { step: 1, stateBefore: 'good' } as const

const maximumTries = 8

/**
 * A deadlock with who certifies the same device at this moment is nobody's fault.
 *
 * @param isLost which errors say that somebody else was faster.
 */
export async function retryLost<Result>(
  work: () => Promise<Result>,
  isLost: (error: unknown) => boolean = isSerializationOrDeadlock
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!isLost(error) || tries === maximumTries) throw error
    }
  }
}

export function createActStore({ prisma }: Database): ActStore {
  return {
    insert: (row, event) =>
      runQuery(async () => {
        try {
          await retryLost(() =>
            prisma.$transaction(async transaction => {
              await transaction.revocationAct.create({ data: { ...row, ...judgedColumns } })
              await insertAuditEvent(transaction, event)
            }, transactionLimits)
          )
          return true
        } catch (error) {
          if (isRefusedByGuard(error) || isUniqueViolation(error)) return false
          throw error
        }
      }),
    async findBySerial(serialNumber) {
      const where = { serialNumber: new Uint8Array(serialNumber) }
      return (await runQuery(() => prisma.certifiedSerial.findUnique({ where })))?.intentId
    },
    async findByCertificateId(certificateId) {
      const where = { certificateId: new Uint8Array(certificateId) }
      return (await runQuery(() => prisma.certifiedId.findUnique({ where })))?.intentId
    },
    async findKey(id) {
      const where = { id }
      return (await runQuery(() => prisma.intent.findFirst({ where, select: { spkiSha256: true } })))
        ?.spkiSha256
    }
  }
}
