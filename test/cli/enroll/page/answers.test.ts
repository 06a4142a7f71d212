import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isWorthRetrying } from '../../../../src/cli/enroll/exchange/outcome.ts'
import { type ErrorCode, errorCodes } from '../../../../src/errors/mintline-error.ts'
import { problemTable } from '../../../../src/http/problems/problem-table.ts'

/** What is never the answer to a station that asks for a certificate. */
const ofOthers: readonly ErrorCode[] = [
  'month_refused',
  'note_malformed',
  'evidence_malformed',
  'crl_target_failed',
  'export_not_found',
  'export_not_ready',
  'export_expired',
  'export_limit_reached',
  'export_too_large',
  'export_no_room',
  'range_not_satisfiable',
  'lines_forbidden',
  // Of people, who sign in elsewhere.
  'jwt_refused',
  'jwt_role_unknown',
  'identity_provider_unavailable',
  'lot_exists',
  'lot_invalid',
  'lot_quantity_taken',
  'certificate_malformed',
  'profile_invalid',
  'issuance_not_found',
  'issuance_not_open',
  'issuance_not_releasable',
  'issuance_not_rejected',
  'issuance_not_scrappable',
  'certificate_not_found',
  'revocation_conflict',
  'revocation_count_changed',
  'revocation_invalid',
  'revocation_not_found',
  'revocation_too_broad',
  'fleet_reconciliation_not_found',
  'fleet_reconciliation_running',
  'fleet_finding_not_found',
  'fleet_finding_count_changed',
  'fleet_clean_up_not_found',
  'fleet_clean_up_count_changed',
  'blocked_key_not_found',
  'token_not_found',
  'token_exists',
  'station_not_found',
  'station_exists',
  'station_invalid',
  'client_certificate_not_found',
  // Of a station that asks for its own.
  'station_certificates_off',
  'station_profile_missing',
  'station_profile_invalid',
  'station_key_refused',
  'station_certificates_exhausted',
  'job_not_found',
  'webhook_missing',
  'event_not_found',
  'audit_event_not_found',
  'search_behind',
  'search_too_broad',
  'shift_not_found',
  'devices_invalid',
  'devices_issued',
  'devices_not_found',
  'devices_upload_conflict',
  'last_admin_token',
  'authority_not_found',
  'authority_transition_refused',
  'intents_open',
  'authority_invalid',
  'authority_exists',
  'aws_registration_not_found',
  'aws_registration_invalid',
  'aws_template_not_ours',
  'aws_registration_blocked',
  'aws_registration_held',
  'aws_refused',
  'aws_unavailable',
  'job_interrupted',
  'webhook_failed',
  'config_invalid',
  'data_directory_unusable',
  'database_incompatible',
  'key_unusable'
]

const rows = [
  ...readFileSync('docs/station.md', 'utf8').matchAll(/^\| (\d{3}) \| `([a-z_]+)` \| (yes|no) \| (.+) \|$/gm)
].map(([, status, code, again]) => ({
  status: Number(status),
  code: code as ErrorCode,
  isAgain: again === 'yes'
}))

describe('the table of answers in docs/station.md', () => {
  it('has every code that a station may be answered with, once', () => {
    const wanted = errorCodes.filter(code => !ofOthers.includes(code))
    expect(rows.map(({ code }) => code).sort()).toEqual(wanted.sort())
  })

  it.each(rows)('$code: its status, and whether enroll tries again', ({ status, code, isAgain }) => {
    expect([status, isAgain]).toEqual([problemTable[code].status, isWorthRetrying(status, code)])
  })
})
