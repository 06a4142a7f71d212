import type { Authorities, Authority } from '../authorities/authority.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import type { SignedCertificate } from '../issuance/cycle-store.ts'
import type { Durable, ToBeSigned } from '../issuance/intent.ts'
import { certificateIdHex, parseTbsCertificate, type TbsCertificate } from '../pki/certificate/certificate.ts'
import type { IssuanceEntry, IssuancePage, IssuanceQuery, IssuanceRecord, UnknownIssuance } from './record.ts'
import type { EntryStore, IntentRow } from './record-store.ts'

/** What was asked and what became of it. */
export interface Records {
  /** @throws MintlineError `issuance_not_found`. */
  find(id: string): Promise<IssuanceEntry>
  /** As `find`, for intents alone. */
  findIntent(id: string): Promise<EarlierIntent>
  /** The intent that holds this key, if there is one. */
  findByKey(spkiSha256: Uint8Array): Promise<EarlierIntent | undefined>
  list(query: IssuanceQuery): Promise<IssuancePage>
}

/** An intent found on record, with what is needed to complete it if that is still to be done. */
export interface EarlierIntent {
  readonly entry: IssuanceRecord | UnknownIssuance
  readonly requestSha256: Uint8Array
  readonly toBeSigned: Durable<ToBeSigned>
  readonly authorityId: string
}

/** The facts of an intent that its TBSCertificate does not hold. */
export type IntentFacts = Pick<
  IntentRow,
  | 'id'
  | 'requestedAt'
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

export function createRecords(store: EntryStore, authorities: Authorities): Records {
  const toEarlier = async (row: IntentRow): Promise<EarlierIntent> => ({
    entry: await toEntry(row, authorities),
    requestSha256: row.requestSha256,
    toBeSigned: { id: row.id, tbsDer: row.tbsDer } as Durable<ToBeSigned>,
    authorityId: row.authorityId
  })
  return {
    async find(id) {
      const intent = await store.findIntent(id)
      if (intent !== undefined) return toEntry(intent, authorities)
      const rejection = await store.findRejection(id)
      return rejection ?? refuseUnknown(id)
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
      const [intents, rejections] = await Promise.all([
        query.outcome === 'rejected' ? [] : store.listIntents(wanted),
        mayBeRejection(query) ? store.listRejections(wanted) : []
      ])
      const described = await Promise.all(intents.map(intent => toEntry(intent, authorities)))
      const entries = [...described, ...rejections].sort((a, b) => (a.id < b.id ? 1 : -1))
      const items = entries.slice(0, query.limit)
      return { items, nextCursor: entries.length > query.limit ? items.at(-1)?.id : undefined }
    }
  }
}

/** The record of a certificate, the same whether it was signed a moment or ten years ago. `tbs`: if it was read already. */
export function describeIssued(
  intent: IntentFacts,
  authority: Authority,
  { certificateDer, issuedAt, thing }: Pick<SignedCertificate, 'certificateDer' | 'issuedAt' | 'thing'>,
  tbs: TbsCertificate = parseTbsCertificate(intent.tbsDer)
): IssuanceRecord {
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

function describeIntent(intent: IntentFacts, authority: Authority, tbs: TbsCertificate): UnknownIssuance {
  const { id, requestedAt, station, profile, profileVersion, templateSha256, metadata, requestId, csrDer } =
    intent
  const { subject, notBefore, notAfter } = tbs
  return {
    outcome: 'unknown',
    id,
    requestedAt,
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

async function toEntry(row: IntentRow, authorities: Authorities): Promise<IssuanceRecord | UnknownIssuance> {
  const authority = await authorities.find(row.authorityId)
  const { certificateDer, issuedAt, thing } = row
  if (certificateDer === null || issuedAt === null)
    return describeIntent(row, authority, parseTbsCertificate(row.tbsDer))
  return describeIssued(row, authority, { certificateDer, issuedAt, thing })
}

/** A rejection has neither serial number nor certificate. */
function mayBeRejection({ outcome, serialNumber, certificateId }: IssuanceQuery): boolean {
  return (outcome ?? 'rejected') === 'rejected' && serialNumber === undefined && certificateId === undefined
}

function refuseUnknown(id: string): never {
  throw new MintlineError('issuance_not_found', `There is no record with the id ${id}.`)
}
