import { open, rm } from 'node:fs/promises'
import Value from 'typebox/value'
import { roles } from '../access/principal.ts'
import { createTokens, type TokenRequest } from '../access/token/token.ts'
import { createTokenStore } from '../access/token/token-store.ts'
import { withDatabase } from '../composition/open-database.ts'
import { loadCheckedSettings } from '../config/machine-checks.ts'
import type { Database } from '../database/database.ts'
import { createStationStore } from '../factory/stations/station-store.ts'
import { TokenBody } from '../http/api/tokens/schemas.ts'
import { createRandomSource } from '../sources/random-bytes.ts'
import {
  type CommandIo,
  createCommandLog,
  operatingSystemAct,
  parseWordsAndFlags,
  UsageError
} from './command.ts'
import { translateStartFailure } from './start-failure.ts'

export const tokenUsage = `usage: mintline token create --role ${roles.join('|')} --name NAME
           [--station NAME] [--lines LINE,LINE] [--expires-at TIME] [--out FILE]

Makes a token in the database that the settings name: the first one, or one in the place of a lost one.
With the embedded database the service must be stopped meanwhile; with DATABASE_URL it may run.

  --role ROLE        ${roles.join(' | ')}
  --name NAME        the station, or whom the token is made out to: letters, digits and inner . _ -, at most 64
  --station NAME     the station that a station's token belongs to; without it, the one of the token's name, which is
                     made for all profiles where there is none
  --lines LINES      lines of production that a display, auditor or operator sees alone; a display has some
  --expires-at TIME  from when on it is not taken any more, as 2027-01-31 or 2027-01-31T18:00:00Z; without it, it is until
                     it is revoked
  --out FILE         writes the secret to a new file, mode 0600; without it the secret goes to standard output
`

interface Asked extends TokenRequest {
  readonly outFile: string | undefined
}

/**
 * Makes a token for whoever may read the settings and reach the database: that right is the proof, as there may be no
 * token to show. It goes on record under the operating system's user, `cli/<user>`.
 *
 * @throws UsageError; MintlineError of the settings and of the database.
 */
export async function runToken(io: CommandIo, args: readonly string[]): Promise<number> {
  const { outFile, ...request } = parseRequest(args)
  const { config } = loadCheckedSettings(io.environment)
  let isWritten = false
  // The file first: a crash in between leaves a secret that opens nothing, never a token whose secret is lost.
  const keep = async (secret: string) => {
    if (outFile === undefined) return
    await writeNewFile(outFile, `${secret}\n`)
    isWritten = true
  }
  const make = (database: Database) => tokensOf(database).create(request, operatingSystemAct(), keep)
  try {
    const { token, secret, warnings } = await withDatabase(config, createCommandLog(io), make)
    if (outFile === undefined) io.write(`${secret}\n`)
    for (const warning of warnings) io.writeError(`warning: ${warning}\n`)
    io.writeError(
      `Made the ${token.role} token "${token.name}", id ${token.id}. Its secret is kept nowhere else.\n`
    )
    return 0
  } catch (error) {
    if (outFile !== undefined && isWritten) await rm(outFile, { force: true })
    throw translateStartFailure(error, config)
  }
}

function tokensOf(database: Database) {
  return createTokens({
    store: createTokenStore(database),
    uses: { note: () => undefined },
    findStation: createStationStore(database).find,
    clock: () => new Date(),
    randomBytes: createRandomSource()
  })
}

function parseRequest(args: readonly string[]): Asked {
  const text = { type: 'string' } as const
  const flags = { role: text, name: text, station: text, lines: text, 'expires-at': text, out: text }
  const { positionals, values } = parseWordsAndFlags(args, flags)
  if (positionals.length !== 1 || positionals[0] !== 'create')
    throw new UsageError('the only command is `create`')
  const role = roles.find(known => known === values.role)
  if (role === undefined) throw new UsageError(`--role is one of ${roles.join(', ')}`)
  if (!Value.Check(TokenBody.properties.name, values.name)) {
    throw new UsageError('--name is letters, digits and inner . _ -, at most 64')
  }
  if (values.out === '') throw new UsageError('--out is a file')
  const expiresAt = values['expires-at'] === undefined ? undefined : new Date(values['expires-at'])
  if (expiresAt !== undefined && Number.isNaN(expiresAt.getTime()))
    throw new UsageError('--expires-at is a date or a time, as 2027-01-31T18:00:00Z')
  const lines = values.lines?.split(',')
  if (lines !== undefined && !Value.Check(TokenBody.properties.lines, lines))
    throw new UsageError('--lines are different names with commas between, each of at most 64 characters')
  return { role, name: values.name, station: values.station, lines, expiresAt, outFile: values.out }
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
