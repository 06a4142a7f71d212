import { parseTbsCertificate } from '../../../pki/certificate/certificate.ts'
import type { Subject } from '../../../pki/name/subject-field.ts'
import { isMetadata } from '../../metadata.ts'
import { type Facet, type Fate, stateOfIntent } from '../facet.ts'
import { readSentRequest, unlessUnreadable } from '../sent-request.ts'
import { type Term, termsOf } from '../term.ts'

interface SearchedRow {
  readonly id: string
  readonly createdAt: Date
  readonly station: string
  readonly line: string | null
  readonly site: string | null
  readonly lot: string | null
  readonly credential: string
  readonly profile: string | null
  readonly profileVersion: number | null
  readonly authority: string | null
  readonly metadata: unknown
}

/** As much of an intent, and of what came of it, as it is searched by. */
export interface SearchedIntent extends SearchedRow {
  readonly tbsDer: Uint8Array
  readonly isIssued: boolean
  readonly thingName: string | null
  readonly isVoid: boolean
  /** Null where nothing has become of its certificate. */
  readonly fate: Fate | null
  readonly rework: boolean
}

/** And of a refusal. */
export interface SearchedRefusal extends SearchedRow {
  readonly code: string
  readonly csr: Uint8Array
  readonly stationSubject: Subject | null
  /** As it was asked for, where there is none of that name; `lot` and `profile` are those that there are. */
  readonly absentLot: string | null
  readonly absentProfile: string | null
}

/** A record as it is searched by, but for the values that go into its facet. */
export interface Searchable {
  readonly id: string
  readonly createdAt: Date
  readonly facet: Omit<Facet, 'valueIds'>
  readonly terms: readonly Term[]
  /** Null where no certificate was to be. */
  readonly notAfter: Date | null
}

/** What cannot be read of a record, since somebody changed it, hides neither the record nor its neighbours. */
export function searchableIntent(row: SearchedIntent): Searchable {
  const { id, createdAt, tbsDer, thingName, rework } = row
  const tbs = unlessUnreadable(() => parseTbsCertificate(tbsDer))
  return {
    id,
    createdAt,
    facet: { ...stateOfIntent(row.isIssued, row.isVoid, row.fate), ...commonOf(row), code: null, rework },
    terms: termsOf({ subject: tbs?.subject ?? {}, thingName, metadata: metadataOf(row) }),
    notAfter: tbs?.notAfter ?? null
  }
}

export function searchableRefusal(row: SearchedRefusal): Searchable {
  const { id, createdAt, code } = row
  const absent = { absentLot: row.absentLot ?? undefined, absentProfile: row.absentProfile ?? undefined }
  return {
    id,
    createdAt,
    facet: { outcome: 'rejected', state: 'refused', ...commonOf(row), code, rework: false },
    terms: termsOf({ ...readSentRequest(row), ...absent, metadata: metadataOf(row) }),
    notAfter: null
  }
}

function commonOf(row: SearchedRow) {
  const { station, line, site, lot, credential, profile, profileVersion, authority } = row
  return { station, line, site, lot, credential, profile, profileVersion, authority }
}

function metadataOf({ metadata }: SearchedRow) {
  return isMetadata(metadata) ? metadata : {}
}
