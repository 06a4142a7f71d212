import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { MintlineError } from '../../errors/mintline-error.ts'
import { withClient } from '../connection.ts'
import { isPrivilegeMissing, translateDatabaseError } from '../database-error.ts'
import { migrationLockKey } from '../migrations/migrations.ts'
import { changesJson, missingGrants } from './privileges.ts'

export interface DatabaseRoles {
  /** Of the role that owns the tables. */
  readonly owner: string
  /** Of the role that the service works with. The same, where there is but one. */
  readonly service: string
}

export interface AdmittedRole {
  readonly role: string
  /** Whether it can do to the tables of the record what it likes: by owning them, by membership or as a superuser. */
  readonly isOwner: boolean
}

/**
 * Gives the service's role the rights that its work needs, and no other: it adds rows, and can neither change a table
 * nor take a guard off. With one role for both there is nothing to give.
 *
 * The tables must be there. May be called by several processes at once.
 *
 * @throws MintlineError `config_invalid` when the two are not of one database, or the owner does not own the tables;
 *   `database_unavailable`.
 */
export async function admitServiceRole({ owner, service }: DatabaseRoles): Promise<AdmittedRole> {
  const served = await onDatabase(service, identify)
  if (owner !== service) {
    await onDatabase(owner, async client => {
      const owned = await identify(client)
      assertSameDatabase(owned, served)
      if (owned.role !== served.role) await grant(client, served.role)
    })
  }
  return served
}

const ownServiceRole = 'mintline_service'

/**
 * On a server of our own: a role without rights for the service. Its password lasts until the next call, and is kept
 * nowhere.
 *
 * @param owner connection string of a superuser
 * @returns that of the role.
 * @throws MintlineError `database_unavailable`.
 */
export async function makeServiceRole(owner: string): Promise<string> {
  const password = randomBytes(32).toString('base64url')
  await onDatabase(owner, async client => {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [ownServiceRole])
    if (rowCount === 0) await client.query(`CREATE ROLE ${ownServiceRole}`)
    await client.query(`ALTER ROLE ${ownServiceRole} LOGIN PASSWORD '${password}'`)
  })
  const service = new URL(owner)
  service.username = ownServiceRole
  service.password = password
  return service.href
}

async function grant(client: pg.Client, role: string): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [migrationLockKey])
  const { rows } = await client.query<{ statement: string }>(missingGrants, [role, changesJson])
  // One transaction: a crash leaves the role with all of its rights or those that it had.
  await client.query(['BEGIN', ...rows.map(({ statement }) => statement), 'COMMIT'].join(';'))
}

interface Identity extends AdmittedRole {
  /** Tells one database from another, on whatever server. */
  readonly database: string
}

const identityStatement = `
SELECT
  current_user AS role,
  (SELECT oid FROM pg_database WHERE datname = current_database()) || ' ' || pg_postmaster_start_time() AS database,
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR EXISTS (
    SELECT FROM pg_class
    WHERE relname = 'intent' AND relnamespace = 'public'::regnamespace AND pg_has_role(relowner, 'MEMBER')
  ) AS "isOwner"`

/** Who is connected, and to what. */
export async function identify(client: pg.Client): Promise<Identity> {
  const { rows } = await client.query<Identity>(identityStatement)
  return rows[0]!
}

async function onDatabase<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>
): Promise<Result> {
  try {
    return await withClient(connectionString, 'migration', work)
  } catch (error) {
    throw isPrivilegeMissing(error) ? adviseToOwn(error) : translateDatabaseError(error)
  }
}

function adviseToOwn(cause: unknown): MintlineError {
  return new MintlineError('config_invalid', "The service's role cannot be given its rights.", {
    violations: [
      {
        pointer: 'MINTLINE_DATABASE_OWNER_URL',
        expected: "the role that owns Mintline's tables",
        found: 'a role that does not own all of them',
        message:
          'Name the role that made them; or, as a superuser, make it theirs: REASSIGN OWNED BY the old owner TO the new one.'
      }
    ],
    cause
  })
}

/** @throws MintlineError `config_invalid`. */
export function assertSameDatabase(
  owned: Pick<Identity, 'database'>,
  served: Pick<Identity, 'database'>
): void {
  if (owned.database === served.database) return
  throw new MintlineError('config_invalid', 'The two roles are not of one database.', {
    violations: [
      {
        pointer: 'MINTLINE_DATABASE_OWNER_URL',
        expected: 'the database of DATABASE_URL, with another role',
        found: 'another database',
        message: 'Give both the same host, port and database.'
      }
    ]
  })
}
