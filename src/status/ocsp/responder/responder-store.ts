import { type Database, isRefusedByGuard } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import { type Durable, vouchDurable } from '../../../signing/durable.ts'
import type { ResponderIntent } from './certificate.ts'

export interface ResponderStore {
  /**
   * Takes the serial number for it, among those of all certificates. Nobody declares the generation compromised meanwhile.
   *
   * @returns undefined where the generation speaks for nothing: it has not issued yet, or is compromised.
   */
  insert(intent: ResponderIntent): Promise<Durable<ResponderIntent> | undefined>
  /** @returns false where the generation was compromised meanwhile: then the certificate is not on record. */
  record(intentId: string, certificateDer: Uint8Array, issuedAt: Date): Promise<boolean>
}

export function createResponderStore({ prisma }: Database): ResponderStore {
  return {
    insert: intent =>
      runQuery(() =>
        unlessRefused(async () => {
          const { id } = intent
          const serialNumber = new Uint8Array(intent.serialNumber)
          const data = { ...intent, serialNumber, tbsDer: new Uint8Array(intent.tbsDer) }
          await prisma.$transaction([
            prisma.ocspResponderIntent.create({ data }),
            prisma.certifiedSerial.create({ data: { serialNumber, intentId: id } })
          ])
          return vouchDurable(intent)
        })
      ),
    record: (intentId, certificateDer, issuedAt) =>
      runQuery(
        async () =>
          (await unlessRefused(() =>
            prisma.ocspResponder.create({
              data: { intentId, certificateDer: new Uint8Array(certificateDer), issuedAt }
            })
          )) !== undefined
      )
  }
}

async function unlessRefused<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isRefusedByGuard(error)) return undefined
    throw error
  }
}
