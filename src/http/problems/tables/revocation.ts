import type { ProblemDescription } from '../problem-description.ts'

/** Of taking certificates out of use. */
export const revocationProblems = {
  certificate_not_found: {
    status: 404,
    title: 'There is no such certificate',
    meaning: 'No certificate of this service has this id or serial number.',
    remedy:
      'Compare it: a certificate id is the SHA-256 of the DER, 64 hex digits; a serial number is the hex that `openssl x509 -serial` shows. `GET /v1/issuances` finds the record by either.'
  },
  revocation_conflict: {
    status: 409,
    title: 'The certificate is not in a state for that',
    meaning:
      'The certificate is revoked already, for another reason (`revocationReason`) or as of another time (`invalidityDate`), or it has ended, or was never issued. `state` says which. Nothing was changed: what is revoked stays so, for the reason that it has. Where somebody else was faster with it, the key may be blocked all the same (`blockedKey`).',
    remedy: 'Do what `detail` says.'
  },
  revocation_count_changed: {
    status: 409,
    title: 'Other certificates are selected than were counted',
    meaning:
      'The selection has another number of certificates by now (`count`) than `expectedCount` says. Nothing was revoked.',
    remedy:
      'Ask once more with `dryRun: true`, look at what has changed, and send the order with the count that it answers.'
  },
  revocation_invalid: {
    status: 422,
    title: 'What is to be revoked, or since when, cannot be as it is told',
    meaning:
      'Something that the order names is not there, its times contradict each other, or `invalidityDate` is still to come. Nothing was revoked.',
    remedy: 'Correct what `violations` names.'
  },
  revocation_not_found: {
    status: 404,
    title: 'There is no such order',
    meaning: 'No order to revoke has this id.',
    remedy: 'Compare the id with `GET /v1/revocations`.'
  },
  revocation_too_broad: {
    status: 422,
    title: 'More certificates are selected than can be counted at once',
    meaning:
      'Counting what is selected takes longer than a request may last. Those that were asked for before `to` can be counted. Nothing was revoked.',
    remedy:
      'Give several orders, one after the other in time: first with the `to` of this answer, then with that as `from`.'
  }
} as const satisfies Record<string, ProblemDescription>
