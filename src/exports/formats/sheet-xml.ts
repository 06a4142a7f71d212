import type { Cell } from './csv.ts'
import { type Row, textOf } from './format.ts'

/** Of a cell, in UTF-16 units: more than that no spreadsheet opens. */
export const maximumCellLength = 32_767
export const cutMark = '… [cut: CSV, NDJSON and Parquet have all of it]'

const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const packages = 'http://schemas.openxmlformats.org/package/2006'
const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

export const sheetStart = `${declaration}<worksheet xmlns="${main}"><sheetData>`
export const sheetEnd = '</sheetData></worksheet>'

export const packageRelations = `${declaration}<Relationships xmlns="${packages}/relationships"><Relationship Id="rId1" Type="${relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`

export function contentTypes(sheets: number): string {
  const application = 'application/vnd.openxmlformats-officedocument.spreadsheetml'
  const parts = numbersTo(sheets).map(
    n => `<Override PartName="/xl/worksheets/sheet${n}.xml" ContentType="${application}.worksheet+xml"/>`
  )
  return `${declaration}<Types xmlns="${packages}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${application}.sheet.main+xml"/>${parts.join('')}</Types>`
}

/** @param names of the sheets, in their order. */
export function workbook(names: readonly string[]): string {
  const sheets = names.map(
    (name, index) => `<sheet name="${escapeXml(name)}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`
  )
  return `${declaration}<workbook xmlns="${main}" xmlns:r="${relations}"><sheets>${sheets.join('')}</sheets></workbook>`
}

export function workbookRelations(sheets: number): string {
  const parts = numbersTo(sheets).map(
    n => `<Relationship Id="rId${n}" Type="${relations}/worksheet" Target="worksheets/sheet${n}.xml"/>`
  )
  return `${declaration}<Relationships xmlns="${packages}/relationships">${parts.join('')}</Relationships>`
}

/** @param number from 1. */
export function rowXml(row: Row, number: number): string {
  let cells = ''
  for (const [index, cell] of row.entries()) cells += cellXml(cell, `${letterOf(index)}${number}`)
  return `<row r="${number}">${cells}</row>`
}

/** A text is a text whatever it begins with: a formula would be an element of its own. */
function cellXml(cell: Cell, reference: string): string {
  if (typeof cell === 'number') return `<c r="${reference}"><v>${cell}</v></c>`
  if (typeof cell === 'boolean') return `<c r="${reference}" t="b"><v>${cell ? 1 : 0}</v></c>`
  const text = textOf(cell)
  if (text === undefined || text === '') return ''
  return `<c r="${reference}" t="inlineStr"><is><t xml:space="preserve">${escapeXml(cutToCell(text))}</t></is></c>`
}

function cutToCell(text: string): string {
  if (text.length <= maximumCellLength) return text
  const end = text.slice(0, maximumCellLength - cutMark.length)
  // Not in the middle of a character.
  return (/[\uD800-\uDBFF]$/.test(end) ? end.slice(0, -1) : end) + cutMark
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

// eslint-disable-next-line no-control-regex -- what no XML has, and a carriage return
const notInXml = /[\u0000-\u0008\u000B-\u001F\uFFFE\uFFFF]/g

/**
 * What XML cannot hold, and a carriage return, which its readers take for a line feed, is written as `_xHHHH_`; so that a
 * text that has that itself keeps it, its underscore is (ECMA-376 part 1, 22.9.2.19, ST_Xstring).
 */
function escapeXml(text: string): string {
  return text
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_')
    .replace(notInXml, hexOf)
    .replace(/[&<>"]/g, character => entities[character]!)
}

function hexOf(character: string): string {
  return `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`
}

const letters: string[] = []

/** Of a column, from 0: A to Z, AA and so on. */
function letterOf(index: number): string {
  return (letters[index] ??= makeLetters(index))
}

function makeLetters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26))
  return index < 26 ? last : makeLetters(Math.floor(index / 26) - 1) + last
}

function numbersTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
