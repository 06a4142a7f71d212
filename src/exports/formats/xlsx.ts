import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { ZipFile } from 'yazl'
import type { OpenFormat, Row } from './format.ts'
import {
  contentTypes,
  packageRelations,
  rowXml,
  sheetEnd,
  sheetStart,
  workbook,
  workbookRelations
} from './sheet-xml.ts'

/** Of a sheet, the names of its columns among them: more than that no spreadsheet opens. */
const maximumRows = 1_048_576

/** Said by every entry: a file of the same rows is the same file. */
const entryOptions = { mtime: new Date(Date.UTC(2020, 0, 1)), compressionLevel: 3 } as const

/**
 * A workbook (ECMA-376, SpreadsheetML): texts stand in their cells as such, never as formulas, and rows beyond what a sheet
 * holds go on in the next one.
 */
export const openXlsx: OpenFormat = (name, columns) =>
  new Workbook(
    name,
    columns.map(column => column.name),
    maximumRows
  )

export class Workbook {
  readonly #name: string
  readonly #header: Row
  readonly #maximumRows: number
  readonly #zip = new ZipFile()
  readonly #written: Uint8Array[] = []
  readonly #ended: Promise<unknown>
  #sheet: PassThrough | undefined
  #sheets = 0
  /** Of the sheet that is open. */
  #rows = 0

  constructor(name: string, header: readonly string[], rowsOfSheet: number) {
    this.#name = name
    this.#header = header
    this.#maximumRows = rowsOfSheet
    this.#zip.outputStream.on('data', (octets: Uint8Array) => this.#written.push(octets))
    this.#ended = once(this.#zip.outputStream, 'end')
    // Told by whoever waits for it.
    this.#ended.catch(() => undefined)
  }

  async add(rows: readonly Row[]): Promise<readonly Uint8Array[]> {
    for (let at = 0; at < rows.length;) {
      if (this.#sheet === undefined || this.#rows >= this.#maximumRows) await this.#openSheet()
      const fitting = rows.slice(at, at + this.#maximumRows - this.#rows)
      await this.#write(fitting.map(row => rowXml(row, ++this.#rows)).join(''))
      at += fitting.length
    }
    return this.#take()
  }

  async end(): Promise<readonly Uint8Array[]> {
    if (this.#sheet === undefined) await this.#openSheet()
    await this.#closeSheet()
    const names = Array.from({ length: this.#sheets }, (_, index) => this.#nameOf(index + 1))
    const parts = {
      '[Content_Types].xml': contentTypes(names.length),
      '_rels/.rels': packageRelations,
      'xl/workbook.xml': workbook(names),
      'xl/_rels/workbook.xml.rels': workbookRelations(names.length)
    }
    for (const [path, xml] of Object.entries(parts)) this.#zip.addBuffer(Buffer.from(xml), path, entryOptions)
    this.#zip.end()
    await this.#ended
    return this.#take()
  }

  async #openSheet(): Promise<void> {
    await this.#closeSheet()
    this.#sheets += 1
    this.#rows = 1
    this.#sheet = new PassThrough()
    this.#zip.addReadStream(this.#sheet, `xl/worksheets/sheet${this.#sheets}.xml`, entryOptions)
    await this.#write(sheetStart + rowXml(this.#header, 1))
  }

  async #closeSheet(): Promise<void> {
    if (this.#sheet === undefined) return
    await this.#write(sheetEnd)
    this.#sheet.end()
  }

  /** Waits until it is compressed as far as it does not fit into buffers: memory stays bounded. */
  async #write(xml: string): Promise<void> {
    if (!this.#sheet!.write(xml)) await once(this.#sheet!, 'drain')
  }

  #take(): readonly Uint8Array[] {
    return this.#written.splice(0)
  }

  #nameOf(number: number): string {
    return number === 1 ? this.#name : `${this.#name} ${number}`
  }
}
