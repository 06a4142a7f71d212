import type { DerReader } from './reader.ts'
import { tagName, tags } from './tag.ts'
import { encodeString } from './writer.ts'

/** A point in time as a certificate holds it. */
export interface CertificateTime {
  readonly date: Date
  readonly tag: number
}

const firstGeneralizedYear = 2050

export const millisecondsPerDay = 86_400_000

/** With their fraction; negative when the date has passed. */
export function daysUntil(date: Date, now: Date): number {
  return (date.getTime() - now.getTime()) / millisecondsPerDay
}

/** The type that RFC 5280 §4.1.2.5 wants: UTCTime through 2049, GeneralizedTime from 2050. */
export function timeTagOf(date: Date): number {
  return date.getUTCFullYear() < firstGeneralizedYear ? tags.utcTime : tags.generalizedTime
}

/** Whole seconds: a fraction is dropped. Throws a RangeError outside 1950 to 9999, which no Time can hold. */
export function encodeTime(date: Date): Uint8Array {
  const year = date.getUTCFullYear()
  if (!(year >= 1950 && year <= 9999)) throw new RangeError('A certificate holds times from 1950 to 9999')
  const tag = timeTagOf(date)
  const yearText = tag === tags.utcTime ? twoDigits(year % 100) : String(year)
  return encodeString(tag, `${yearText}${restOfTime(date)}`)
}

/** Where the type is GeneralizedTime in every year, as for invalidityDate (RFC 5280 §5.3.2). As `encodeTime` otherwise. */
export function encodeGeneralizedTime(date: Date): Uint8Array {
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) throw new RangeError('A GeneralizedTime holds times from 0 to 9999')
  return encodeString(tags.generalizedTime, `${String(year).padStart(4, '0')}${restOfTime(date)}`)
}

function restOfTime(date: Date): string {
  const fields = [
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds()
  ]
  return `${fields.map(twoDigits).join('')}Z`
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}

/** Reads UTCTime or GeneralizedTime in the form with seconds and `Z`, the only one allowed in certificates. */
export function parseTime(reader: DerReader, what: string): CertificateTime {
  const element = reader.readElement(what)
  const { tag, start, contentStart, end } = element
  if (tag !== tags.utcTime && tag !== tags.generalizedTime) {
    throw reader.refuse(`${what} must be UTCTime or GeneralizedTime but is ${tagName(tag)}`, start)
  }
  const yearDigits = tag === tags.utcTime ? 2 : 4
  const invalid = (): Error => reader.refuse(`${what} is not a valid time`, contentStart)
  if (end - contentStart !== yearDigits + 11 || reader.bytes[end - 1] !== 0x5a) throw invalid()
  const number = (offset: number, digits: number): number => {
    let value = 0
    for (let i = offset; i < offset + digits; i++) {
      const digit = (reader.bytes[i] as number) - 0x30
      if (digit < 0 || digit > 9) throw invalid()
      value = value * 10 + digit
    }
    return value
  }
  const year = number(contentStart, yearDigits)
  const [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(i =>
    number(contentStart + yearDigits + i, 2)
  ) as [number, number, number, number, number]
  const date = new Date(0)
  date.setUTCFullYear(tag === tags.utcTime ? (year < 50 ? 2000 : 1900) + year : year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  // Date carries a 31st of February over into March and a 60th second into the next minute.
  const isSame = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour
  if (!isSame || minute > 59 || second > 59) throw invalid()
  return { date, tag }
}
