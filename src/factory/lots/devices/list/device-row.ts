import { hash } from 'node:crypto'
import type { Violation } from '../../../../errors/mintline-error.ts'
import { type Subject, type SubjectField, subjectFields } from '../../../../pki/name/subject-field.ts'

/** A device that a lot expects, as it is listed: by the name of its thing, by values of its subject, by its key. */
export interface DeviceRow {
  readonly thingName?: string | undefined
  /** All of them are in its certificate, as they are here. */
  readonly subject?: Subject | undefined
  /** SHA-256 of its SubjectPublicKeyInfo: lower-case hexadecimal. */
  readonly spkiSha256?: string | undefined
}

/** Pointers go into the row. */
export type RowFaults = readonly Violation[]

const members: readonly string[] = ['thingName', 'subject', 'spkiSha256']
const maximumLength = 128
/** Longer values are told of by their length: they may be a secret that was pasted by mistake. A line of PEM has 64. */
const maximumEchoed = 63

/** Holds a row against its form: closed lists, text that can be kept. */
export function parseDeviceRow(value: unknown): { readonly row: DeviceRow } | { readonly faults: RowFaults } {
  if (!isObject(value))
    return {
      faults: [
        { pointer: '', expected: 'a JSON object', found: kindOf(value), message: 'Write {"thingName":…}.' }
      ]
    }
  const { thingName, subject, spkiSha256 } = value
  const key = typeof spkiSha256 === 'string' ? spkiSha256.toLowerCase() : spkiSha256
  const faults = [
    ...unknownMembers(value, members, ''),
    ...(thingName === undefined ? [] : textFaults(thingName, '/thingName')),
    ...(subject === undefined ? [] : subjectFaults(subject)),
    ...(key === undefined || (typeof key === 'string' && /^[0-9a-f]{64}$/.test(key)) ? [] : [noDigest(key)])
  ]
  if (faults.length === 0 && thingName === undefined && subject === undefined && key === undefined)
    faults.push({
      pointer: '',
      expected: 'thingName, subject or spkiSha256',
      found: 'none of them',
      message: 'Say which device is meant.'
    })
  if (faults.length > 0) return { faults }
  return { row: { thingName, subject, spkiSha256: key } as DeviceRow }
}

/** The one text of a row, whatever the file wrote it in: JSON without spaces, its members and fields in a fixed order. */
function canonicalTextOf({ thingName, subject, spkiSha256 }: DeviceRow): string {
  const sorted =
    subject && Object.fromEntries(Object.entries(subject).sort(([one], [other]) => (one < other ? -1 : 1)))
  return JSON.stringify({ thingName, subject: sorted, spkiSha256 })
}

/**
 * The digest of a list with one more row: SHA-256 over the digest of the rows before and the row's text in UTF-8. Of the
 * first row, over its text alone. So a list that comes in pieces needs no more than 32 octets to go on.
 */
export function chainRow(before: Uint8Array | undefined, row: DeviceRow): Uint8Array {
  const text = Buffer.from(canonicalTextOf(row))
  return hash('sha256', before === undefined ? text : Buffer.concat([before, text]), 'buffer')
}

export function echo(text: string): string {
  return text.length > maximumEchoed
    ? `a text of ${text.length} characters`
    : JSON.stringify(text.toWellFormed())
}

function subjectFaults(subject: unknown): readonly Violation[] {
  if (!isObject(subject))
    return [
      {
        pointer: '/subject',
        expected: 'an object',
        found: kindOf(subject),
        message: 'Write {"CommonName":…}.'
      }
    ]
  const named = subjectFields.filter((field: SubjectField) => Object.hasOwn(subject, field))
  const faults = [
    ...unknownMembers(subject, subjectFields, '/subject'),
    ...named.flatMap(field => textFaults(subject[field], `/subject/${field}`))
  ]
  if (faults.length === 0 && named.length === 0)
    faults.push({
      pointer: '/subject',
      expected: 'at least one field',
      found: 'none',
      message: `Give one of ${subjectFields.join(', ')}.`
    })
  return faults
}

function textFaults(value: unknown, pointer: string): readonly Violation[] {
  if (typeof value !== 'string')
    return [{ pointer, expected: 'a text', found: kindOf(value), message: 'Write it in quotes.' }]
  if (value.includes('\0') || !value.isWellFormed()) {
    const message = 'It may be padding or a wrong encoding. Write the value anew.'
    return [
      {
        pointer,
        expected: 'well-formed Unicode without the character U+0000',
        found: 'U+0000 or half a surrogate pair',
        message
      }
    ]
  }
  if (value.length > 0 && value.length <= maximumLength) return []
  const found = value === '' ? 'an empty text' : echo(value)
  return [
    { pointer, expected: `1 to ${maximumLength} characters`, found, message: 'Leave it out, or correct it.' }
  ]
}

function noDigest(value: unknown): Violation {
  const found = typeof value === 'string' ? echo(value) : kindOf(value)
  const message = 'It is the SHA-256 of the SubjectPublicKeyInfo in DER.'
  return { pointer: '/spkiSha256', expected: '64 hexadecimal digits', found, message }
}

function unknownMembers(value: object, known: readonly string[], pointer: string): readonly Violation[] {
  const unknown = Object.keys(value).filter(name => !known.includes(name))
  if (unknown.length === 0) return []
  const found = unknown.slice(0, 5).map(echo).join(', ')
  return [
    {
      pointer,
      expected: `no members but ${known.join(', ')}`,
      found,
      message: 'Leave it out, or correct its name.'
    }
  ]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : typeof value
}
