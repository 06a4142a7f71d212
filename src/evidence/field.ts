import { MintlineError } from '../errors/mintline-error.ts'
import { toHex } from '../pki/der/octet-text.ts'
import { decodeUtf8 } from '../pki/der/octets.ts'
import { canonicalJson } from './canonical-json.ts'
import type { OctetWriter } from './octet-writer.ts'

interface FieldValues {
  readonly text: string
  /** With hyphens. */
  readonly uuid: string
  /** Of whole milliseconds. */
  readonly time: Date
  /** Below 2^53. */
  readonly int: number
  readonly sha256: Uint8Array
  readonly bytes: Uint8Array
  /** What JSON makes of it counts. Null is no field rather than JSON's null. */
  readonly json: unknown
}

export type FieldType = keyof FieldValues
export type ValueOf<Type extends FieldType> = FieldValues[Type]

const nullLength = 0xffffffff
const uuidOctets = 16
const sha256Octets = 32
const integerOctets = 8

/** The field as it stands in a disclosure: its length in four octets, big-endian, and its value. */
export function writeField(writer: OctetWriter, type: FieldType, value: unknown): void {
  if (value === null) return writer.uint32(nullLength)
  switch (type) {
    case 'text':
      return writer.sizedText(value as string)
    case 'json':
      return writer.sizedText(canonicalJson(value))
    case 'uuid':
      writer.uint32(uuidOctets)
      return writer.octets(octetsOfUuid(value as string))
    case 'time':
      writer.uint32(integerOctets)
      return writer.int64((value as Date).getTime())
    case 'int':
      writer.uint32(integerOctets)
      return writer.int64(value as number)
    case 'sha256':
      if ((value as Uint8Array).length !== sha256Octets) throw new TypeError('A SHA-256 has 32 octets')
      return writer.sized(value as Uint8Array)
    case 'bytes':
      return writer.sized(value as Uint8Array)
  }
}

/** Reads the fields of a disclosure one after the other; nothing in it is taken that is not written in the one way. */
export class FieldReader {
  readonly #octets: Uint8Array
  readonly #view: DataView
  #offset: number

  constructor(octets: Uint8Array, offset: number) {
    this.#octets = octets
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    this.#offset = offset
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#octets.length
  }

  /** @throws MintlineError `evidence_malformed`, naming the field. */
  read(
    name: string,
    { type, isNullable }: { readonly type: FieldType; readonly isNullable: boolean }
  ): unknown {
    const octets = this.#readSized(name)
    if (octets === null && !isNullable) throw malformedEvidence(name, `a value (${type})`, 'null')
    return octets === null ? null : valueOf(type, octets, name)
  }

  #readSized(name: string): Uint8Array | null {
    if (this.#offset + 4 > this.#octets.length)
      throw malformedEvidence(name, 'four octets of length', 'the end of the disclosure')
    const length = this.#view.getUint32(this.#offset)
    this.#offset += 4
    if (length === nullLength) return null
    const left = this.#octets.length - this.#offset
    if (length > left)
      throw malformedEvidence(name, `${length} octets`, `${left} to the end of the disclosure`)
    this.#offset += length
    return this.#octets.slice(this.#offset - length, this.#offset)
  }
}

/** The refusal of octets that are no evidence of ours, or not written in its one way. */
export function malformedEvidence(name: string, expected: string, found: string): MintlineError {
  return new MintlineError('evidence_malformed', `${name}: expected ${expected}; found ${found}.`, {
    violations: [
      {
        pointer: `/${name}`,
        expected,
        found,
        message: 'Get it anew from where it was made; nothing in it may be changed.'
      }
    ]
  })
}

/** Octets of a fixed number by the type, or undefined for any number. */
const octetsOfType: Readonly<Partial<Record<FieldType, number>>> = {
  uuid: uuidOctets,
  time: integerOctets,
  int: integerOctets,
  sha256: sha256Octets
}

function valueOf(type: FieldType, octets: Uint8Array, name: string): unknown {
  const wanted = octetsOfType[type]
  if (wanted !== undefined && octets.length !== wanted)
    throw malformedEvidence(name, `${wanted} octets (${type})`, `${octets.length}`)
  switch (type) {
    case 'uuid':
      return uuidOf(octets)
    case 'time':
      return timeOf(integerOf(octets, name), name)
    case 'int':
      return integerOf(octets, name)
    case 'text':
      return textOf(octets, name)
    case 'json':
      return jsonOf(textOf(octets, name), name)
    case 'sha256':
    case 'bytes':
      return octets
  }
}

function textOf(octets: Uint8Array, name: string): string {
  const text = decodeUtf8(octets)
  if (text === undefined) throw malformedEvidence(name, 'text in UTF-8', 'octets that are none')
  return text
}

function jsonOf(text: string, name: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text) as unknown
  } catch {
    throw malformedEvidence(name, 'JSON', 'text that is none')
  }
  if (canonicalJson(value) !== text)
    throw malformedEvidence(name, 'JSON as RFC 8785 writes it', 'the same, written in another way')
  return value
}

function integerOf(octets: Uint8Array, name: string): number {
  const value = new DataView(octets.buffer, octets.byteOffset).getBigInt64(0)
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw malformedEvidence(name, 'a number below 2^53', String(value))
  return number
}

/** Up to there a Date of ECMAScript goes, in milliseconds. */
const latestTime = 8.64e15

export function timeOf(milliseconds: number, name: string): Date {
  if (Math.abs(milliseconds) > latestTime)
    throw malformedEvidence(name, 'a time', `${milliseconds} milliseconds`)
  return new Date(milliseconds)
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** @throws TypeError for what is no UUID. */
export function octetsOfUuid(uuid: string): Uint8Array {
  if (!uuidForm.test(uuid)) throw new TypeError('A UUID has 32 digits in five groups')
  const octets = new Uint8Array(uuidOctets)
  let at = 0
  for (let i = 0; i < uuidOctets; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) at++
    octets[i] = (digitOf(uuid, at) << 4) | digitOf(uuid, at + 1)
    at += 2
  }
  return octets
}

/** Of 0–9, a–f, A–F. */
function digitOf(text: string, index: number): number {
  const code = text.charCodeAt(index)
  return code < 0x40 ? code - 0x30 : (code & 0x0f) + 9
}

/** In lower case. */
export function uuidOf(octets: Uint8Array): string {
  const digits = toHex(octets)
  const groups = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20)]
  return `${groups.join('-')}-${digits.slice(20)}`
}
