import { readFileSync } from 'node:fs'
import { type FieldsOf, fieldsOf, type Kind } from '../../src/evidence/kinds.ts'

/** Of test/fixtures/evidence: octets in hexadecimal. */
export interface RecordVector {
  readonly kind: Kind
  readonly isAdopted: boolean
  readonly fields: Readonly<Record<string, unknown>>
  readonly disclosure: string
  readonly entry: string
  readonly seal: string
  readonly software: string
}

interface SentVector {
  readonly fields: {
    readonly csr: string
    readonly detail: string
    readonly violations: unknown
    readonly metadata: unknown
    readonly stationSubject: unknown
  }
  readonly octets: string
  readonly seal: string
}

interface Vectors {
  readonly salt: string
  readonly records: readonly RecordVector[]
  readonly sent: SentVector
}

const file = new URL('../fixtures/evidence/vectors.json', import.meta.url)

export const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors

export const salt = fromHex(vectors.salt)

export function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
}

/** The values that the program has for those of JSON. */
export function fieldsOfVector({ kind, fields }: RecordVector): FieldsOf<Kind> {
  const values = fieldsOf(kind).map(([name, { type }]) => {
    const value = fields[name]
    if (value === null) return [name, null]
    if (type === 'time') return [name, new Date(value as string)]
    return [name, type === 'sha256' || type === 'bytes' ? fromHex(value as string) : value]
  })
  return Object.fromEntries(values) as FieldsOf<Kind>
}
