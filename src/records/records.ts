import type { Authorities, Authority } from '../authorities/authority.ts'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import type { SignedCertificate } from '../issuance/cycle-store.ts'
import { certificateIdHex, parseTbsCertificate, type TbsCertificate } from '../pki/certificate/certificate.ts'
import type { Durable } from '../signing/durable.ts'
import type { ToBeSigned } from '../signing/sign-durable.ts'
import { recordDamaged } from './damaged.ts'
import type { IssuancePage, IssuanceQuery, IssuanceRecord, IssuedRecord, UnknownRecord } from './record.ts'
import type { IntentRow, RecordStore } from './record-store.ts'

/** What was asked and what became of it. */
export interface Records {
  /** @throws MintlineError `issuance_not_found`. */
  find(id: string): Promise<IssuanceRecord>
  /** As `find`, for intents alone. */
  findIntent(id: string): Promise<EarlierIntent>
  /** The intent that holds this key, if there is one. */
  findByKey(spkiSha256: Uint8Array): Promise<EarlierIntent | undefined>
  list(query: IssuanceQuery): Promise<IssuancePage>
}

/** An intent found on record, with what is needed to complete it if that is still to be done. */
export interface EarlierIntent {
  readonly record: IssuedRecord | UnknownRecord
  readonly requestSha256: Uint8Array
  readonly spkiSha256: Uint8Array
  readonly toBeSigned: Durable<ToBeSigned>
  readonly authorityId: string
}

/** The facts of an intent that its TBSCertificate does not hold. */
export type IntentFacts = Pick<
  IntentRow,
  | 'id'
  | 'createdAt'
  | 'serialNumber'
  | 'tbsDer'
  | 'csrDer'
  | 'station'
  | 'profile'
  | 'profileVersion'
  | 'templateSha256'
  | 'metadata'
  | 'requestId'
>

export function createRecords(store: RecordStore, authorities: Authorities): Records {
  const toEarlier = async (row: Durable<IntentRow>): Promise<EarlierIntent> => ({
    record: await toRecord(row, authorities),
    requestSha256: row.requestSha256,
    spkiSha256: row.spkiSha256,
    toBeSigned: row,
    authorityId: row.authorityId
  })
  return {
    async find(id) {
      const intent = await store.findIntent(id)
      if (intent !== undefined) return toRecord(intent, authorities)
      const refusal = await store.findRefusal(id)
      return refusal ?? refuseUnknown(id)
    },
    async findIntent(id) {
      const row = await store.findIntent(id)
      return row === undefined ? refuseUnknown(id) : toEarlier(row)
    },
    async findByKey(spkiSha256) {
      const row = await store.findIntentByKey(spkiSha256)
      return row && toEarlier(row)
    },
    async list(query) {
      // One more than asked for tells whether there is a next page.
      const wanted = { ...query, limit: query.limit + 1 }
      const [intents, refusals] = await Promise.all([
        query.outcome === 'rejected' ? [] : store.listIntents(wanted),
        mayBeRefusal(query) ? store.listRefusals(wanted) : []
      ])
      const described = await Promise.all(intents.map(intent => toRecord(intent, authorities)))
      const records = [...described, ...refusals].sort((a, b) => (a.id < b.id ? 1 : -1))
      const items = records.slice(0, query.limit)
      return { items, nextCursor: records.length > query.limit ? items.at(-1)?.id : undefined }
    }
  }
}

/** The record of a certificate, the same whether it was signed a moment or ten years ago. `tbs`: if it was read already. */
export function describeIssued(
  intent: IntentFacts,
  authority: Authority,
  { certificateDer, issuedAt, thing }: Pick<SignedCertificate, 'certificateDer' | 'issuedAt' | 'thing'>,
  tbs: TbsCertificate = parseTbsCertificate(intent.tbsDer)
): IssuedRecord {
  return {
    ...describeIntent(intent, authority, tbs),
    outcome: 'issued',
    issuedAt,
    thing,
    certificateId: certificateIdHex(certificateDer),
    certificateDer,
    chainDer: [certificateDer, ...authority.chainDer]
  }
}

function describeIntent(intent: IntentFacts, authority: Authority, tbs: TbsCertificate): UnknownRecord {
  const { id, createdAt, station, profile, profileVersion, templateSha256, metadata, requestId, csrDer } =
    intent
  const { subject, notBefore, notAfter } = tbs
  return {
    outcome: 'unknown',
    id,
    createdAt,
    station,
    profile,
    profileVersion,
    templateSha256,
    metadata,
    requestId,
    csrDer,
    authority: authority.name,
    serialNumber: Buffer.from(intent.serialNumber).toString('hex'),
    subject,
    notBefore,
    notAfter
  }
}

async function toRecord(row: IntentRow, authorities: Authorities): Promise<IssuedRecord | UnknownRecord> {
  const authority = await authorities.find(row.authorityId)
  const { certificateDer, issuedAt, thing } = row
  if (certificateDer === null || issuedAt === null) return describeIntent(row, authority, readTbs(row))
  return describeIssued(row, authority, { certificateDer, issuedAt, thing }, readTbs(row))
}

function readTbs({ id, tbsDer }: IntentRow): TbsCertificate {
  try {
    return parseTbsCertificate(tbsDer)
  } catch (error) {
    if (!isMintlineError(error)) throw error
    throw recordDamaged(id, error.violations, error)
  }
}

/** A refusal has neither serial number nor certificate. */
function mayBeRefusal({ outcome, serialNumber, certificateId }: IssuanceQuery): boolean {
  return (outcome ?? 'rejected') === 'rejected' && serialNumber === undefined && certificateId === undefined
}

function refuseUnknown(id: string): never {
  throw new MintlineError('issuance_not_found', `There is no record with the id ${id}.`)
}
