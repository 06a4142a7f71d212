import { randomUUID } from 'node:crypto'
import { type Database, type Prisma, transactionLimits } from '../../../../database/database.ts'
import { runQuery } from '../../../../database/run-query.ts'
import { judgeLogin, type Login, type LoginVerdict, type PinAttempt } from './login-judgement.ts'

export interface PinStore {
  /**
   * Judges a login and, where it is allowed, keeps that it is made before it is made: a crash in it is seen by the next
   * one. A permit is used up by the first login. One process at a time does this for a token.
   *
   * @throws MintlineError `database_unavailable`.
   */
  admit(login: Login): Promise<LoginVerdict>
  /** @throws MintlineError `database_unavailable`. */
  settle(login: Omit<Login, 'triesLeft'>, outcome: 'accepted' | 'refused'): Promise<void>
}

/** Of one token; a token locks itself long before. */
const maximumAttempts = 32
/** The longest that a call of the module may take, and then some. */
const freshSeconds = 90

type Transaction = Prisma.TransactionClient

export function createPinStore({ prisma }: Database): PinStore {
  /** Tells its own attempts from others'. */
  const self = randomUUID()
  return {
    admit: login =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          await lock(transaction, login)
          const verdict = judgeLogin(login, await listAttempts(transaction, login, self))
          if (verdict.kind === 'waits') return verdict
          if (verdict.kind === 'withheld' && !verdict.canBePermitted) return verdict
          // Also by a login that needs none: it is not to lie about for a PIN that nobody thought of.
          const isPermitted = await takePermit(transaction, login)
          if (verdict.kind === 'withheld' && !isPermitted) return verdict
          await insertAttempt(transaction, login, self)
          await deleteOldest(transaction, login)
          return { kind: 'allowed' } as const
        }, transactionLimits)
      ),
    async settle(login, outcome) {
      await runQuery(() =>
        prisma.$transaction(async transaction => {
          await lock(transaction, login)
          const { tokenLabel, tokenSerial, mark } = login
          const token = { tokenLabel, tokenSerial }
          if (outcome === 'accepted') {
            await transaction.pinAttempt.updateMany({ where: token, data: { isOutstanding: false } })
          }
          await transaction.pinAttempt.updateMany({
            where: { ...token, mark: new Uint8Array(mark) },
            data: { outcome, isOutstanding: outcome === 'refused' }
          })
        }, transactionLimits)
      )
    }
  }
}

async function lock(transaction: Transaction, { tokenLabel, tokenSerial }: TokenName): Promise<void> {
  const token = `pin ${tokenLabel} ${tokenSerial}`
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${token}, 0))`
}

type TokenName = Pick<Login, 'tokenLabel' | 'tokenSerial'>

async function listAttempts(
  transaction: Transaction,
  { tokenLabel, tokenSerial }: TokenName,
  self: string
): Promise<readonly PinAttempt[]> {
  return transaction.$queryRaw<PinAttempt[]>`
    SELECT mark, mark_key_id AS "markKeyId", outcome, is_outstanding AS "isOutstanding",
      attempted_by <> ${self}::uuid AND
        attempted_at > clock_timestamp() - make_interval(secs => ${freshSeconds}::int) AS "isAnothersFresh"
    FROM pin_attempt WHERE token_label = ${tokenLabel} AND token_serial = ${tokenSerial}`
}

async function takePermit(transaction: Transaction, { tokenLabel }: TokenName): Promise<boolean> {
  const taken = await transaction.$queryRaw<unknown[]>`
    DELETE FROM pin_permit WHERE token_label = ${tokenLabel} AND expires_at > clock_timestamp()
    RETURNING token_label`
  return taken.length > 0
}

/** One that has worked stays so, whatever comes of it now: until the token refuses it. */
async function insertAttempt(
  transaction: Transaction,
  { tokenLabel, tokenSerial, mark, markKeyId }: Login,
  self: string
): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO pin_attempt AS known
      (token_label, token_serial, mark, mark_key_id, outcome, attempted_by, attempted_at, is_outstanding)
    VALUES (${tokenLabel}, ${tokenSerial}, ${mark}, ${markKeyId}, 'unknown', ${self}::uuid, clock_timestamp(), true)
    ON CONFLICT (token_label, token_serial, mark) DO UPDATE SET
      outcome = CASE known.outcome WHEN 'accepted' THEN 'accepted' ELSE 'unknown' END,
      is_outstanding = known.outcome <> 'accepted',
      attempted_by = EXCLUDED.attempted_by,
      attempted_at = EXCLUDED.attempted_at`
}

async function deleteOldest(transaction: Transaction, { tokenLabel }: TokenName): Promise<void> {
  await transaction.$executeRaw`
    DELETE FROM pin_attempt WHERE token_label = ${tokenLabel} AND (token_serial, mark) IN (
      SELECT token_serial, mark FROM pin_attempt WHERE token_label = ${tokenLabel}
      ORDER BY attempted_at DESC OFFSET ${maximumAttempts}
    )`
}
