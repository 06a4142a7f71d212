import { type Subject, type SubjectField, subjectFields } from '../../pki/name/subject-field.ts'
import type { Metadata } from '../metadata.ts'

/** A value of a record that it is found by, as `search_term` and `search_value` have it. */
export interface Term {
  /** What it is a value of: see `termCodes`. */
  readonly code: number
  readonly value: string
}

/** What a refusal asked for, where there was none of that name: stations may write anything there. */
export type AbsentName = 'absentLot' | 'absentProfile'

/** What values may be searched for: a subject field, the thing's name, metadata as `key:value`. */
export type TermName = SubjectField | 'thingName' | 'metadata' | AbsentName

/** On disk: a number stays what it is. */
const fieldCodes: Readonly<Record<SubjectField, number>> = {
  Country: 1,
  Organization: 2,
  OrganizationalUnit: 3,
  DistinguishedNameQualifier: 4,
  StateName: 5,
  CommonName: 6,
  SerialNumber: 7,
  Locality: 8
}
const thingCode = 20
export const metadataCode = 21
/** Of a refusal alone: an issuance is found by its key as it is. */
export const spkiCode = 22
const absentCodes: Readonly<Record<AbsentName, number>> = { absentLot: 23, absentProfile: 24 }
/** Things mostly bear the name of a subject value: such a value stands there once, as that of a code above these. */
const alsoThing = 100

/** The codes under which a value of that name stands. */
export function codesOf(name: TermName): readonly number[] {
  if (name === 'metadata') return [metadataCode]
  if (name === 'absentLot' || name === 'absentProfile') return [absentCodes[name]]
  if (name === 'thingName') return [thingCode, ...subjectFields.map(field => fieldCodes[field] + alsoThing)]
  return [fieldCodes[name], fieldCodes[name] + alsoThing]
}

export const metadataTerm = (key: string, value: string): string => `${key}:${value}`

/** The longest value that can be searched for, in characters. */
const maximumValueLength = 384

/** What a record says of itself. Of a refusal, a subject field may be there several times. */
export interface Sayings {
  readonly subject: Subject | readonly (readonly [SubjectField, string])[]
  readonly thingName?: string | null
  readonly metadata: Metadata
  readonly spkiSha256Hex?: string | undefined
  /** Undefined where there is one of the name. */
  readonly absentLot?: string | undefined
  readonly absentProfile?: string | undefined
}

/** Each once. */
export function termsOf(sayings: Sayings): readonly Term[] {
  const { subject, thingName = null, metadata, spkiSha256Hex, absentLot, absentProfile } = sayings
  const fields = Array.isArray(subject)
    ? (subject as readonly (readonly [SubjectField, string])[])
    : (Object.entries(subject) as [SubjectField, string][])
  const terms: Term[] = []
  let isThingThere = thingName === null
  for (const [field, value] of fields) {
    const isThing = !isThingThere && value === thingName
    isThingThere ||= isThing
    terms.push({ code: fieldCodes[field] + (isThing ? alsoThing : 0), value })
  }
  if (!isThingThere) terms.push({ code: thingCode, value: thingName! })
  for (const [key, value] of Object.entries(metadata))
    terms.push({ code: metadataCode, value: metadataTerm(key, value) })
  if (spkiSha256Hex !== undefined) terms.push({ code: spkiCode, value: spkiSha256Hex })
  if (absentLot !== undefined) terms.push({ code: absentCodes.absentLot, value: absentLot })
  if (absentProfile !== undefined) terms.push({ code: absentCodes.absentProfile, value: absentProfile })
  const kept = new Map(terms.flatMap(keepable).map(term => [keyOfTerm(term), term]))
  return [...kept.values()]
}

export const keyOfTerm = ({ code, value }: Term): string => `${code} ${value}`

/** What it is a value of: of metadata, each key is a kind of its own. */
export function kindOfTerm({ code, value }: Term): string {
  return code === metadataCode ? keyOfTerm({ code, value: value.slice(0, value.indexOf(':')) }) : String(code)
}

/** Beyond what can be searched for one character stands, so that the longer value is not taken for the other. */
function keepable({ code, value }: Term): readonly Term[] {
  // PostgreSQL's text has no NUL.
  if (value === '' || value.includes('\0')) return []
  const characters = [...value.toWellFormed()]
  return [{ code, value: characters.slice(0, maximumValueLength + 1).join('') }]
}
