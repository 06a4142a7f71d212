import type { Static } from 'typebox'
import { MintlineError, type Violation } from '../../../errors/mintline-error.ts'
import type { IssuanceRequest } from '../../../issuance/request.ts'
import type { IssuanceBody, IssuanceQuerystring } from './schemas.ts'

type Asked = Omit<IssuanceRequest, 'station' | 'requestId'>

/**
 * What is asked for, from either form of the body: JSON holds everything; a raw CSR has profile and metadata
 * in the query.
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
  const { profile, metadata = [], ...asked } = query
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
  return { ...asked, csr: body, profile, metadata: parseMetadata(metadata) }
}

export function emptyBody(): MintlineError {
  return new MintlineError(
    'request_invalid',
    'The body is empty. Send JSON, or a file as it is with --data-binary @file.'
  )
}

function refuseQuery(query: Static<typeof IssuanceQuerystring>): void {
  const violations = Object.keys(query).map(name => ({
    pointer: `/query/${name}`,
    expected: 'nothing in the query',
    found: 'a value',
    message: `With a JSON body, ${name} is a member of the body.`
  }))
  if (violations.length > 0) throw invalid('A JSON body says everything itself.', violations)
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
