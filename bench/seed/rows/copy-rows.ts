/** Microseconds from 1970 to PostgreSQL's epoch, the year 2000. */
const epochMicroseconds = 946_684_800_000_000

const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')

/** The tables that have rows because of records, and which columns are written. */
export const seededTables = {
  intent: [
    ...['id', 'created_at', 'station', 'line', 'site', 'lot', 'token_id', 'metadata', 'request_id'],
    ...['serial_number', 'spki_sha256', 'device_sha256', 'request_sha256', 'tbs_der', 'csr_der'],
    ...['profile_version_id', 'authority_id']
  ],
  issued: ['intent_id', 'certificate_der', 'certificate_id', 'thing', 'issued_at'],
  refusal: [
    ...['id', 'created_at', 'station', 'line', 'site', 'lot', 'token_id', 'metadata', 'request_id'],
    ...['code', 'detail', 'violations', 'csr', 'profile_name', 'profile_version', 'authority_name']
  ],
  certified_key: ['spki_sha256', 'occurrence', 'device_sha256', 'intent_id'],
  certified_device: ['device_sha256', 'occurrence', 'intent_id'],
  certified_serial: ['serial_number', 'intent_id'],
  certified_id: ['certificate_id', 'intent_id'],
  open_intent: ['intent_id'],
  void: ['intent_id', 'created_at', 'actor', 'reason'],
  release: ['intent_id', 'created_at', 'actor', 'reason'],
  succession: ['intent_id', 'succeeds'],
  revocation: ['intent_id', 'created_at', 'actor', 'cause', 'note', 'successor_id', 'ends_at'],
  issuance_search: ['record_id', 'facet_id', 'not_after'],
  issuance_tally: ['quarter', 'facet_id', 'count', 'first_at', 'last_at'],
  search_term: ['name', 'value', 'record_id', 'facet_id'],
  search_pending: ['record_id']
}
export type SeededTable = keyof typeof seededTables

/** Rows as `COPY … (FORMAT binary)` takes them, put together field by field. */
export class CopyRows {
  readonly table: string
  readonly #columns: readonly string[]
  #buffer = Buffer.allocUnsafe(1 << 16)
  #length = 0

  constructor(table: string, columns: readonly string[]) {
    this.table = table
    this.#columns = columns
    this.#reset()
  }

  get statement(): string {
    return `COPY ${this.table} (${this.#columns.join(', ')}) FROM STDIN (FORMAT binary)`
  }

  get isEmpty(): boolean {
    return this.#length === signature.length
  }

  /** Begins a row; each of its columns follows, in their order. */
  row(): this {
    const at = this.#take(2)
    this.#buffer.writeInt16BE(this.#columns.length, at)
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#take(4 + value.length)
    this.#buffer.writeInt32BE(value.length, at)
    this.#buffer.set(value, at + 4)
    return this
  }

  /** Of ASCII, as the column's type has it: `text` or `json`. Null for null. */
  text(value: string | null): this {
    if (value === null) return this.null()
    const at = this.#take(4 + value.length)
    this.#buffer.writeInt32BE(value.length, at)
    this.#buffer.write(value, at + 4, 'latin1')
    return this
  }

  jsonb(value: string): this {
    const at = this.#take(5 + value.length)
    this.#buffer.writeInt32BE(1 + value.length, at)
    this.#buffer[at + 4] = 1
    this.#buffer.write(value, at + 5, 'latin1')
    return this
  }

  smallint(value: number): this {
    const at = this.#take(6)
    this.#buffer.writeInt32BE(2, at)
    this.#buffer.writeInt16BE(value, at + 4)
    return this
  }

  int(value: number): this {
    const at = this.#take(8)
    this.#buffer.writeInt32BE(4, at)
    this.#buffer.writeInt32BE(value, at + 4)
    return this
  }

  /** @param milliseconds since 1970 */
  time(milliseconds: number): this {
    const at = this.#take(12)
    this.#buffer.writeInt32BE(8, at)
    this.#buffer.writeBigInt64BE(BigInt(milliseconds * 1_000 - epochMicroseconds), at + 4)
    return this
  }

  null(): this {
    const at = this.#take(4)
    this.#buffer.writeInt32BE(-1, at)
    return this
  }

  /** All that was put in, which is gone from here. */
  takeAll(): Buffer {
    const at = this.#take(2)
    this.#buffer.writeInt16BE(-1, at)
    const all = Buffer.from(this.#buffer.subarray(0, this.#length))
    this.#reset()
    return all
  }

  #reset(): void {
    this.#length = 0
    this.#buffer.set(signature, this.#take(signature.length))
  }

  #take(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#buffer.length * 2))
      larger.set(this.#buffer.subarray(0, at))
      this.#buffer = larger
    }
    return at
  }
}
