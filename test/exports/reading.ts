import { execFileSync } from 'node:child_process'
import { pathsOfTool, skipFor } from '../support/needs/needs.ts'

export type Cells = readonly (string | number | boolean | null)[]

const python = pathsOfTool('python3').find(path => {
  try {
    execFileSync(path, ['-c', 'import openpyxl'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})

/** Options of a group that reads workbooks with openpyxl, which we did not write. */
export const needsOpenpyxl = skipFor(
  python === undefined ? ['without openpyxl (Debian package python3-openpyxl)'] : []
)

// What a spreadsheet shows: it takes `_xHHHH_` for the character, which openpyxl leaves to whoever asks.
const readWorkbook = `
import json, sys, openpyxl
from openpyxl.utils.escape import unescape
sheets = []
for sheet in openpyxl.load_workbook(sys.argv[1]).worksheets:
    assert all(cell.data_type != 'f' for row in sheet.iter_rows() for cell in row), 'a formula'
    rows = [[unescape(v) if isinstance(v, str) else v for v in row] for row in sheet.iter_rows(values_only=True)]
    sheets.append({'name': sheet.title, 'rows': rows})
print(json.dumps(sheets))
`

export function readSheets(
  path: string
): readonly { readonly name: string; readonly rows: readonly Cells[] }[] {
  const options = { encoding: 'utf8', maxBuffer: 1024 ** 3 } as const
  return JSON.parse(execFileSync(python!, ['-c', readWorkbook, path], options)) as ReturnType<
    typeof readSheets
  >
}

const readCsv =
  'import csv, io, json, sys; print(json.dumps(list(csv.reader(io.StringIO(sys.stdin.buffer.read().decode(), newline="")))))'

/** With Python's csv. */
export function readCsvRows(csv: Uint8Array): readonly (readonly string[])[] {
  const options = { input: csv, encoding: 'utf8', maxBuffer: 1024 ** 3 } as const
  return JSON.parse(execFileSync('python3', ['-c', readCsv], options)) as string[][]
}
