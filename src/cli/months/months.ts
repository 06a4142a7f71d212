import { withOwnerDatabase } from '../../composition/open-database.ts'
import { loadCheckedSettings } from '../../config/machine-checks.ts'
import { withClient } from '../../database/connection.ts'
import { translateDatabaseError } from '../../database/database-error.ts'
import { attachMonth } from '../../records/months/attach-store.ts'
import { detachMonth, type MonthWork } from '../../records/months/detach-store.ts'
import { type Month, parseMonth } from '../../records/months/month.ts'
import { listMonths, type MonthOverview } from '../../records/months/overview-store.ts'
import { createRandomSource } from '../../sources/random-bytes.ts'
import {
  type CommandIo,
  createCommandLog,
  operatingSystemAct,
  parseWordsAndFlags,
  UsageError
} from '../command.ts'
import { translateStartFailure } from '../start-failure.ts'

export const monthsUsage = `usage: mintline months list [--json]
       mintline months detach MONTH [--reason TEXT]
       mintline months attach MONTH [--reason TEXT]

Takes the records of an old month out of the database's record, and puts them back. MONTH is as 2026-01, of UTC. No proof
goes with it: a device of that month still gets no second certificate, and a key stays its device's. Who asks for such a
record meanwhile is told \`409 record_detached\`, with the month.

  detach  the month is at least two months old, nothing of it is open, its events are delivered and its lots closed. Its
          tables (intent_2026_01, issued_2026_01, refusal_2026_01, refusal_count_2026_01) stay in the database: dump them
          with pg_dump -t, then drop them. What their rows were like is kept.
  attach  the tables are there again, and each row is as it was; one that is another is named, and nothing is attached.

It works as the owner of the tables (MINTLINE_DATABASE_OWNER_URL, or DATABASE_URL where there is but one role), while the
service runs. With the embedded database the service must be stopped meanwhile.

  --reason  goes into the audit
  --json    for programs
`

interface Asked {
  readonly verb: 'list' | 'detach' | 'attach'
  readonly month: Month | undefined
  readonly reason: string | undefined
  readonly isJson: boolean
}

/** Where a person watches, progress is told. */
export interface MonthsIo extends CommandIo {
  readonly isTerminal: boolean
}

/**
 * @returns the exit code.
 * @throws UsageError; MintlineError `month_refused`; what keeps the database away.
 */
export async function runMonths(io: MonthsIo, args: readonly string[]): Promise<number> {
  const asked = parseCommand(args)
  const { config } = loadCheckedSettings(io.environment)
  const work = (owner: string) =>
    withClient(owner, 'migration', client =>
      act(asked, {
        io,
        client,
        act: { ...operatingSystemAct(), reason: asked.reason },
        randomBytes: createRandomSource(),
        ...(io.isTerminal && { onRows: tellRows(io) })
      })
    ).catch((error: unknown) => {
      throw translateDatabaseError(error)
    })
  const text = await withOwnerDatabase(config, createCommandLog(io), work).catch((error: unknown) => {
    throw translateStartFailure(error, config)
  })
  io.write(text)
  return 0
}

function parseCommand(args: readonly string[]): Asked {
  const { positionals, values } = parseWordsAndFlags(args, {
    reason: { type: 'string' },
    json: { type: 'boolean' }
  })
  const [verb, name, ...others] = positionals
  if (verb !== 'list' && verb !== 'detach' && verb !== 'attach')
    throw new UsageError('the commands are `list`, `detach` and `attach`')
  if (others.length > 0 || (verb === 'list') !== (name === undefined))
    throw new UsageError(verb === 'list' ? '`list` takes no month' : 'name one month, as 2026-01')
  if (values.reason?.trim() === '') throw new UsageError('--reason is a text')
  if (verb === 'list' && values.reason !== undefined) throw new UsageError('`list` takes no --reason')
  const month = name === undefined ? undefined : parseMonth(name)
  if (name !== undefined && month === undefined)
    throw new UsageError(`${name} is no month: expected year and month, as 2026-01`)
  return { verb, month, reason: values.reason, isJson: values.json === true }
}

async function act(
  { verb, month, isJson }: Asked,
  work: MonthWork & { readonly io: CommandIo }
): Promise<string> {
  if (month === undefined) {
    const months = await listMonths(work.client)
    return isJson ? `${JSON.stringify({ months }, undefined, 2)}\n` : months.map(describeMonth).join('')
  }
  if (verb === 'detach') {
    const { tables, lockedMs, waits } = await detachMonth(month, work)
    const told = { month: month.name, tables: tables.map(viewTable), lockedMs: Math.round(lockedMs), waits }
    if (isJson) return `${JSON.stringify(told, undefined, 2)}\n`
    return `${month.name} is detached; the record was locked for ${told.lockedMs} ms.\n${told.tables.map(describeTable).join('')}Keep the tables and drop them, as docs/operations.md says.\n`
  }
  const tables = (await attachMonth(month, work)).map(viewTable)
  if (isJson) return `${JSON.stringify({ month: month.name, tables }, undefined, 2)}\n`
  return `${month.name} is attached; every row is as it was.\n${tables.map(describeTable).join('')}`
}

interface ToldTable {
  readonly name: string
  readonly rows: number
  readonly sha256: string
}

function viewTable({ name, rows, sha256 }: { name: string; rows: number; sha256: Buffer }): ToldTable {
  return { name, rows, sha256: sha256.toString('hex') }
}

const describeTable = ({ name, rows, sha256 }: ToldTable) => `  ${name}: ${rows} rows, SHA-256 ${sha256}\n`

function describeMonth({ month, detachedAt, detachedBy, rows, isHere }: MonthOverview): string {
  if (detachedAt === undefined)
    return `${month}  attached${rows === undefined ? '' : `, about ${rows} issuances`}\n`
  const place = isHere ? 'its tables are still in this database' : 'its tables are elsewhere'
  return `${month}  detached ${detachedAt} by ${detachedBy}, ${rows ?? 0} issuances; ${place}\n`
}

function tellRows({ writeError }: CommandIo): (table: string, rows: number) => void {
  let toldAt = 0
  return (table, rows) => {
    if (performance.now() - toldAt < 200) return
    toldAt = performance.now()
    writeError(`\r${table}: ${rows} rows read\u001b[K\r`)
  }
}
