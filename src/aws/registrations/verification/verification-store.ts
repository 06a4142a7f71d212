import { type Database, isUniqueViolation } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { type Durable, vouchDurable } from '../../../signing/durable.ts'

/** A verification certificate before it is signed. */
export interface Verification {
  readonly id: string
  readonly registrationId: string
  /** From 1 within the registration. */
  readonly number: number
  /** Of the account and region; the CommonName. */
  readonly registrationCode: string
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  readonly tbsDer: Uint8Array
  readonly createdAt: Date
}

export type DurableVerification = Durable<Verification>

interface StoredVerification {
  readonly verification: DurableVerification
  /** Undefined while it is not signed. */
  readonly certificateDer: Uint8Array | undefined
}

export interface VerificationStore {
  findNewest(registrationId: string): Promise<StoredVerification | undefined>
  /**
   * Takes the serial number for it, among those of all certificates. Undefined when another process took the number
   * first.
   *
   * @throws MintlineError `aws_registration_invalid` when the authority is retired or compromised by now: its key signs
   * nothing any more.
   */
  insert(verification: Verification): Promise<DurableVerification | undefined>
  /** @returns the certificate on record: this one, or the one that another process recorded first. */
  record(verification: DurableVerification, certificateDer: Uint8Array, createdAt: Date): Promise<Uint8Array>
}

export function createVerificationStore(database: Database): VerificationStore {
  const client = database.prisma
  return {
    async findNewest(registrationId) {
      const row = await runQuery(() =>
        client.awsVerification.findFirst({
          where: { registrationId },
          orderBy: { number: 'desc' },
          include: { certificate: true }
        })
      )
      if (row === null) return undefined
      const { certificate, ...verification } = row
      return {
        verification: vouchDurable(verification),
        certificateDer: certificate?.certificateDer
      }
    },
    insert: verification =>
      runQuery(async () => {
        const { serialNumber, tbsDer, ...rest } = verification
        const number = new Uint8Array(serialNumber)
        try {
          await client.$transaction(async transaction => {
            // Holds off a change of its state until this is committed, as an intent does.
            const signing = await transaction.$queryRaw<unknown[]>`
              SELECT FROM authority
              WHERE id = (SELECT authority_id FROM aws_registration WHERE id = ${verification.registrationId}::uuid)
                AND state NOT IN ('retired', 'compromised')
              FOR SHARE`
            if (signing.length === 0) throw signsNoMore()
            await transaction.awsVerification.create({
              data: { ...rest, serialNumber: number, tbsDer: new Uint8Array(tbsDer) }
            })
            await transaction.certifiedSerial.create({
              data: { serialNumber: number, intentId: verification.id }
            })
          })
          return vouchDurable(verification)
        } catch (error) {
          if (isUniqueViolation(error)) return undefined
          throw error
        }
      }),
    record: ({ id: verificationId }, certificateDer, createdAt) =>
      runQuery(async () => {
        const certificate = new Uint8Array(certificateDer)
        await client.awsVerificationCertificate.createMany({
          data: [{ verificationId, certificateDer: certificate, createdAt }],
          skipDuplicates: true
        })
        const row = await client.awsVerificationCertificate.findUniqueOrThrow({ where: { verificationId } })
        return row.certificateDer
      })
  }
}

function signsNoMore(): MintlineError {
  return new MintlineError(
    'aws_registration_invalid',
    'The authority is retired or compromised: its key signs no verification certificate. Ask for SNI_ONLY.'
  )
}
