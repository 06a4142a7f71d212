import { type ErrorCode, isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import type { SignerReference } from '../signing/signers/signer-reference.ts'
import type { AuthorityState } from './life-cycle/life-cycle.ts'

interface Generation {
  readonly line: string
  readonly name: string
  readonly state: AuthorityState
}

/** Of a line under which nothing can be signed until a generation is activated. */
export function noneActive(line: string, all: readonly Generation[]): MintlineError {
  const newest = all.findLast(each => each.line === line)
  const known = newest === undefined ? '' : `: ${newest.name} is ${newest.state}`
  return new MintlineError(
    'authority_unavailable',
    `No generation of the authority ${line} is active${known}. Nothing can be signed. Tell the administrator.`
  )
}

/** Of an intent: its generation signs no more. */
export function noLongerSigns(): MintlineError {
  return new MintlineError(
    'authority_unavailable',
    'The authority of this intent no longer signs, so it cannot be completed. An administrator ends it: GET /v1/issuances?outcome=unknown lists it, POST /v1/issuances/{id}/void with a reason ends it. Then the same CSR is issued anew.'
  )
}

/** Of a generation whose row in the database cannot be read. */
export function damagedRow(name: string, cause: unknown): MintlineError {
  const why = isMintlineError(cause) ? ` ${cause.detail}` : ''
  return new MintlineError(
    'authority_unavailable',
    `The record of ${name} in the database is damaged: its certificates cannot be read.${why} Restore it from a backup, or activate a generation of the line that is staged already. Tell the administrator.`,
    { cause }
  )
}

type SigningGeneration = Pick<Generation, 'name'> & { readonly signerReference: SignerReference }

/**
 * Of a generation whose key cannot be used, with the settings that matter: `authority_unavailable` for a `key_unusable`,
 * and `signer_unavailable`, `signer_disabled` and `certificate_mismatch` as they are. Any other error is none of these, and comes back.
 */
export function cannotSign({ name, signerReference }: SigningGeneration, cause: unknown): unknown {
  const code = isMintlineError(cause) ? codes[cause.code as keyof typeof codes] : undefined
  if (!isMintlineError(cause) || code === undefined) return cause
  const detail = `${name} cannot sign. ${cause.detail} ${settingsOf[signerReference.kind]} Tell the administrator.`
  const { retryAfterSeconds } = cause
  return new MintlineError(code, detail, { cause, ...(retryAfterSeconds && { retryAfterSeconds }) })
}

const codes = {
  key_unusable: 'authority_unavailable',
  signer_unavailable: 'signer_unavailable',
  signer_disabled: 'signer_disabled',
  certificate_mismatch: 'certificate_mismatch'
} as const satisfies Partial<Record<ErrorCode, ErrorCode>>

/** What says where the key is and how it is opened. */
const settingsOf = {
  local: 'The key file is looked for in MINTLINE_DATA_DIR, its passphrase in MINTLINE_CA_PASSPHRASE_FILE.',
  kms: 'The AWS identity is that of AWS_PROFILE, AWS_ROLE_ARN or the machine.',
  pkcs11: 'The token is reached by MINTLINE_PKCS11_MODULE and MINTLINE_PKCS11_PIN_FILE.'
} as const satisfies Readonly<Record<SignerReference['kind'], string>>
