import { Prisma } from '../../../database/generated/client.ts'
import type { IssuanceQuery } from '../../record.ts'
import { spkiCode } from '../term.ts'
import { searchTooBroad } from '../too-broad.ts'
import {
  allOf,
  beginsWith,
  codeList,
  type ExactTerm,
  type PrefixTerm,
  rangeConditions,
  withoutCursor
} from './conditions-store.ts'
import type { Ask } from './search-session-store.ts'

interface AskedTerm {
  readonly name: ExactTerm['name']
  readonly value: string
}

/** With the numbers that its value has among those that are shared. */
export async function resolveExact(ask: Ask, { name, value }: AskedTerm): Promise<ExactTerm> {
  const rows = await ask<{ id: number }>(Prisma.sql`
    SELECT id FROM search_value WHERE name = ${codeList(name)} AND value = ${value}`)
  return { name, value, sharedIds: rows.map(({ id }) => id) }
}

/** As above, of a beginning. */
export async function resolvePrefix(ask: Ask, { name, value: beginning }: AskedTerm): Promise<PrefixTerm> {
  const [row] = await ask<{ id: number }>(Prisma.sql`
    SELECT id FROM search_value
    WHERE name = ${codeList(name)} AND ${beginsWith(Prisma.sql`value`, { beginning })} LIMIT 1`)
  return { name, beginning, sharedIds: row === undefined ? [] : [row.id] }
}

/** Records that a key of the record names, or undefined where none is asked for. */
export async function resolveKeys(ask: Ask, query: IssuanceQuery): Promise<readonly string[] | undefined> {
  const { serialNumber, certificateId, spkiSha256, requestId } = query
  const statements = [
    ...(serialNumber === undefined
      ? []
      : [
          Prisma.sql`SELECT intent_id::text AS id FROM certified_serial
            WHERE serial_number = ${Buffer.from(serialNumber, 'hex')}`
        ]),
    ...(certificateId === undefined
      ? []
      : [
          Prisma.sql`SELECT intent_id::text AS id FROM certified_id
            WHERE certificate_id = ${Buffer.from(certificateId, 'hex')}`
        ]),
    ...(spkiSha256 === undefined ? [] : [recordsOfKey(spkiSha256)])
  ]
  const lists: (readonly string[])[] = []
  for (const statement of statements) lists.push(await idsOf(ask, statement))
  if (requestId !== undefined) lists.push(await listOfRequest(ask, requestId, query))
  const [first, ...others] = lists
  const sets = others.map(list => new Set(list))
  return first?.filter(id => sets.every(set => set.has(id)))
}

async function idsOf(ask: Ask, statement: Prisma.Sql): Promise<readonly string[]> {
  return (await ask<{ id: string }>(statement)).map(({ id }) => id)
}

/** @throws MintlineError `search_too_broad` where there are too many. */
async function listOfRequest(ask: Ask, requestId: string, query: IssuanceQuery): Promise<readonly string[]> {
  const ids = await idsOf(ask, recordsOfRequest(requestId, query))
  if (ids.length <= mostOfRequest) return ids
  throw searchTooBroad(
    `More than ${mostOfRequest} records are of the request id.`,
    'Add from and to, as near to each other as it takes.'
  )
}

/** A batch has them all of one request; and a client may send whatever it likes as its request id. */
const mostOfRequest = 10_000

/**
 * Along all records of the time that is asked for: an index on what no record has in common with another would make each
 * issuance dearer.
 */
function recordsOfRequest(requestId: string, query: IssuanceQuery): Prisma.Sql {
  const range = allOf(rangeConditions(Prisma.sql`id`, withoutCursor(query)))
  const ofTable = (table: string) => Prisma.sql`
    SELECT id::text AS id FROM ${Prisma.raw(table)} WHERE request_id = ${requestId} AND ${range}`
  return Prisma.sql`
    SELECT id FROM (${ofTable('intent')} UNION ALL ${ofTable('refusal')}) AS own LIMIT ${mostOfRequest + 1}::int`
}

/** Those of refusals, which need not have been for a device, stand among the values. */
function recordsOfKey(spkiSha256Hex: string): Prisma.Sql {
  return Prisma.sql`
    SELECT own.id::text AS id
    FROM certified_key
    JOIN certified_device ON certified_device.device_sha256 = certified_key.device_sha256
    JOIN intent AS own ON own.id = certified_device.intent_id AND own.spki_sha256 = certified_key.spki_sha256
    WHERE certified_key.spki_sha256 = ${Buffer.from(spkiSha256Hex, 'hex')}
    UNION
    SELECT record_id::text FROM search_term WHERE name = ${spkiCode}::int AND value = ${spkiSha256Hex}`
}
