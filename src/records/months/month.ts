import { MintlineError } from '../../errors/mintline-error.ts'
import {
  firstIdentifierOf,
  identifierBounds,
  type IdentifierRange,
  timeOfIdentifier
} from '../../sources/identifier.ts'

/** The tables with a partition for each month, by the id's time in UTC. */
export const monthlyTables = ['intent', 'issued', 'refusal', 'refusal_count'] as const

/** A month of UTC. */
export interface Month {
  /** As `2026-01`. */
  readonly name: string
  /** The ids of its records: not below `firstId`, and below `endId`. */
  readonly firstId: string
  readonly endId: string
}

/** How many months old the youngest is that can be detached: clocks that differ write into the one before this. */
export const leastAgeMonths = 2

/** @returns undefined for what is not written as `2026-01`. */
export function parseMonth(text: string): Month | undefined {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? []
  if (year === undefined || month === undefined || Number(year) < 1970) return undefined
  const start = (ahead: number) =>
    firstIdentifierOf(new Date(Date.UTC(Number(year), Number(month) - 1 + ahead)))
  return { name: text, firstId: start(0), endId: start(1) }
}

/** The month that a record's id is of. */
export function monthOf(id: string): string {
  return timeOfIdentifier(id).toISOString().slice(0, 7)
}

/** `intent_2026_01` */
export function partitionOf(table: string, { name }: Pick<Month, 'name'>): string {
  return `${table}_${name.replace('-', '_')}`
}

/** Of these months, those in which a list's range may have rows. */
export function monthsTouched(months: readonly string[], range: IdentifierRange): readonly string[] {
  const { first = '', end = 'g' } = identifierBounds(range)
  return months.filter(name => {
    const month = parseMonth(name)
    return month !== undefined && month.endId > first && month.firstId < end
  })
}

/** What is asked for is on record, in a month that is elsewhere at this time. `members.month` names it. */
export function recordDetached(id: string, month: string): MintlineError {
  return new MintlineError(
    'record_detached',
    `The record ${id} is of the month ${month}, which has been detached from the record and is kept elsewhere. What it says stands: where it is of a device's certificate, the device has that, and nothing was issued now. Ask operations to attach the month again (mintline months attach ${month}); then send the same request again.`,
    { members: { month } }
  )
}

/** What stands in the way of the command, and what to do. */
export function monthRefused(month: string, what: string): MintlineError {
  return new MintlineError('month_refused', `${month}: ${what}`)
}
