/**
 * Every code that Mintline answers with or stops with. A code is a contract: clients branch on it, tests
 * assert it, `docs/errors.md` explains it. Messages may be reworded, codes may not.
 */
export const errorCodes = [
  // the request
  'request_invalid',
  'request_too_large',
  'request_timeout',
  'media_type_unsupported',
  'not_acceptable',
  'token_missing',
  'token_invalid',
  'token_expired',
  'jwt_refused',
  'jwt_role_unknown',
  'client_certificate_refused',
  'station_disabled',
  'station_paused',
  'station_limit_reached',
  'profile_not_allowed',
  'certificate_revoked',
  'certificate_superseded',
  'certificate_held',
  'issuance_not_scrappable',
  'lot_required',
  'lot_not_found',
  'lot_not_allowed',
  'lot_paused',
  'lot_closed',
  'lot_full',
  'lot_exists',
  'lot_invalid',
  'lot_quantity_taken',
  'mes_denied',
  'device_not_expected',
  'devices_invalid',
  'devices_issued',
  'devices_not_found',
  'devices_upload_conflict',
  'role_forbidden',
  'lines_forbidden',
  'route_not_found',
  'method_not_allowed',
  'search_too_broad',
  'search_behind',
  // the CSR
  'csr_malformed',
  'csr_too_large',
  'csr_signature_algorithm_refused',
  'csr_signature_invalid',
  'key_refused',
  'key_blocked',
  'subject_refused',
  'jitp_would_fail',
  'certificate_malformed',
  // the ledger
  'note_malformed',
  'evidence_malformed',
  // what is on record already
  'key_already_certified',
  'device_already_certified',
  'certificate_compromised',
  'record_detached',
  // rules and actors
  'profile_invalid',
  'profile_not_found',
  'issuance_not_found',
  'shift_not_found',
  'issuance_not_open',
  'issuance_not_releasable',
  'issuance_not_rejected',
  'certificate_not_found',
  'revocation_conflict',
  'revocation_count_changed',
  'revocation_invalid',
  'revocation_not_found',
  'revocation_too_broad',
  'blocked_key_not_found',
  'token_not_found',
  'token_exists',
  'station_not_found',
  'station_exists',
  'station_invalid',
  'client_certificate_not_found',
  'station_certificates_off',
  'station_profile_missing',
  'station_profile_invalid',
  'station_key_refused',
  'station_certificates_exhausted',
  'job_not_found',
  'webhook_missing',
  'event_not_found',
  'audit_event_not_found',
  'export_not_found',
  'export_not_ready',
  'export_expired',
  'export_limit_reached',
  'range_not_satisfiable',
  'last_admin_token',
  'authority_not_found',
  'authority_unavailable',
  'authority_expires_first',
  'authority_transition_refused',
  'intents_open',
  'month_refused',
  'authority_invalid',
  'authority_exists',
  'aws_registration_not_found',
  'aws_registration_invalid',
  'aws_template_not_ours',
  'aws_registration_blocked',
  'aws_registration_held',
  'fleet_reconciliation_not_found',
  'fleet_reconciliation_running',
  'fleet_finding_not_found',
  'fleet_finding_count_changed',
  'fleet_clean_up_not_found',
  'fleet_clean_up_count_changed',
  // the service
  'database_unavailable',
  'clock_untrusted',
  'identity_provider_unavailable',
  'mes_unavailable',
  'signer_unavailable',
  'signer_disabled',
  'aws_refused',
  'aws_unavailable',
  'overloaded',
  'shutting_down',
  'lint_failed',
  'certificate_mismatch',
  'record_damaged',
  'internal_error',
  // work in the background
  'job_interrupted',
  'export_too_large',
  'export_no_room',
  'webhook_failed',
  'crl_target_failed',
  // start-up
  'config_invalid',
  'data_directory_unusable',
  'database_incompatible',
  'key_unusable'
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** One broken rule: where (RFC 6901 JSON pointer), what was expected, what was found, and what to do. */
export interface Violation {
  readonly pointer: string
  readonly expected: string
  readonly found: string
  readonly message: string
}

export interface MintlineErrorOptions {
  /** All broken rules, where several can be told at once. */
  readonly violations?: readonly Violation[]
  /** Problem-document members beyond those of RFC 9457; client-safe like `detail`. */
  readonly members?: Readonly<Record<string, unknown>>
  /** When trying again makes sense. */
  readonly retryAfterSeconds?: number
  /** Of what is answered as not there, since whoever asks has no right to it: the code of that. For the audit alone. */
  readonly hides?: ErrorCode
  /** For the log alone. */
  readonly cause?: unknown
}

/**
 * The one error that crosses folders. `detail` is shown to the client, so it holds no secret and no text of
 * another error; what went wrong underneath travels as `cause`. The HTTP status is not known here.
 */
export class MintlineError extends Error {
  readonly code: ErrorCode
  readonly violations: readonly Violation[]
  readonly members: Readonly<Record<string, unknown>>
  readonly retryAfterSeconds: number | undefined
  readonly hides: ErrorCode | undefined

  constructor(code: ErrorCode, detail: string, options: MintlineErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MintlineError'
    this.code = code
    this.violations = options.violations ?? []
    this.members = options.members ?? {}
    this.retryAfterSeconds = options.retryAfterSeconds
    this.hides = options.hides
  }

  /** What the client may read. */
  get detail(): string {
    return this.message
  }
}

/** Narrows to a Mintline error, optionally of one code. */
export function isMintlineError(error: unknown, code?: ErrorCode): error is MintlineError {
  return error instanceof MintlineError && (code === undefined || error.code === code)
}

/**
 * What is answered where there is something that whoever asks may not see.
 *
 * @param absent how it is answered that there is nothing.
 * @param code why it may not be seen.
 */
export function hiding(absent: MintlineError, code: ErrorCode): MintlineError {
  return new MintlineError(absent.code, absent.detail, { members: absent.members, hides: code })
}
