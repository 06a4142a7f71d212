import type { Prisma } from '../../database/database.ts'

/** That a generation is compromised, and what is asked for with it. */
export interface Compromise {
  readonly authorityId: string
  readonly createdAt: Date
  readonly actor: string
  readonly note: string
  /** Whether its key is to sign a last CRL. */
  readonly lastCrl: boolean
  /** The order to revoke all that it issued; undefined where it never issued. */
  readonly order: CompromiseOrder | undefined
}

interface CompromiseOrder {
  readonly id: string
  /** Later than what became void with the compromise: that is not revoked. */
  readonly createdAt: Date
  readonly credential: string | null
  readonly requestId: string | null
  readonly selection: { readonly compromised: string }
}

/** In the transaction that changes the state: nobody can declare it and not owe the rest, which goes on by itself. */
export async function insertCompromise(
  client: Pick<Prisma.TransactionClient, 'revocationOrder' | 'authorityCompromise'>,
  { order, ...compromise }: Compromise
): Promise<void> {
  const { actor, note } = compromise
  if (order !== undefined)
    await client.revocationOrder.create({ data: { ...order, actor, note, reason: 'cACompromise' } })
  await client.authorityCompromise.create({ data: { ...compromise, orderId: order?.id ?? null } })
}
