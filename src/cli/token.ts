import { mkdir, open, rm } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { parseArgs } from 'node:util'
import Value from 'typebox/value'
import type { Config } from '../config.ts'
import { createDatabase, type Database } from '../database/database.ts'
import type { DatabaseLog } from '../database/database-log.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../database/embedded-postgres.ts'
import { migrateDatabase } from '../database/migrations.ts'
import { isMintlineError, MintlineError } from '../errors.ts'
import { roles, type Role } from '../factory/principal.ts'
import { buildToken } from '../factory/token.ts'
import { createTokenStore } from '../factory/token-store.ts'
import { TokenBody } from '../http/schemas/token.ts'
import { createIdentifier } from '../identifier.ts'
import { createRandomSource } from '../random.ts'
import { UsageError, type CommandIo } from './command.ts'
import { loadCheckedSettings } from './setting-checks.ts'
import { translateStartFailure } from './start-failure.ts'

export const tokenUsage = `usage: mintline token create --role admin|auditor|station --name NAME [--out FILE]

Makes a token in the database that the settings name: the first one, or one in the place of a lost one.
With the embedded database the service must be stopped meanwhile; with DATABASE_URL it may run.

  --role ROLE  ${roles.join(' | ')}
  --name NAME  the station, or whom the token is made out to: letters, digits and inner . _ -, at most 64
  --out FILE   writes the secret to a new file, mode 0600; without it the secret goes to standard output
`

interface TokenRequest {
  readonly role: Role
  readonly name: string
  readonly outFile: string | undefined
}

/**
 * Makes a token for whoever may read the settings and reach the database: that right is the proof, as there may be no
 * token to show. It goes on record under the operating system's user, `cli/<user>`.
 *
 * @throws UsageError; MintlineError of the settings and of the database.
 */
export async function runToken(io: CommandIo, args: readonly string[]): Promise<number> {
  const { role, name, outFile } = parseRequest(args)
  const { config } = loadCheckedSettings(io.environment)
  const randomBytes = createRandomSource()
  const time = new Date()
  const actor = `cli/${operatingSystemUser()}`
  const { stored, secret } = buildToken({ role, name, createdBy: actor }, time, randomBytes)
  // The file first: a crash in between leaves a secret that opens nothing, never a token whose secret is lost.
  if (outFile !== undefined) await writeNewFile(outFile, `${secret}\n`)
  try {
    await withDatabase(config, createLog(io), database =>
      createTokenStore(database).insert(stored, {
        eventId: createIdentifier(time, randomBytes(10)),
        actor,
        time
      })
    )
  } catch (error) {
    if (outFile !== undefined) await rm(outFile, { force: true })
    throw translateStartFailure(error, config)
  }
  if (outFile === undefined) io.write(`${secret}\n`)
  io.writeError(`Made the ${role} token "${name}", id ${stored.id}. Its secret is kept nowhere else.\n`)
  return 0
}

function parseRequest(args: readonly string[]): TokenRequest {
  const { positionals, values } = parseOptions(args)
  if (positionals.length !== 1 || positionals[0] !== 'create')
    throw new UsageError('the only command is `create`')
  const role = roles.find(known => known === values.role)
  if (role === undefined) throw new UsageError(`--role is one of ${roles.join(', ')}`)
  if (!Value.Check(TokenBody.properties.name, values.name)) {
    throw new UsageError('--name is letters, digits and inner . _ -, at most 64')
  }
  if (values.out === '') throw new UsageError('--out is a file')
  return { role, name: values.name, outFile: values.out }
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { role: { type: 'string' }, name: { type: 'string' }, out: { type: 'string' } }
    })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new UsageError(error.message)
  }
}

/** Never over an existing file, which may hold the secret of a token in use. */
async function writeNewFile(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'wx', 0o600)
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST') throw new UsageError(`--out: ${path} exists; name a new file`)
    throw new UsageError(`--out: ${path} cannot be written (${code})`)
  }
}

async function withDatabase(
  config: Config,
  log: DatabaseLog,
  work: (database: Database) => Promise<void>
): Promise<void> {
  if (config.databaseUrl !== undefined) return withConnection(config.databaseUrl, log, work)
  const postgres = await startOwnPostgres(config.dataDirectory, log)
  try {
    await withConnection(postgres.connectionString, log, work)
  } finally {
    await postgres.stop()
  }
}

async function withConnection(
  connectionString: string,
  log: DatabaseLog,
  work: (database: Database) => Promise<void>
): Promise<void> {
  await migrateDatabase({ connectionString, log })
  const database = createDatabase({ connectionString, poolSize: 1 })
  try {
    await work(database)
  } finally {
    await database.close()
  }
}

async function startOwnPostgres(dataDirectory: string, log: DatabaseLog): Promise<EmbeddedPostgres> {
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  try {
    return await startEmbeddedPostgres({ dataDirectory, log })
  } catch (error) {
    if (!isLocked(error)) throw error
    throw new MintlineError(
      'data_directory_unusable',
      `${error.detail} Stop it first, or make the token through its API: POST /v1/tokens with an admin token.`,
      { cause: error.cause }
    )
  }
}

/** The lock of the data directory is an address, which another process has taken. */
function isLocked(error: unknown): error is MintlineError {
  if (!isMintlineError(error, 'data_directory_unusable')) return false
  return error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'EADDRINUSE'
}

/** A container may run under a number that has no name. */
function operatingSystemUser(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.()}`
  }
}

/** Standard output is for the secret alone. */
function createLog({ writeError }: CommandIo): DatabaseLog {
  const tell = (_fields: object, message: string) => writeError(`mintline: ${message}\n`)
  return { info: () => undefined, warn: tell, error: tell }
}
