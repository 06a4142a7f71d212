import pg from 'pg'
import { parseIntoClientConfig } from 'pg-connection-string'
import { MintlineError, type Violation } from '../errors/mintline-error.ts'
import { type ConnectionPurpose, presupposedSettings, sessionSettingsOf } from './session-settings.ts'

/** What is not set is not there. */
type Given<Options> = { [Name in keyof Options]: Exclude<Options[Name], undefined> }

/** As `pg` takes it, with what has to be done before a new connection is used. */
export interface ConnectionConfig extends Given<pg.ClientConfig> {
  /** For a pool, which calls it. @throws MintlineError `config_invalid`. */
  readonly onConnect: (client: pg.ClientBase) => Promise<void>
}

const connectionTimeoutSeconds = 5

/** Settings for the start of a connection, in the form in which PostgreSQL takes `options` apart. */
export function startupOptionsOf(purpose: ConnectionPurpose): string {
  return Object.entries(sessionSettingsOf(purpose))
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, '\\$&')}`)
    .join(' ')
}

/**
 * How every connection to the database is made. The session settings go with its start (see session-settings.ts); what
 * else the connection string sets stays, unless it is one of these.
 */
export function connectionConfig(connectionString: string, purpose: ConnectionPurpose): ConnectionConfig {
  const { options, ...others } = parseIntoClientConfig(connectionString) as Given<pg.ClientConfig>
  const settings = sessionSettingsOf(purpose)
  // `pg` sends some settings on its own, and those would come after what stands in `options`.
  const address = Object.fromEntries(Object.entries(others).filter(([name]) => !(name in settings)))
  return {
    application_name: `mintline-${purpose}`,
    ...(address as typeof others),
    keepAlive: true,
    connectionTimeoutMillis: connectionTimeoutSeconds * 1000,
    // The later one of two counts.
    options: options === undefined ? startupOptionsOf(purpose) : `${options} ${startupOptionsOf(purpose)}`,
    onConnect: client => settleSession(client, purpose)
  }
}

/** A connection by itself. @throws what `pg` throws; MintlineError `config_invalid`. */
export async function connectClient(config: ConnectionConfig): Promise<pg.Client> {
  const client = new pg.Client(config)
  // A connection that breaks between two queries; the next query fails and tells.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await config.onConnect(client)
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

/** Does `work` on a connection by itself, which is closed then. @throws as `connectClient`; what `work` throws. */
export async function withClient<Result>(
  connectionString: string,
  purpose: ConnectionPurpose,
  work: (client: pg.Client) => Promise<Result>
): Promise<Result> {
  const client = await connectClient(connectionConfig(connectionString, purpose))
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** PostgreSQL 17 has one setting more, which those before it refuse at the start. */
const settleStatement = `
SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('server_version_num')::int >= 170000`

/** @throws MintlineError `config_invalid` when the connection has other settings than were asked for. */
async function settleSession(client: pg.ClientBase, purpose: ConnectionPurpose): Promise<void> {
  const wanted = { ...sessionSettingsOf(purpose), ...presupposedSettings }
  await client.query(settleStatement)
  const { rows } = await client.query<{ name: string; value: string }>(
    'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name',
    [Object.keys(wanted)]
  )
  const violations = rows
    .filter(({ name, value }) => value !== wanted[name])
    .map(({ name, value }) => describeOther(name, { wanted: wanted[name]!, value }))
  if (violations.length === 0) return
  throw new MintlineError(
    'config_invalid',
    'The database does not give a connection the settings it needs.',
    {
      violations
    }
  )
}

function describeOther(name: string, { wanted, value }: { wanted: string; value: string }): Violation {
  return {
    pointer: 'DATABASE_URL',
    expected: `connections with ${name} = ${wanted}`,
    found: value,
    message:
      name in presupposedSettings
        ? `Take the setting off the database and the role: ALTER DATABASE … RESET ${name}; ALTER ROLE … RESET ${name}.`
        : 'Connect to PostgreSQL itself, or through a pooler in session mode that passes startup options on.'
  }
}
