import type { Act } from '../../audit/audit-event.ts'
import { assertTokenStands } from '../../audit/audit-store.ts'
import type { Database, Prisma } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import { type Durable, vouchDurable } from '../../signing/durable.ts'
import type { PageQuery } from '../../sources/page.ts'
import { requireGeneration } from '../generations/generation.ts'
import type { AuthorityState } from '../life-cycle/life-cycle.ts'
import type { AuthorityPurpose } from '../purpose.ts'
import type { CertificateIntent } from './certificate-intent.ts'
import { assertMayCrossSign } from './cross-signing.ts'

type DurableCertificateIntent = Durable<CertificateIntent>

interface OpenIntentQuery extends PageQuery {
  /** Of this line or generation, as issuer or as subject; all unless given. */
  readonly lineOrName?: string | undefined
}

export interface CertificateIntentStore {
  /**
   * Takes the serial number for it, among those of all certificates. An issuer that steps back or is compromised
   * while this is committed is seen.
   *
   * @throws MintlineError `authority_not_found`, `authority_transition_refused` when the issuer does not cross-sign
   * now, or not for this generation; `token_invalid` when the token of the act is revoked.
   */
  insert(intent: CertificateIntent, act?: Pick<Act, 'tokenId'>): Promise<DurableCertificateIntent>
  /** Those with no certificate on record, oldest first: in flight, cut off by a crash, or signed and then refused. */
  listOpen(query: OpenIntentQuery): Promise<readonly CertificateIntent[]>
}

interface Standing {
  readonly id: string
  readonly name: string
  readonly state: AuthorityState
  readonly purpose: AuthorityPurpose
}

export function createCertificateIntentStore(database: Database): CertificateIntentStore {
  const client = database.prisma
  return {
    insert: (intent, act = {}) =>
      runQuery(async () => {
        await client.$transaction(async transaction => {
          const issuerId = await lockIssuer(transaction, intent)
          await assertTokenStands(transaction, act)
          const { id, createdAt, createdBy, purpose, authorityName } = intent
          const serialNumber = new Uint8Array(intent.serialNumber)
          const tbsDer = new Uint8Array(intent.tbsDer)
          const signer = { ...intent.signer }
          const who = { createdAt, createdBy, purpose, authorityName, issuerId, signer }
          await transaction.authorityCertificateIntent.create({ data: { id, ...who, serialNumber, tbsDer } })
          await transaction.certifiedSerial.create({ data: { serialNumber, intentId: id } })
        })
        return vouchDurable(intent)
      }),
    async listOpen(query) {
      const ids = await findOpenIds(client, query)
      const rows = await runQuery(() =>
        client.authorityCertificateIntent.findMany({
          where: { id: { in: ids } },
          include: { issuer: { select: { name: true } } },
          orderBy: { id: 'asc' }
        })
      )
      // The database holds the list of purposes, and which of them has an issuer.
      return rows.map(({ issuer, ...row }) => ({
        ...row,
        issuerName: issuer?.name
      })) as unknown as CertificateIntent[]
    }
  }
}

/** The line is told by the name, since the generation may never have been made. */
async function findOpenIds(
  client: Prisma.TransactionClient,
  { lineOrName, limit, cursor = firstId }: OpenIntentQuery
): Promise<string[]> {
  const wanted = lineOrName ?? null
  const rows = await runQuery(
    () => client.$queryRaw<{ readonly id: string }[]>`
      SELECT intent.id FROM authority_certificate_intent AS intent
      LEFT JOIN authority AS issuer ON issuer.id = intent.issuer_id
      WHERE intent.id > ${cursor}::uuid
        AND (${wanted}::text IS NULL OR ${wanted} IN (
          intent.authority_name, regexp_replace(intent.authority_name, '-g[0-9]+$', ''), issuer.name, issuer.line
        ))
        AND NOT EXISTS (SELECT FROM authority WHERE certificate_intent_id = intent.id)
        AND NOT EXISTS (SELECT FROM cross_certificate WHERE intent_id = intent.id)
      ORDER BY intent.id LIMIT ${limit}`
  )
  return rows.map(({ id }) => id)
}

/** Before every other. */
const firstId = '00000000-0000-0000-0000-000000000000'

/** Holds off a change of the two generations' states until the intent is committed, as the intent of a device does. */
async function lockIssuer(
  transaction: Prisma.TransactionClient,
  { issuerName, authorityName }: CertificateIntent
): Promise<string | null> {
  if (issuerName === undefined) return null
  const found = await transaction.$queryRaw<Standing[]>`
    SELECT id, name, state::text AS state, purpose FROM authority
    WHERE name IN (${issuerName}, ${authorityName})
    ORDER BY id
    FOR SHARE`
  const issuer = requireGeneration(found, issuerName)
  assertMayCrossSign(issuer, requireGeneration(found, authorityName))
  return issuer.id
}
