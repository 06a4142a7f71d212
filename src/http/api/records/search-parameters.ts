import Type, { type Static } from 'typebox'
import { errorCodes, MintlineError, type Violation } from '../../../errors/mintline-error.ts'
import { type SubjectField, subjectFields } from '../../../pki/name/subject-field.ts'
import { maximumMetadataEntries, metadataKey } from '../../../records/metadata.ts'
import {
  type Beginnings,
  type IssuanceQuery,
  recordStates,
  type TermCondition
} from '../../../records/record.ts'
import { metadataTerm, type TermName } from '../../../records/search/term.ts'
import type { ParseInstant } from '../../listing/times.ts'
import { isBeginning, wholeOf } from '../../listing/whole-names.ts'
import { example } from '../../schemas/example.ts'
import { boundedName, instant, reworked } from '../../schemas/query.ts'
import { strict, uuid } from '../../schemas/reference.ts'

/** Of characters that a value on record can have; two more than its length for the `\*`. */
const value = '[^\\u0000-\\u001f\\u007f]{1,258}'

/** So many characters stand before a `*` at least. */
const shortestBeginning = 2

const prefixTold = `A value that ends in \`*\` is how it begins: at least ${shortestBeginning} characters, for one value of a search, which is then sorted by that value and the oldest first. \`\\*\` at its end is the character \`*\` itself.`

export const nameBeginningTold = `Ended with \`*\`, all that begin so, of at least ${shortestBeginning} characters; the order stays the same.`

const subjectParameters = Object.fromEntries(
  subjectFields.map(field => [
    `subject.${field}`,
    Type.Optional(
      Type.String({ pattern: `^${value}$`, description: `In upper and lower case as it is. ${prefixTold}` })
    )
  ])
) as Record<`subject.${SubjectField}`, ReturnType<typeof Type.Optional<ReturnType<typeof Type.String>>>>

/** Of the list of records: what is found within two seconds of the commit. */
export const SearchParameters = Type.Object(
  {
    ...subjectParameters,
    thingName: Type.Optional(
      Type.String({
        pattern: `^${value}$`,
        description: `Of the thing that AWS IoT makes. ${prefixTold}`,
        examples: ['sensor-000451']
      })
    ),
    metadata: Type.Optional(
      Type.Array(Type.String({ pattern: `^${metadataKey}:[^\\u0000-\\u001f\\u007f]{0,258}$` }), {
        maxItems: maximumMetadataEntries,
        description: `One entry as \`key:value\`; repeat the parameter for more. ${prefixTold}`,
        examples: [['fixture:F-12', 'firmware:1.4.2']]
      })
    ),
    line: Type.Optional(
      Type.String({
        ...boundedName,
        description: `Of production, where the station stood. ${nameBeginningTold}`,
        examples: ['A7']
      })
    ),
    site: Type.Optional(
      Type.String({
        ...boundedName,
        description: `Where the station stood. ${nameBeginningTold}`,
        examples: ['Graz']
      })
    ),
    requestId: Type.Optional(
      Type.String({
        ...boundedName,
        pattern: '[^*]$',
        description:
          'Of the request whose record it is, as a whole; a repeat of it has another, which is in the log alone. All records from `from` to `to` are looked through: bring these near to each other, or it is `search_too_broad`.',
        examples: [example.requestId]
      })
    ),
    lot: Type.Optional(
      Type.String({ ...boundedName, description: nameBeginningTold, examples: [example.lotId] })
    ),
    credential: Type.Optional(uuid({ description: 'What let the station in.', examples: [example.tokenId] })),
    profileVersion: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999_999 })),
    spkiSha256: Type.Optional(
      Type.String({
        pattern: '^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$',
        description:
          "SHA-256 of the key's SubjectPublicKeyInfo as hex in any case, with or without colons: everything that was asked for with the key."
      })
    ),
    code: Type.Optional(Type.Enum(errorCodes, { type: 'string', description: 'Why it was refused.' })),
    state: Type.Optional(
      Type.Enum(recordStates, {
        type: 'string',
        description:
          'What it is now: `issued` where nothing has become of the certificate, `held` where it rests; `superseded` where the device has its next one and this goes on for a time, which by default (`supersededEnds: now`) is none; `revoked` where it has ended before its time, for whatever reason: also where it was superseded until now, or the device scrapped, which `revocationReason` and `scrappedAt` of the record tell; `refused` for the outcome `rejected`. What came in the place of another is found by `reworked`.'
      })
    ),
    reworked,
    expiresBefore: Type.Optional({
      ...instant,
      description: 'Exclusive. When the certificate ends, as `to`.'
    }),
    expiresAfter: Type.Optional({
      ...instant,
      description: 'Inclusive. When the certificate ends, as `from`.'
    })
  },
  strict
)

type Asked = Static<typeof SearchParameters>

/** What of it stands as it is in the query of the records. */
export function searchOf(asked: Asked, parse: ParseInstant): Partial<IssuanceQuery> {
  const {
    line,
    site,
    lot,
    credential,
    requestId,
    profileVersion,
    spkiSha256,
    code,
    state,
    expiresBefore,
    expiresAfter
  } = asked
  const terms = termsOf(asked)
  const rework = isReworked(asked.reworked)
  return {
    ...(line !== undefined && { line }),
    ...(site !== undefined && { site }),
    ...(lot !== undefined && { lot }),
    ...(requestId !== undefined && { requestId }),
    ...(credential !== undefined && { credential: credential.toLowerCase() }),
    ...(profileVersion !== undefined && { profileVersion }),
    ...(spkiSha256 !== undefined && { spkiSha256: spkiSha256.replaceAll(':', '').toLowerCase() }),
    ...(code !== undefined && { code }),
    ...(state !== undefined && { state }),
    ...(rework !== undefined && { rework }),
    ...(expiresBefore !== undefined && {
      expiresBefore: parse(expiresBefore, '/query/expiresBefore')
    }),
    ...(expiresAfter !== undefined && { expiresAfter: parse(expiresAfter, '/query/expiresAfter') }),
    ...(terms.length > 0 && { terms })
  }
}

/** As a query says it. */
export const isReworked = (text: 'true' | 'false' | undefined): boolean | undefined =>
  text === undefined ? undefined : text === 'true'

type Names = { readonly [Name in keyof Beginnings]?: string | undefined }
type Whole = { readonly [Name in keyof Beginnings]?: string }

/**
 * Names that are asked for as a whole, with whatever else is, and those that are by how they begin.
 *
 * @throws MintlineError `request_invalid` for a beginning that is too short.
 */
export function takeBeginnings<Asked extends Names>({ station, line, site, lot, authority, ...rest }: Asked) {
  const given = Object.entries({ station, line, site, lot, authority }).flatMap(([name, text]) =>
    text === undefined ? [] : [{ name, ...parseValue(text, name) }]
  )
  const pick = (isBegun: boolean): Whole =>
    Object.fromEntries(
      given.flatMap(({ name, value, isPrefix }) => (isPrefix === isBegun ? [[name, value]] : []))
    )
  return { asked: { ...rest, ...pick(false) }, beginnings: pick(true) }
}

/** @throws MintlineError `request_invalid` for a beginning that is too short, and where there are two. */
function termsOf(asked: Asked): readonly TermCondition[] {
  const terms = [
    ...subjectFields.flatMap(field => termOf(field, `subject.${field}`, asked[`subject.${field}`])),
    ...termOf('thingName', 'thingName', asked.thingName),
    ...(asked.metadata ?? []).map(metadataTermOf)
  ]
  const begun = terms.filter(({ isPrefix }) => isPrefix)
  if (begun.length > 1) {
    throw invalid(
      'Only one value of a search may end in *.',
      ...begun.map(({ parameter, found }) => ({
        pointer: `/query/${parameter}`,
        expected: `one value at most that ends in *; there are ${begun.length}`,
        found,
        message: 'Write all of them out but one.'
      }))
    )
  }
  return terms.map(({ name, value, isPrefix }) => ({ name, value, isPrefix }))
}

/** With where it stands, and how it was written. */
interface AskedTerm extends TermCondition {
  readonly parameter: string
  readonly found: string
}

function termOf(name: TermName, parameter: string, text: string | undefined): readonly AskedTerm[] {
  if (text === undefined) return []
  return [{ name, ...parseValue(text, parameter), parameter, found: text }]
}

function metadataTermOf(entry: string, index: number): AskedTerm {
  const colon = entry.indexOf(':')
  const parameter = `metadata/${index}`
  const { value, isPrefix } = parseValue(entry.slice(colon + 1), parameter)
  const term = metadataTerm(entry.slice(0, colon), value)
  return { name: 'metadata', value: term, isPrefix, parameter, found: entry }
}

function parseValue(text: string, parameter: string): { readonly value: string; readonly isPrefix: boolean } {
  if (!isBeginning(text)) return { value: wholeOf(text), isPrefix: false }
  const beginning = text.slice(0, -1)
  if ([...beginning].length >= shortestBeginning) return { value: beginning, isPrefix: true }
  throw invalid(`The beginning of ${parameter.split('/')[0]} is too short to be searched for.`, {
    pointer: `/query/${parameter}`,
    expected: `at least ${shortestBeginning} characters before the *`,
    found: text,
    message: 'Write more of the value, or all of it without the *.'
  })
}

function invalid(detail: string, ...violations: readonly Violation[]): MintlineError {
  return new MintlineError('request_invalid', detail, { violations })
}
