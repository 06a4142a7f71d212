import {
  bytea,
  type Given,
  int,
  json,
  jsonb,
  orNull,
  type Row,
  text,
  timestamptz,
  type Unmade,
  uuid
} from '../database/column.ts'
import type { ErrorCode, Violation } from '../errors/mintline-error.ts'
import type { PredictedThing } from '../jitp/evaluation/prediction.ts'
import type { Subject } from '../pki/name/subject-field.ts'
import {
  holdFacts,
  purgeFacts,
  releaseFacts,
  revocationColumns,
  scrapFacts,
  supersessionFacts,
  voidFacts
} from './acts/act-model.ts'
import type { Metadata } from './metadata.ts'

/*
 * The one declaration of what is kept of a request. Rows, statements, records and what is told of them derive from it.
 * A field that stands among the facts is told: in the API, in events, in whatever is made of the records later.
 */

/** As the station sends it beside what is to be certified. Here and in the next two: columns of `intent` and of `refusal` alike. */
export const sentFacts = {
  /** Id of the lot in which it has its place; of a refusal, as it was asked for. Null for none. */
  lot: orNull(text('lot')),
  metadata: jsonb<Metadata>('metadata')
}

/** As the request brought it. */
const askedFacts = {
  /** Who asked. */
  station: text('station'),
  /** Where that stood then; null where it was not told. */
  line: orNull(text('line')),
  site: orNull(text('site')),
  ...sentFacts,
  /** Id of the token by which it was let in. */
  credential: uuid('token_id'),
  /** The subject that the station set; null where that of the CSR counts. */
  stationSubject: orNull(jsonb<Subject>('station_subject')),
  /** The HTTP request's id, so that the record can be found from the log and back. */
  requestId: text('request_id')
}

const requestFacts = {
  /** UUIDv7 of `createdAt`. */
  id: uuid('id'),
  createdAt: timestamptz('created_at'),
  ...askedFacts
}

/** That the MES of the profile was asked, and let the device be certified. */
export interface MesConsent {
  /** As the settings name it. */
  readonly name: string
  readonly verdict: 'allow'
  /** When it had answered, by the service's clock: RFC 3339. */
  readonly at: string
  readonly message?: string
  /** What it set; the record's own metadata has it too. */
  readonly metadata?: Metadata
  /** What the station had sent instead. */
  readonly replaced?: Metadata
}

const consentFacts = {
  /** Null where the profile has none asked. */
  mes: orNull(jsonb<MesConsent>('mes'))
}

/** What is written of an intent: what is about to be signed, for whom, and under which rules. */
export const intentColumns = {
  ...requestFacts,
  ...consentFacts,
  /** Content octets of the INTEGER: positive, at most 20. */
  serialNumber: bytea('serial_number'),
  spkiSha256: bytea('spki_sha256'),
  /** Where the key is the identity, that of the key: `spkiSha256`. */
  deviceSha256: bytea('device_sha256'),
  requestSha256: bytea('request_sha256'),
  tbsDer: bytea('tbs_der'),
  csrDer: bytea('csr_der'),
  profileVersionId: uuid('profile_version_id'),
  authorityId: uuid('authority_id')
}

/** What an intent names by id, read along with it. */
const ruleFacts = {
  profile: text('profile_version.name'),
  profileVersion: int('profile_version.version'),
  /** Lower-case hex SHA-256 of the provisioning template body it was checked against. */
  templateSha256: text("encode(profile_version.template_sha256, 'hex')"),
  /** The generation that signs, e.g. `starter-g1`. */
  authority: text('authority.name')
}

/** Read along with these, and told by a word of its own. */
const ruleColumns = {
  ...ruleFacts,
  /** At this moment. */
  authorityState: text('authority.state::text')
}

export const intentFacts = {
  ...requestFacts,
  ...consentFacts,
  ...ruleFacts,
  serialNumber: intentColumns.serialNumber
}

/** Of a certificate that was signed, verified and recorded. */
export const certificateFacts = {
  /** SHA-256 of the certificate's DER: AWS IoT's id for it. */
  certificateId: bytea('certificate_id'),
  issuedAt: timestamptz('issued_at'),
  /** What AWS IoT will make at first connect; null where the template makes no thing. */
  thing: orNull(json<PredictedThing>('thing'))
}

const certificateColumns = {
  ...certificateFacts,
  certificateDer: bytea('certificate_der')
}

/** What is written of a certificate. */
export const issuedColumns = {
  intentId: uuid('intent_id'),
  ...certificateColumns
}

/** Of an intent that comes in the place of another certificate. */
const successionColumns = {
  /** Id of that other's record. */
  supersedes: uuid('succeeds')
}

export const refusalFacts = {
  ...requestFacts,
  /** As it was asked for; there need be none of that name. */
  profile: text('profile_name'),
  /** Null where the request was refused before there was one. */
  profileVersion: orNull(int('profile_version')),
  authority: orNull(text('authority_name')),
  code: text<ErrorCode>('code'),
  detail: text('detail'),
  violations: jsonb<readonly Violation[]>('violations'),
  /** Octets of what was sent; where all of it is on record, null, since it tells by itself. */
  bodyLength: orNull(int('body_length')),
  /** SHA-256 of what was sent, as above. Where it is withheld, over the database's salt and it. */
  bodySha256: orNull(bytea('body_sha256')),
  /** `private_key`: nothing was kept, since it held one. `excess`: no CSR, of which the beginning alone was kept. */
  withheld: orNull(text<'private_key' | 'excess'>('withheld'))
}

/** What is written of a refusal: who asked, and why not. */
export const refusalColumns = {
  ...refusalFacts,
  /** As it was sent. */
  csr: bytea('csr')
}

/** What is read of an intent, of what it names, and of its certificate or its end. */
export const readColumns = {
  intent: intentColumns,
  rules: ruleColumns,
  certificate: certificateColumns,
  end: voidFacts,
  release: releaseFacts,
  scrap: scrapFacts,
  supersession: supersessionFacts,
  revocation: revocationColumns,
  hold: holdFacts,
  succession: successionColumns,
  purge: purgeFacts
}

/** What is recorded of a request as it came, whatever becomes of it. */
export type Asked = Row<typeof askedFacts>

/** What of it is the station's to say; `sentFacts` is how it is kept. */
export type Sent = Given<typeof sentFacts>
export type Intent = Row<typeof intentColumns>
export type SignedCertificate = Row<typeof issuedColumns>
export type RefusalRow = Row<typeof refusalColumns>

/** A refusal as it is on record; all of its purge is null while there is none. */
export type StoredRefusal = RefusalRow & Unmade<typeof purgeFacts>

/** An intent as it is on record, with the names behind its ids. */
export type IntentRow = Intent &
  Row<typeof ruleColumns> & {
    /** Null where it comes in nobody's place, or that is not read. */
    readonly supersedes?: string | null
  }
/** With its certificate. */
export type IssuedRow = IntentRow & Row<typeof certificateColumns>
/** With the end that an administrator gave it. */
export type VoidRow = IntentRow & Row<typeof voidFacts>
/** With its certificate, and whatever came of it; what there is not is null. */
export type IssuanceRow = IntentRow &
  Unmade<
    typeof certificateColumns &
      typeof voidFacts &
      typeof releaseFacts &
      typeof scrapFacts &
      typeof supersessionFacts &
      typeof revocationColumns &
      typeof holdFacts
  >

export function isVoid(row: IssuanceRow): row is IssuanceRow & VoidRow {
  return row.voidedAt !== null
}

export function isIssued(row: IssuanceRow): row is IssuanceRow & IssuedRow {
  return row.certificateDer !== null
}
