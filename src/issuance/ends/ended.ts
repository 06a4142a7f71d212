import type { Authorities } from '../../authorities/authority.ts'
import { type ErrorCode, MintlineError } from '../../errors/mintline-error.ts'
import { earlierIssuanceOf, type IssuedRecord } from '../../records/record.ts'

/** Something that ends a certificate: from then on no retry gets it any more. */
interface End {
  readonly code: ErrorCode
  holds(record: IssuedRecord): boolean
  /** What happened, and what the station does now: something that is possible. */
  describe(record: IssuedRecord, authorities: Pick<Authorities, 'list'>): string
}

/**
 * In the order in which they are told where several hold: `certificate_revoked`, `certificate_superseded`,
 * `certificate_compromised`. What was decided about the one certificate says more than what became of its CA.
 */
const ends: readonly End[] = [
  {
    code: 'certificate_compromised',
    holds: ({ compromised }) => compromised === true,
    describe: ({ authority }, authorities) =>
      `The certificate of this request is of ${authority}, whose key is compromised, so it is not handed out again. ${wayOut(authority, authorities.list())}`
  }
]

/** @throws MintlineError the first end that holds; `members.earlierIssuance` names the record. */
export function assertNotEnded(record: IssuedRecord, authorities: Pick<Authorities, 'list'>): void {
  const end = ends.find(({ holds }) => holds(record))
  if (end === undefined) return
  const earlierIssuance = earlierIssuanceOf(record)
  const detail = `${end.describe(record, authorities)} The earlier issuance is ${earlierIssuance.id} of ${earlierIssuance.requestedAt}.`
  throw new MintlineError(end.code, detail, { members: { earlierIssuance } })
}

function wayOut(name: string, all: ReturnType<Authorities['list']>): string {
  const line = all.find(each => each.name === name)?.line
  const successor = all.find(each => each.line === line && each.state === 'active')
  const next = 'Make a new key on the device and send its CSR'
  if (successor !== undefined) return `${next}: ${successor.name} certifies it.`
  return `${next} once an administrator has activated another generation of the authority.`
}
