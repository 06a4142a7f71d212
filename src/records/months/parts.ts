import { identifierBounds, type IdentifierRange, timeOfIdentifier } from '../../sources/identifier.ts'

/** How many months the second part has. */
const secondMonths = 3

/**
 * A range in parts that meet, the latest first: the month that it ends in, some before it, and the rest. A statement is planned for
 * all months of its range, which takes much longer than reading a page of one: the newest rows are asked for of few months.
 *
 * @param now what a range without an end is taken to end in; what is later is in the first part.
 */
export function* partsOf<Range extends IdentifierRange>(range: Range, now: Date): Generator<Range> {
  const { first, end } = identifierBounds(range)
  const least = first === undefined ? 0 : timeOfIdentifier(first).getTime()
  const latest = end === undefined ? now : timeOfIdentifier(end)
  let { to } = range
  for (const monthsBefore of [0, secondMonths]) {
    const from = new Date(Date.UTC(latest.getUTCFullYear(), latest.getUTCMonth() - monthsBefore))
    if (from.getTime() <= least) break
    yield { ...range, from, ...(to && { to }) }
    to = from
  }
  yield { ...range, ...(to && { to }) }
}

/**
 * A page of a list, newest first, by its parts.
 *
 * @param read the rows of a part, at most so many.
 */
export async function readParts<Range, Row>(
  parts: Iterable<Range>,
  limit: number,
  read: (part: Range, limit: number) => Promise<readonly Row[]>
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const part of parts) {
    rows.push(...(await read(part, limit - rows.length)))
    if (rows.length >= limit) break
  }
  return rows
}
