import pg from 'pg'
import { connectionConfig } from '../connection.ts'

export interface NotificationOptions {
  readonly connectionString: string
  /**
   * Told which table changed, or what else there is notice of, or undefined when changes may have been missed: after each connection. Must not throw.
   */
  readonly onChange: (table: string | undefined) => void
  /** Told when the connection breaks or cannot be made. */
  readonly onConnectionLost: (error: unknown) => void
}

export interface Notifications {
  close(): Promise<void>
}

const channel = 'mintline_change'
/** With what is told as its parameter; a table's trigger does the same. */
export const notifyStatement = `SELECT pg_notify('${channel}', $1)`
const reconnectAfterMs = 1_000

/**
 * Listens on a connection of its own for what other processes change. It only saves time: whoever acts on what may
 * be out of date is told so by the database. A lost connection is made again, for as long as it takes.
 */
export function listenForChanges({
  connectionString,
  onChange,
  onConnectionLost
}: NotificationOptions): Notifications {
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  function retryLater(failed: pg.Client, error: unknown): void {
    if (client !== failed || isClosed) return
    client = undefined
    onConnectionLost(error)
    failed.end().catch(() => undefined)
    timer = setTimeout(() => void connect(), reconnectAfterMs)
  }

  async function connect(): Promise<void> {
    const config = connectionConfig(connectionString, 'listen')
    const connecting = new pg.Client(config)
    client = connecting
    connecting.on('error', error => retryLater(connecting, error))
    connecting.on('end', () => retryLater(connecting, undefined))
    connecting.on('notification', ({ payload }) => onChange(payload))
    try {
      await connecting.connect()
      await config.onConnect(connecting)
      await connecting.query(`LISTEN ${channel}`)
      if (!isClosed) onChange(undefined)
    } catch (error) {
      retryLater(connecting, error)
    }
  }

  void connect()
  return {
    async close() {
      isClosed = true
      clearTimeout(timer)
      await client?.end().catch(() => undefined)
    }
  }
}
