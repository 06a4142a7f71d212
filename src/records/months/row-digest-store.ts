import { createHash, type Hash } from 'node:crypto'
import type pg from 'pg'

/** A row's id and the SHA-256 of its text. */
interface DigestedRow {
  readonly id: string
  readonly digest: Buffer
}

/** Rows whose marks are one row of `detached_block`. */
export const rowsOfBlock = 1000
/** Of a digest: enough to tell which row is another, while the whole is held by 32 bytes. */
const markBytes = 8

/** Rows of one block, in the order of their ids. */
export interface Block {
  readonly number: number
  readonly ids: readonly string[]
  readonly marks: Buffer
}

/** What the rows of a table come to: how many they are, and the SHA-256 over those of the rows in the order of their ids. */
export interface TableDigest {
  readonly rows: number
  readonly sha256: Buffer
}

/**
 * Reads a table through, in bounded memory. Its rows must not change meanwhile.
 *
 * @param columns those that count, in this order; the text of each is PostgreSQL's, under the settings of our sessions.
 * @param onBlock told of each block as it is read.
 */
export async function digestTable(
  client: pg.Client,
  { name, columns }: { readonly name: string; readonly columns: readonly string[] },
  onBlock: (block: Block) => Promise<void>
): Promise<TableDigest> {
  const key = columns.includes('intent_id') && !columns.includes('id') ? 'intent_id' : 'id'
  const list = columns.map(column => `"${column}"`).join(', ')
  const statement = `
    SELECT ${key}::text AS id, sha256(convert_to(ROW(${list})::text, 'UTF8')) AS digest
    FROM public.${name} WHERE ${key} > $1::uuid ORDER BY ${key} LIMIT ${rowsOfBlock}`
  const whole: Hash = createHash('sha256')
  let rows = 0
  let after = '00000000-0000-0000-0000-000000000000'
  for (let number = 0; ; number++) {
    const { rows: block } = await client.query<DigestedRow>(statement, [after])
    if (block.length === 0) break
    for (const { digest } of block) whole.update(digest)
    rows += block.length
    after = block.at(-1)!.id
    await onBlock({
      number,
      ids: block.map(({ id }) => id),
      marks: Buffer.concat(block.map(({ digest }) => digest.subarray(0, markBytes)))
    })
    if (block.length < rowsOfBlock) break
  }
  return { rows, sha256: whole.digest() }
}

/** The first row of a block that is another than its mark says. @param marks undefined: there was no such block. */
export function findChanged({ ids, marks: found }: Block, marks: Buffer | undefined): string | undefined {
  if (marks === undefined) return ids[0]
  const changed = ids.findIndex(
    (_, index) =>
      !found
        .subarray(index * markBytes, (index + 1) * markBytes)
        .equals(marks.subarray(index * markBytes, (index + 1) * markBytes))
  )
  return changed < 0 ? undefined : ids[changed]
}
