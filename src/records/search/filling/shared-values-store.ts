import type { Prisma } from '../../../database/database.ts'
import { keyOfTerm, kindOfTerm, metadataCode, type Term } from '../term.ts'

/** The numbers of values that are shared, by `keyOfTerm`. */
export async function findSharedValues(
  transaction: Prisma.TransactionClient,
  terms: readonly Term[]
): Promise<Map<string, number>> {
  const rows = await transaction.$queryRaw<{ id: number; name: number; value: string }[]>`
    SELECT search_value.id, search_value.name, search_value.value
    FROM unnest(${terms.map(({ code }) => code)}::int[], ${terms.map(({ value }) => value)}::text[]) AS t(name, value)
    JOIN search_value ON search_value.name = t.name AND search_value.value = t.value`
  return new Map(rows.map(({ id, name, value }) => [keyOfTerm({ code: name, value }), id]))
}

/** How many rows of their own terms have, up to `most`, in the order of the terms. */
export async function countTermRows(
  transaction: Prisma.TransactionClient,
  terms: readonly Term[],
  most: number
): Promise<readonly number[]> {
  const rows = await transaction.$queryRaw<{ count: number }[]>`
    SELECT (
      SELECT count(*)::int FROM (
        SELECT FROM search_term WHERE search_term.name = t.name AND search_term.value = t.value LIMIT ${most}::int
      ) AS found
    ) AS count
    FROM unnest(${terms.map(({ code }) => code)}::int[], ${terms.map(({ value }) => value)}::text[])
      WITH ORDINALITY AS t(name, value, ordinal)
    ORDER BY ordinal`
  return rows.map(({ count }) => count)
}

/** @returns as `findSharedValues`. */
export async function insertSharedValues(
  transaction: Prisma.TransactionClient,
  terms: readonly Term[]
): Promise<Map<string, number>> {
  const rows = await transaction.$queryRaw<{ id: number; name: number; value: string }[]>`
    INSERT INTO search_value (name, value)
    SELECT * FROM unnest(${terms.map(({ code }) => code)}::int[], ${terms.map(({ value }) => value)}::text[])
    RETURNING id, name, value`
  return new Map(rows.map(({ id, name, value }) => [keyOfTerm({ code: name, value }), id]))
}

/** How many values are shared, by what they are values of: see `kindOfTerm`. */
export async function countSharedValues(
  transaction: Prisma.TransactionClient
): Promise<ReadonlyMap<string, number>> {
  const rows = await transaction.$queryRaw<{ name: number; value: string; count: number }[]>`
    SELECT name, min(value) AS value, count(*)::int AS count FROM search_value
    GROUP BY name, CASE WHEN name = ${metadataCode}::int THEN split_part(value, ':', 1) END`
  return new Map(rows.map(({ name, value, count }) => [kindOfTerm({ code: name, value }), count]))
}
