import { formatCsv } from './csv.ts'
import type { OpenFormat } from './format.ts'

/** As the lists answer `text/csv`, with the names of the columns first. */
export const openCsv: OpenFormat = (_name, columns) => {
  let header: readonly (readonly string[])[] = [columns.map(({ name }) => name)]
  const format = (rows: Parameters<typeof formatCsv>[0]) => {
    const text = formatCsv([...header, ...rows])
    header = []
    return text === '' ? [] : [Buffer.from(text)]
  }
  return {
    add: async rows => format(rows),
    // Of an export without rows, the header.
    end: async () => format([])
  }
}

/** As the lists answer `application/x-ndjson`. */
export const openNdjson: OpenFormat = () => ({
  add: async rows => [Buffer.from(rows.map(([value]) => `${JSON.stringify(value)}\n`).join(''))],
  end: async () => []
})
