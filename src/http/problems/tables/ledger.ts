import type { ProblemDescription } from '../problem-description.ts'

/** Of transparency logs, and of the evidence that ours has. */
export const ledgerProblems = {
  note_malformed: {
    status: 400,
    title: 'A text of a transparency log cannot be read',
    meaning:
      'A checkpoint, a proof, a verifier key or a request to a witness is not written as C2SP says. The line is named.',
    remedy: 'Get it anew from where it was made, octet for octet.'
  },
  evidence_malformed: {
    status: 400,
    title: 'Evidence of the ledger cannot be read',
    meaning:
      'A disclosure, an entry or a seal is not written as docs/ledger-format.md says, or by a newer version. The field is named.',
    remedy: 'Get it anew from where it was made, octet for octet, or use a newer version of Mintline.'
  }
} as const satisfies Readonly<Record<string, ProblemDescription>>
