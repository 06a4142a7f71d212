import type { Static } from 'typebox'
import { MintlineError, type Violation } from '../../../errors/mintline-error.ts'
import type { IssuanceRequest } from '../../../issuance/request.ts'
import { type Subject, subjectFields } from '../../../pki/name/subject-field.ts'
import { omitFields } from '../../listing/fields.ts'
import type { IssuanceBody, IssuanceQuerystring } from './schemas.ts'
import { SubjectQuery } from './station-subject.ts'

/** These are one member of what is asked. */
const subjectParameters: ReadonlySet<string> = new Set(Object.keys(SubjectQuery.properties))

type Asked = Omit<IssuanceRequest, 'station' | 'requestId'>

/**
 * What is asked for, from either form of the body: JSON holds everything; a raw CSR has all else in the
 * query.
 *
 * @throws MintlineError `request_invalid` when there is no body, or when query and body contradict their form.
 */
export function readAsked(
  body: Static<typeof IssuanceBody> | Uint8Array | undefined | null,
  query: Static<typeof IssuanceQuerystring>
): Asked {
  if (body == null) {
    throw emptyBody()
  }
  if (!(body instanceof Uint8Array)) {
    refuseQuery(query)
    const { csr, metadata = {}, ...asked } = body
    return { ...asked, csr: Buffer.from(csr), metadata }
  }
  const { profile, metadata = [], ...others } = query
  if (profile === undefined) {
    throw invalid('No profile is named. Add ?profile=<name> to the address.', [
      {
        pointer: '/query/profile',
        expected: 'the name of a profile',
        found: 'nothing',
        message: 'Add ?profile=<name>.'
      }
    ])
  }
  return {
    ...omitFields(others, subjectParameters),
    csr: body,
    profile,
    subject: subjectOfQuery(others),
    metadata: parseMetadata(metadata)
  }
}

export function emptyBody(): MintlineError {
  return new MintlineError(
    'request_invalid',
    'The body is empty. Send JSON, or a file as it is with --data-binary @file.'
  )
}

/** @throws MintlineError `request_invalid` where anything stands in it. */
export function refuseQuery(query: object, detail = 'A JSON body says everything itself.'): void {
  const violations = Object.keys(query).map(name => ({
    pointer: `/query/${name}`,
    expected: 'nothing in the query',
    found: 'a value',
    message: `Leave ${name} out of the query. With a JSON body, it is a member of the body.`
  }))
  if (violations.length > 0) throw invalid(detail, violations)
}

/** Undefined where the query names no field. */
export function subjectOfQuery(query: Static<typeof SubjectQuery>): Subject | undefined {
  const fields = subjectFields.flatMap(field => {
    const value = query[`subject.${field}`]
    return value === undefined ? [] : [[field, value] as const]
  })
  return fields.length === 0 ? undefined : Object.fromEntries(fields)
}

function parseMetadata(entries: readonly string[]): Readonly<Record<string, string>> {
  const pairs = entries.map(entry => {
    const colon = entry.indexOf(':')
    return [entry.slice(0, colon), entry.slice(colon + 1)] as const
  })
  const repeated = pairs.filter(([key], index) => pairs.findIndex(([other]) => other === key) < index)
  if (repeated.length > 0) {
    const violations = repeated.map(([key]) => ({
      pointer: '/query/metadata',
      expected: 'each key once',
      found: key,
      message: 'Leave one entry of this key.'
    }))
    throw invalid('A metadata key stands there twice.', violations)
  }
  return Object.fromEntries(pairs)
}

function invalid(detail: string, violations: readonly Violation[]): MintlineError {
  return new MintlineError('request_invalid', detail, { violations })
}
