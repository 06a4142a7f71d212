import type { Readable } from 'node:stream'
import Type, { type TSchema } from 'typebox'
import { jsonContent } from '../schemas/reference.ts'

const rows = (description: string) => Type.Unsafe<Readable>({ type: 'string', description })

/** The answers of a list, as the `content` of a response: a page as JSON, or rows. */
export function listContent<Schema extends TSchema>(page: Schema) {
  return {
    ...jsonContent(page),
    'text/csv': { schema: rows('A row an item, to the end of the list.') },
    'application/x-ndjson': {
      schema: rows('An item a line, to the end of the list.')
    }
  }
}

/** For the description of such a list. */
export const rowsTold =
  'With `Accept: text/csv` or `application/x-ndjson` the answer is the whole list, as rows, whatever `limit`; what would be a formula in a spreadsheet has an apostrophe in front. Where it was cut off, the id of its last whole row is the `cursor` to go on with, and `Accept: text/csv;header=absent` leaves out the names of the columns.'
