import { setImmediate } from 'node:timers/promises'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { Clock } from '../../../sources/clock.ts'
import type { Arriving, ArrivingStore } from './arriving-store.ts'
import {
  type BadRow,
  type DeviceNaming,
  type DeviceUpload,
  type IdentifiedDevice,
  maximumDevices,
  maximumListBytes
} from './list/device-list.ts'
import { chainRow } from './list/device-row.ts'
import { uploadConflict } from './list/errors.ts'
import { ListReader, type ReaderState, type ReadRow } from './reading/list-reader.ts'
import { StructureFault } from './reading/record.ts'

export interface ReceiptDependencies {
  readonly store: Pick<ArrivingStore, 'append'>
  readonly clock: Clock
}

/** Rows in one transaction. */
const blockRows = 2_000
/** A row with faults in each member repeats itself. */
const maximumFaultsOfRow = 3
/** Others are let in so often. */
const sliceMs = 10
const rowsOfLook = 32

/**
 * Takes the rows of an upload into the list that arrives, block by block: no more than one block is in memory, and what
 * is taken stays taken, whatever becomes of the connection and of this process.
 */
export class Receipt {
  readonly #dependencies: ReceiptDependencies
  readonly #naming: DeviceNaming
  readonly #reader: ListReader
  #list: Arriving
  #state: ReaderState
  #sha256: Uint8Array | undefined
  #devices: IdentifiedDevice[] = []
  #bad: BadRow[] = []
  /** Of the block's devices, where they stand. */
  #positions = new Map<string, number>()
  #since = performance.now()

  constructor(dependencies: ReceiptDependencies, list: Arriving, naming: DeviceNaming) {
    this.#dependencies = dependencies
    this.#naming = naming
    this.#list = list
    this.#state = list.reader
    this.#sha256 = list.sha256
    this.#reader = new ListReader(list.kind, list.reader)
  }

  /** As far as it is kept. */
  get list(): Arriving {
    return this.#list
  }

  /**
   * @returns whether the list is at its end.
   * @throws MintlineError `devices_upload_conflict` where somebody else goes on with it, `request_too_large`,
   *   `shutting_down`, and what the connection fails with; what was read before that is kept.
   */
  async read({ chunks, range, signal }: DeviceUpload): Promise<boolean> {
    const { start, end, total } = range
    let offset = start
    try {
      for await (const chunk of chunks) {
        if (signal.aborted) throw stopping()
        offset += chunk.length
        if (offset > maximumListBytes) throw tooLarge()
        const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        await this.#takeAll(this.#reader.push(bytes))
      }
      if (end !== undefined && offset !== end) throw wrongRange(end - start, offset - start)
      const isWhole = total === undefined ? end === undefined : offset === total
      if (isWhole) await this.#takeAll(this.#reader.end())
      await this.#flush()
      return isWhole
    } catch (error) {
      if (!(error instanceof StructureFault)) throw await this.#keeping(error)
      this.#bad.push(badStructure(error))
      await this.#flush()
      return true
    }
  }

  /** Keeps what is whole of a list that was cut off; who was faster, or a database that is away, changes nothing about `error`. */
  async #keeping(error: unknown): Promise<unknown> {
    if (this.#list.upload !== undefined) await this.#flush().catch(() => undefined)
    return error
  }

  async #takeAll(rows: Iterable<ReadRow>): Promise<void> {
    let count = 0
    for (const row of rows) {
      this.#take(row)
      if (this.#devices.length + this.#bad.length >= blockRows) await this.#flush()
      if (++count % rowsOfLook === 0 && performance.now() - this.#since > sliceMs) {
        await setImmediate()
        this.#since = performance.now()
      }
    }
  }

  #take(read: ReadRow): void {
    const { position, end, passed } = read
    const rows = this.#list.devices + this.#list.badRows + this.#devices.length + this.#bad.length
    if (rows >= maximumDevices)
      throw new StructureFault(
        position,
        `at most ${maximumDevices} devices`,
        'Make more than one lot of them.'
      )
    this.#state = { offset: end, passed, header: this.#reader.header }
    if ('faults' in read) return this.#refuse(position, read.faults)
    const { row } = read
    const identified = this.#naming.identify(row)
    if ('faults' in identified) return this.#refuse(position, identified.faults)
    const { deviceSha256 } = identified
    const name = Buffer.from(deviceSha256).toString('latin1')
    const before = this.#positions.get(name)
    if (before !== undefined) return void this.#bad.push(repeated(position, before))
    this.#positions.set(name, position)
    this.#devices.push({ position, deviceSha256, row })
    this.#sha256 = chainRow(this.#sha256, row)
  }

  #refuse(position: number, faults: BadRow['faults']): void {
    this.#bad.push({ position, faults: faults.slice(0, maximumFaultsOfRow) })
  }

  async #flush(): Promise<void> {
    if (this.#devices.length + this.#bad.length === 0) return
    const { store, clock } = this.#dependencies
    const block = {
      devices: this.#devices,
      bad: this.#bad,
      reader: this.#state,
      sha256: this.#sha256,
      changedAt: clock(),
      repeated: (device: IdentifiedDevice, before: number) => repeated(device.position, before)
    }
    this.#devices = []
    this.#bad = []
    this.#positions = new Map()
    const list = await store.append(this.#list, block)
    if (list === undefined)
      throw uploadConflict(this.#list, 'Another request goes on with it, or begins it anew.')
    this.#list = list
  }
}

function repeated(position: number, before: number): BadRow {
  const message = `Leave one of the two out.`
  return {
    position,
    faults: [
      {
        pointer: '',
        expected: 'a device that is listed once',
        found: `that of line ${before} again`,
        message
      }
    ]
  }
}

function badStructure({ position, expected, message }: StructureFault): BadRow {
  return {
    position,
    faults: [
      {
        pointer: '',
        expected,
        found: 'something else',
        message: `${message} What is behind it was not read.`
      }
    ]
  }
}

function tooLarge(): MintlineError {
  const detail = `A list has at most ${maximumListBytes} octets. Make more than one lot of it.`
  return new MintlineError('request_too_large', detail)
}

function stopping(): MintlineError {
  const detail = 'The service is stopping. Send the rest shortly.'
  return new MintlineError('shutting_down', detail, { retryAfterSeconds: 5 })
}

function wrongRange(announced: number, came: number): MintlineError {
  const detail = 'The body is not as long as Content-Range says. Send the range again.'
  const violation = {
    pointer: '/headers/content-range',
    expected: `${came} octets, as the body has`,
    found: String(announced),
    message: detail
  }
  return new MintlineError('request_invalid', detail, { violations: [violation] })
}
