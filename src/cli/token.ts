import { open, rm } from 'node:fs/promises'
import Value from 'typebox/value'
import { type Role, roles } from '../access/principal.ts'
import { buildToken } from '../access/token.ts'
import { createTokenStore } from '../access/token-store.ts'
import { withDatabase } from '../composition/open-database.ts'
import { loadCheckedSettings } from '../config/machine-checks.ts'
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
  const sources = { time: new Date(), randomBytes: createRandomSource() }
  const { stored, secret, event } = buildToken({ role, name }, operatingSystemAct(), sources)
  // The file first: a crash in between leaves a secret that opens nothing, never a token whose secret is lost.
  if (outFile !== undefined) await writeNewFile(outFile, `${secret}\n`)
  try {
    await withDatabase(config, createCommandLog(io), database =>
      createTokenStore(database).insert(stored, event)
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
  const text = { type: 'string' } as const
  const { positionals, values } = parseWordsAndFlags(args, { role: text, name: text, out: text })
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
