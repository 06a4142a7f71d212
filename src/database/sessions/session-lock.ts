import { connectClient, connectionConfig } from '../connection.ts'
import { runQuery } from '../run-query.ts'

export interface SessionLockOptions {
  readonly connectionString: string
  /** What it is the lock of: four letters, not used by another one. */
  readonly name: string
  /** How often the holder makes sure that it still has its connection. */
  readonly heartbeatMs?: number
}

/** A connection of its own that wants a lock, and holds it for as long as it lives. */
export interface LockSession {
  /** False while another session has the lock. @throws MintlineError `database_unavailable`. */
  tryLock(): Promise<boolean>
  /** Aborted when the connection ends, whatever ended it: the lock is then another's to take. */
  readonly lost: AbortSignal
  /** Gives the lock back. Never rejects. */
  close(): Promise<void>
}

/** "mint": keeps our locks apart from those of others who use the database. */
const lockClass = 0x6d696e74
/**
 * Less than the server allows a connection of this purpose to rest: the holder knows that it is out before another can
 * be in, unless it was stopped as a whole.
 */
const answerTimeoutMs = 5_000

/**
 * A session advisory lock of PostgreSQL. Nobody waits for it in the database, since a waiting session would hold a
 * snapshot, and vacuum with it: it is asked for again and again. The server gives it back when the connection ends, as
 * after kill -9, and ends the connection of a holder from which nothing came for 15 seconds.
 *
 * @throws MintlineError `database_unavailable`, `config_invalid`.
 */
export async function openLockSession(options: SessionLockOptions): Promise<LockSession> {
  const { connectionString, name, heartbeatMs = 2_000 } = options
  const config = { ...connectionConfig(connectionString, 'lock'), query_timeout: answerTimeoutMs }
  const client = await runQuery(() => connectClient(config))
  const key = Buffer.from(name, 'latin1').readInt32BE()
  const lost = new AbortController()
  let heartbeat: NodeJS.Timeout | undefined

  function lose(): void {
    clearInterval(heartbeat)
    lost.abort()
    client.end().catch(() => undefined)
  }

  client.on('error', lose)
  client.on('end', lose)

  return {
    lost: lost.signal,
    async tryLock() {
      const { rows } = await runQuery(() =>
        client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [lockClass, key])
      )
      if (rows[0]?.taken !== true) return false
      heartbeat ??= setInterval(() => void client.query('SELECT 1').catch(lose), heartbeatMs)
      return true
    },
    async close() {
      clearInterval(heartbeat)
      await client.end().catch(() => undefined)
    }
  }
}
