import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { loadCheckedSettings } from '../../config/machine-checks.ts'
import type { LotStatement } from '../../factory/lots/statement/statement.ts'
import { readStatementKey, statementKeyFile } from '../../factory/lots/statement/statement-key.ts'
import { StatementRefused, verifyStatement } from '../../factory/lots/statement/verification.ts'
import { type CommandIo, parseWordsAndFlags, readInputFile, UsageError } from '../command.ts'

export const lotUsage = `usage: mintline lot verify FILE [--jwks FILE] [--json]

Verifies the statement of a closed lot, with no service and no network: the signature, and that the numbers add up.
FILE is what \`POST /v1/lots/{id}/close\` answered, or the statement alone.

  --jwks FILE  the keys that count: a copy of /.well-known/jwks.json of the service, got from whom you trust. Without it,
               the key in MINTLINE_DATA_DIR on this machine counts.
  --json       print what is stated, as JSON

Ends with 0 when it is right, with 1 when it is not, with 2 when something cannot be read.
`

/** @throws UsageError. */
export async function runLot(io: CommandIo, args: readonly string[]): Promise<number> {
  const { positionals, values } = parseWordsAndFlags(args, {
    jwks: { type: 'string' },
    json: { type: 'boolean' }
  })
  const [verb, file, ...others] = positionals
  if (verb !== 'verify') throw new UsageError('the only command is `verify`')
  if (file === undefined || others.length > 0) throw new UsageError('name one file')
  const jws = statementIn((await readInputFile(file)).toString('utf8'), file)
  const keys = values.jwks === undefined ? await ownKeys(io) : await readKeys(values.jwks)
  try {
    const statement = await verifyStatement(jws, keys)
    io.write(values.json === true ? `${JSON.stringify(statement, undefined, 2)}\n` : describe(statement))
    return 0
  } catch (error) {
    if (!(error instanceof StatementRefused)) throw error
    io.writeError(`${file}: NOT VALID: ${error.message}\n`)
    return 1
  }
}

function statementIn(text: string, file: string): string {
  const trimmed = text.trim()
  if (!trimmed.startsWith('{')) return trimmed
  const { statement } = parseJson(trimmed, file)
  if (typeof statement === 'string') return statement
  throw new UsageError(`${file} is JSON without the member "statement"`)
}

function parseJson(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new UsageError(`${file} is no JSON object`)
}

async function readKeys(file: string): Promise<readonly JWK[]> {
  const { keys } = parseJson((await readInputFile(file)).toString('utf8'), file)
  if (Array.isArray(keys)) return keys as JWK[]
  throw new UsageError(`${file} is no JWK Set: it has no list "keys"`)
}

async function ownKeys({ environment }: CommandIo): Promise<readonly JWK[]> {
  const path = join(loadCheckedSettings(environment).config.dataDirectory, statementKeyFile)
  const pem = await readFile(path, 'utf8').catch(() => {
    throw new UsageError(`there is no key ${path} on this machine: name the keys with --jwks`)
  })
  return [(await readStatementKey(pem, path)).publicJwk]
}

function describe(statement: LotStatement): string {
  const { lot, profile, ordered, issued, remaining, scrapped, refused } = statement
  const period =
    statement.firstIssuedAt === null ? '' : `, from ${statement.firstIssuedAt} to ${statement.lastIssuedAt}`
  const flags = (statement.flags ?? []).map(
    ({ reason, station, at }) =>
      `  flagged ${at}: ${reason} of ${station}; look at its devices before they are shipped`
  )
  const lines = [
    `VALID: lot ${lot}, profile ${profile}, closed ${statement.closedAt}`,
    `ordered ${ordered} = issued ${issued} + remaining ${remaining}; scrapped ${scrapped}, refused ${refused}${period}`,
    ...(statement.devices === undefined
      ? []
      : [
          `devices expected ${statement.devices.expected}, issued ${statement.devices.issued}, list SHA-256 ${statement.devices.sha256}`
        ]),
    ...statement.stations.map(
      share =>
        `  ${share.station}: issued ${share.issued}, scrapped ${share.scrapped}, refused ${share.refused}`
    ),
    ...flags,
    `certificate ids SHA-256 ${statement.certificateIdsSha256}`
  ]
  return `${lines.join('\n')}\n`
}
