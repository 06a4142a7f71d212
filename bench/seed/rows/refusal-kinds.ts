import type { ErrorCode, Violation } from '../../../src/errors/mintline-error.ts'

export interface RefusalKind {
  readonly code: ErrorCode
  /** Of all refusals, in percent. */
  readonly share: number
  readonly detail: string
  /** Of the subject's CommonName. */
  readonly violations: (commonName: string) => readonly Violation[]
  /** Whether it came as far as to an authority. */
  readonly knowsAuthority: boolean
}

const violation = (pointer: string, expected: string, found: string): Violation => ({
  pointer,
  expected,
  found,
  message: `${pointer} must be ${expected}; found ${found}.`
})

/** What lines refuse, and how often. */
export const refusalKinds: readonly RefusalKind[] = [
  {
    code: 'device_already_certified',
    share: 38,
    detail: 'The device has a certificate already.',
    violations: name => [violation('/subject/CommonName', 'a value that no other device has', name)],
    knowsAuthority: true
  },
  {
    code: 'subject_refused',
    share: 22,
    detail: 'The subject is not what the profile asks for.',
    violations: name => [violation('/subject/CommonName', 'a serial of this product', name)],
    knowsAuthority: true
  },
  {
    code: 'key_already_certified',
    share: 14,
    detail: 'The key belongs to another device.',
    violations: () => [violation('/csr', 'a key of its own', 'one that is certified')],
    knowsAuthority: true
  },
  {
    code: 'key_refused',
    share: 9,
    detail: 'The key is not one that the profile allows.',
    violations: () => [violation('/csr', 'P-256 or P-384', 'RSA-1024')],
    knowsAuthority: false
  },
  {
    code: 'csr_signature_invalid',
    share: 8,
    detail: 'The CSR is not signed with the key that it names.',
    violations: () => [],
    knowsAuthority: false
  },
  {
    code: 'lot_full',
    share: 6,
    detail: 'The lot has no place left.',
    violations: () => [],
    knowsAuthority: true
  },
  {
    code: 'jitp_would_fail',
    share: 3,
    detail: 'AWS IoT would make nothing of the certificate.',
    violations: () => [violation('/template', 'a thing name of at most 128 characters', '131 characters')],
    knowsAuthority: true
  }
]
