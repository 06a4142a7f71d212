import { subjectFields } from '../../../pki/name/subject-field.ts'
import type { Cell } from '../../listing/csv.ts'
import type { IssuanceEntryView } from './schemas.ts'

type Entry = Readonly<Record<string, unknown>> & Pick<IssuanceEntryView, 'outcome'>

/** Members that come as they are. CSR and certificates are left out: NDJSON has them. */
const plain = [
  'id',
  'requestedAt',
  'outcome',
  'station',
  'line',
  'site',
  'lot',
  'credential',
  'requestId',
  'profile',
  'profileVersion',
  'templateSha256',
  'authority',
  'serialNumber',
  'certificateId',
  'spkiSha256',
  'notBefore',
  'notAfter',
  'issuedAt',
  'code',
  'detail',
  'voidedAt',
  'voidedBy',
  'reason',
  'releasedAt',
  'releasedBy',
  'releaseReason',
  'scrappedAt',
  'scrappedBy',
  'scrapReason',
  'supersedes',
  'supersededAt',
  'successor',
  'endsAt',
  'purgedAt',
  'purgedBy',
  'purgeReason',
  'compromised',
  'damaged',
  'metadata',
  'stationSubject',
  'mes'
] as const

/** What CSV has of a record. */
export const issuanceColumns: Readonly<Record<string, (entry: Entry) => Cell>> = {
  ...Object.fromEntries(plain.map(name => [name, (entry: Entry) => entry[name] as Cell])),
  ...Object.fromEntries(
    subjectFields.map(field => [
      `subject.${field}`,
      ({ subject }: Entry) => (subject as Readonly<Record<string, string>> | undefined)?.[field]
    ])
  ),
  thingName: ({ thing }) => (thing as { readonly thingName: string | null } | null | undefined)?.thingName
}
