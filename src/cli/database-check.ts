import type { Config } from '../config/config.ts'
import { findNativePackage, nativePackageName } from '../database/embedded/binaries.ts'
import { findHolder } from '../database/embedded/directory-lock.ts'
import { type DatabaseInspection, inspectDatabase } from '../database/inspection.ts'
import { translateStartFailure } from './start-failure.ts'

/**
 * Tries the database of the settings, for `check-config`: starts and changes nothing.
 *
 * @returns what there is to say.
 * @throws MintlineError `database_unavailable`, `database_incompatible` and `config_invalid`, as a start would.
 */
export async function describeDatabase(config: Config): Promise<string> {
  const { databaseUrl: service, databaseOwnerUrl: owner = service } = config
  if (service === undefined || owner === undefined) return describeEmbedded(config)
  const inspection = await inspectDatabase({ owner, service }).catch((error: unknown) => {
    throw translateStartFailure(error, config)
  })
  return describeInspection(inspection)
}

async function describeEmbedded({ dataDirectory }: Config): Promise<string> {
  const { version } = await findNativePackage()
  const holder = await findHolder(dataDirectory)
  const running =
    holder === undefined
      ? 'No service runs on it now; a start makes it or brings it up to date.'
      : `A service runs on it now (process ${holder}).`
  return `Database: the embedded PostgreSQL; its package is there (${nativePackageName(process)} ${version}). ${running}\n`
}

function describeInspection(found: DatabaseInspection): string {
  const { version, serviceRole, serviceRoleOwns, ownerRole, pending, isEmpty } = found
  const roles =
    serviceRole === ownerRole
      ? `One role, ${serviceRole}, makes the tables and serves. With MINTLINE_DATABASE_OWNER_URL the service needs no such rights.`
      : `Two roles: ${ownerRole} makes the tables, ${serviceRole} serves${serviceRoleOwns ? ', but could change them as well' : ''}.`
  return `Database: PostgreSQL ${version} answers. ${roles}\n${describeMigrations(pending, isEmpty)}\n`
}

function describeMigrations(pending: readonly string[], isEmpty: boolean): string {
  if (isEmpty) return 'It is empty; the next start makes the tables.'
  if (pending.length === 0) return 'No migrations are pending.'
  return `Migrations are pending, which the next start applies: ${pending.join(', ')}.`
}
