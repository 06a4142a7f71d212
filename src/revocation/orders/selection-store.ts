import { Prisma } from '../../database/generated/client.ts'
import type { FinalReason } from '../../pki/revocation/reason.ts'
import { firstIdentifierOf } from '../../sources/identifier.ts'
import type { Selection } from './selection.ts'

/** Where one that looks for them stands. */
export interface Walk {
  readonly selection: Selection
  /** Of what is not named one by one, what has a smaller id: it was asked for before the order. */
  readonly orderId: string
  /** Id of the last that was looked at. */
  readonly position: string | null
}

/**
 * `looked`: the next intents among which the selected ones are, by their ids. Each way is a walk along an index: that of the
 * station, lot or generation with the id behind it; else, of a line, for which there is none, that of the ids alone within
 * the time. Not more than `limit` of them, whatever they are, so that no statement takes long.
 */
export function lookAt({ selection, orderId, position }: Walk, limit: number): Prisma.Sql {
  const conditions = [
    ...indexed(selection),
    ...('ids' in selection || 'compromised' in selection ? [] : [Prisma.sql`id < ${orderId}::uuid`]),
    ...(position === null ? [] : [Prisma.sql`id > ${position}::uuid`])
  ]
  return Prisma.sql`looked AS MATERIALIZED (
      SELECT id, spki_sha256, serial_number, authority_id, line FROM intent
      WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY id LIMIT ${limit}
    )`
}

function indexed(selection: Selection): readonly Prisma.Sql[] {
  if ('ids' in selection) return [Prisma.sql`id = ANY(${[...selection.ids]}::uuid[])`]
  if ('compromised' in selection) return [isOfAuthority(selection.compromised)]
  const { from, to } = selection
  return [
    ...('station' in selection ? [Prisma.sql`station = ${selection.station}`] : []),
    ...('lot' in selection ? [Prisma.sql`lot = ${selection.lot}`] : []),
    ...('authority' in selection ? [isOfAuthority(selection.authority)] : []),
    ...(from === undefined ? [] : [Prisma.sql`id >= ${firstIdentifierOf(from)}::uuid`]),
    ...(to === undefined ? [] : [Prisma.sql`id < ${firstIdentifierOf(to)}::uuid`])
  ]
}

const isOfAuthority = (name: string) =>
  Prisma.sql`authority_id = (SELECT id FROM authority WHERE name = ${name})`

/** Whether one of `looked` is selected. */
export function isSelected(selection: Selection): Prisma.Sql {
  return 'line' in selection ? Prisma.sql`looked.line = ${selection.line}` : Prisma.sql`true`
}

/**
 * Whether one of `looked` has a certificate, or may have been signed: it is not void.
 *
 * @param since of an order under way: what was declared void after that was counted with it.
 */
export function mayBeSigned(since?: Date): Prisma.Sql {
  return Prisma.sql`NOT EXISTS (
      SELECT FROM void WHERE void.intent_id = looked.id ${before('void', since)} ${oneByOne}
    )`
}

/** Each is looked up by itself: the planner would rather read the whole table once, which may be the larger part. */
const oneByOne = Prisma.sql`OFFSET 0`

interface OrderGrounds {
  readonly reason: FinalReason
  readonly invalidityDate: Date | null
}

/**
 * Whether one of `looked` is left out: it is revoked, or the factory ended it for the same reason, to which the order adds
 * nothing but a time.
 *
 * @param since of an order under way: what has ended after that was counted with it.
 */
export function isLeftOut({ reason, invalidityDate }: OrderGrounds, since?: Date): Prisma.Sql {
  const byAct = Prisma.sql`EXISTS (
      SELECT FROM revocation_act AS earlier
      WHERE earlier.intent_id = looked.id AND ${isEndFor({ reason, invalidityDate })} ${before('earlier', since)}
      ${oneByOne}
    )`
  if (reason !== 'superseded' || invalidityDate !== null) return byAct
  const until = since === undefined ? Prisma.sql`now()` : Prisma.sql`${since}::timestamptz`
  return Prisma.sql`(${byAct} OR EXISTS (
      SELECT FROM certificate_status AS status
      WHERE status.intent_id = looked.id AND status.state <> 'revoked' AND status.ends_at <= ${until}
      ${oneByOne}
    ))`
}

/** Of a row of `revocation_act` as `earlier`. */
export function isEndFor({ reason, invalidityDate }: OrderGrounds): Prisma.Sql {
  return invalidityDate === null
    ? Prisma.sql`(earlier.act = 'revoke' OR earlier.act = 'end' AND earlier.reason = ${reason})`
    : Prisma.sql`earlier.act = 'revoke'`
}

function before(table: 'void' | 'earlier', since: Date | undefined): Prisma.Sql {
  return since === undefined
    ? Prisma.empty
    : Prisma.sql`AND ${Prisma.raw(table)}.created_at < ${since}::timestamptz`
}
