import { isMintlineError, MintlineError, type Violation } from '../errors/mintline-error.ts'
import { toHex } from '../pki/der/octet-text.ts'
import type { Durable } from '../signing/durable.ts'
import type { ToBeSigned } from '../signing/sign-durable.ts'
import { eachAtOnce } from '../sources/each-at-once.ts'
import type { IdentifierRange } from '../sources/identifier.ts'
import { type Page, pageOf } from '../sources/page.ts'
import { holdFacts, releaseFacts, revocationFacts, scrapFacts, supersessionFacts } from './acts/act-model.ts'
import {
  type CertificateContent,
  factsOfAct,
  intentFactsOf,
  issuedFactsOf,
  readTbs,
  storedRefusalFactsOf,
  voidFactsOf
} from './facts.ts'
import { type CertificateIssuer, findDamage } from './integrity.ts'
import { monthsTouched, recordDetached } from './months/month.ts'
import type {
  IssuanceQuery,
  IssuanceRecord,
  IssuedRecord,
  PushStand,
  Refusal,
  Repeats,
  UnknownRecord,
  VoidRecord
} from './record.ts'
import {
  type IntentRow,
  isIssued,
  type IssuanceRow,
  type IssuedRow,
  isVoid,
  type StoredRefusal
} from './record-model.ts'
import type { RecordStore } from './record-store.ts'
import type { PushesById } from './rows/pushes-store.ts'
import { mayBeRefusal, type RepeatsById } from './rows/rows-store.ts'
import type { SearchStore } from './search/finding/search-store.ts'
import { isSearched, type ListedRows, listRows } from './search/listing.ts'

/** What was asked and what became of it. */
export interface Records {
  /** @throws MintlineError `issuance_not_found`; `record_detached` for one of a month that is detached. */
  find(id: string): Promise<IssuanceRecord>
  /** Of these ids, the intents that there are, by their ids. What is of a month that is detached is left out. */
  findAll(ids: readonly string[]): Promise<readonly IssuanceRecord[]>
  /** As `find`, for intents alone. */
  findIntent(id: string): Promise<EarlierIntent>
  /**
   * The latest intent with this key that is not void, of that request where one is given.
   *
   * @throws MintlineError `record_detached` where none is there, of whatever request, since their month is detached.
   */
  findByKey(spkiSha256: Uint8Array, requestSha256?: Uint8Array): Promise<EarlierIntent | undefined>
  /** Without what is of months that are detached: `detachedMonths` are those that the range touches. */
  list(query: IssuanceQuery): Promise<IssuanceList>
  /** The months that are detached and that the range touches, as `2026-01`, the latest first. */
  listDetached(range: IdentifierRange): Promise<readonly string[]>
  /** About how many records the whole list has; undefined where only a search would tell. */
  estimate(query: IssuanceQuery): Promise<number | undefined>
}

export interface IssuanceList extends Page<IssuanceRecord> {
  /** As `2026-01`, the latest first. */
  readonly detachedMonths: readonly string[]
}

type IntentRecord = IssuedRecord | UnknownRecord | VoidRecord

/** An intent found on record, with what is needed to complete it if that is still to be done. */
export interface EarlierIntent {
  readonly record: IntentRecord
  readonly requestSha256: Uint8Array
  readonly spkiSha256: Uint8Array
  readonly deviceSha256: Uint8Array
  readonly toBeSigned: Durable<ToBeSigned>
  readonly authorityId: string
}

export interface RecordsDependencies {
  readonly store: RecordStore
  readonly search: SearchStore
  /** @throws MintlineError `authority_not_found`. */
  readonly findIssuer: (authorityId: string) => Promise<CertificateIssuer>
  /** Told each time that a certificate on record is found to be another than was recorded. */
  readonly onDamaged?: (id: string, damage: Violation) => void
}

/**
 * While the thread pool holds one signature against its key, this thread reads the next record. All of a page queued together
 * would hold up every certificate that is asked for meanwhile.
 */
const readBackAtOnce = 2

export function createRecords({ store, search, findIssuer, onDamaged }: RecordsDependencies): Records {
  const toRecord = async (row: IssuanceRow): Promise<IntentRecord> => {
    if (isVoid(row)) return { outcome: 'void', ...voidFactsOf(row), ...requestOf(row), ...revocationOf(row) }
    if (isIssued(row)) return readBack(row)
    return { outcome: 'unknown', ...intentFactsOf(row), ...requestOf(row), ...revocationOf(row) }
  }
  const readBack = async (row: IssuanceRow & IssuedRow): Promise<IssuedRecord> => {
    const issuer = await findIssuer(row.authorityId).catch(ignoreAbsent)
    const tbs = readTbs(row)
    const record = { ...describeIssued(row, issuer?.chainDer ?? [], tbs), ...whatCameOf(row) }
    const damage = await findDamage({ row, tbs, issuer })
    if (damage === undefined) return record
    onDamaged?.(row.id, damage)
    return { ...record, damaged: true, damage }
  }
  const toEarlier = async (row: Durable<IssuanceRow>): Promise<EarlierIntent> => ({
    record: await toRecord(row),
    requestSha256: row.requestSha256,
    spkiSha256: row.spkiSha256,
    deviceSha256: row.deviceSha256,
    toBeSigned: row,
    authorityId: row.authorityId
  })
  return {
    find: id => findOne(store, id, toRecord),
    findAll: ids => findAll({ store, search }, ids, toRecord),
    async findIntent(id) {
      const row = await store.findIntent(id)
      return row === undefined ? refuseUnknown(store, id) : toEarlier(row)
    },
    async findByKey(spkiSha256, requestSha256) {
      const row = await store.findIntentByKey(spkiSha256, requestSha256)
      if (row !== undefined || requestSha256 !== undefined) return row && toEarlier(row)
      const use = await store.findDetachedUse(spkiSha256)
      if (use !== undefined) throw recordDetached(use.id, use.month)
    },
    listDetached: async range => monthsTouched(await store.listDetached(), range),
    async list(query) {
      const { limit } = query
      // One more than asked for tells whether there is a next page.
      const { rows, goOn, detachedMonths, repeats, pushes } = await listAttached(
        { store, search },
        { ...query, limit: limit + 1 }
      )
      const page = pageOf(rows, { limit, cursorOf: ({ id }) => id, bytesOf: sentBytesOf })
      // What is beyond the page is not read back.
      const items = await eachAtOnce(page.items, readBackAtOnce, async row =>
        isRefusal(row)
          ? toRefusal(row, repeats.get(row.id))
          : withPushes(await toRecord(row), pushes.get(row.id))
      )
      return { items, nextCursor: page.nextCursor ?? goOn, detachedMonths }
    },
    estimate: query => estimate({ store, search }, query)
  }
}

async function findOne(
  store: RecordStore,
  id: string,
  toRecord: (row: IssuanceRow) => Promise<IntentRecord>
): Promise<IssuanceRecord> {
  const intent = await store.findIntent(id)
  if (intent !== undefined) return withPushes(await toRecord(intent), await store.findPushes(id))
  const refusal = await store.findRefusal(id)
  if (refusal === undefined) return refuseUnknown(store, id)
  return toRefusal(refusal, await store.findRepeats(id))
}

async function findAll(
  { store, search }: Pick<RecordsDependencies, 'store' | 'search'>,
  ids: readonly string[],
  toRecord: (row: IssuanceRow) => Promise<IntentRecord>
): Promise<readonly IntentRecord[]> {
  const rows = await search.within(({ ask }) => store.rowsBy(ask).listIntents({ ids, limit: ids.length }))
  return eachAtOnce(rows.toReversed(), readBackAtOnce, toRecord)
}

/** What is asked for besides. */
interface Besides {
  readonly repeats: RepeatsById
  readonly pushes: PushesById
}

function withPushes(record: IntentRecord, awsPushes: readonly PushStand[] | undefined): IntentRecord {
  return record.outcome !== 'issued' || awsPushes === undefined ? record : { ...record, awsPushes }
}

/** What is listed, and the months that the range touches whose records may be left out. */
async function listAttached(
  { store, search }: Pick<RecordsDependencies, 'store' | 'search'>,
  query: IssuanceQuery
): Promise<ListedRows & Pick<IssuanceList, 'detachedMonths'> & Besides> {
  return search.within(async session => {
    const rows = store.rowsBy(session.ask)
    const detached = await rows.listDetached()
    const found = await listRows({ store: rows, search: session, detached }, query)
    const refusals = query.withRepeats === true ? found.rows.filter(isRefusal) : []
    const repeats = await rows.listRepeats(refusals.map(({ id }) => id))
    const intents = query.withPushes === true ? found.rows.filter(row => !isRefusal(row)) : []
    const pushes = await rows.listPushes(intents.map(({ id }) => id))
    // One may have gone while the rows were read.
    const gone = new Set([...(await rows.listDetached()), ...detached])
    return { ...found, repeats, pushes, detachedMonths: monthsTouched([...gone], query) }
  })
}

async function estimate(
  { store, search }: Pick<RecordsDependencies, 'store' | 'search'>,
  query: IssuanceQuery
): Promise<number | undefined> {
  if (isSearched(query)) return undefined
  return search.within(async ({ ask }) => {
    const rows = store.rowsBy(ask)
    const intents = query.outcome === 'rejected' ? 0 : await rows.estimateIntents(query)
    return intents + (mayBeRefusal(query) ? await rows.estimateRefusals(query) : 0)
  })
}

/** What the station sent, about; the rest is of one size. */
function sentBytesOf(row: IssuanceRow | StoredRefusal): number {
  const csr = isRefusal(row) ? row.csr : row.csrDer
  return Object.values(row.metadata).reduce((sum, value) => sum + Buffer.byteLength(value), csr.length)
}

const isRefusal = (row: IssuanceRow | StoredRefusal): row is StoredRefusal => 'csr' in row

function ignoreAbsent(error: unknown): undefined {
  if (!isMintlineError(error, 'authority_not_found')) throw error
}

/** The record of a certificate, the same whether it was signed a moment or ten years ago. `tbs`: if it was read already. */
export function describeIssued(
  row: IssuedRow,
  issuerChainDer: readonly Uint8Array[],
  tbs?: CertificateContent
): IssuedRecord {
  const { certificateDer } = row
  return {
    outcome: 'issued',
    ...issuedFactsOf(row, tbs),
    ...requestOf(row),
    certificateDer,
    chainDer: [certificateDer, ...issuerChainDer],
    ...(row.authorityState === 'compromised' && { compromised: true })
  }
}

function requestOf({ csrDer, spkiSha256 }: Pick<IntentRow, 'csrDer' | 'spkiSha256'>) {
  return { csrDer, spkiSha256: toHex(spkiSha256) }
}

/** Of a certificate since it was recorded: nothing where nothing came of it. */
function whatCameOf(
  row: IssuanceRow
): Pick<IssuedRecord, 'release' | 'scrap' | 'supersession' | 'revocation' | 'hold'> {
  const release = factsOfAct(releaseFacts, row)
  const scrap = factsOfAct(scrapFacts, row)
  const supersession = factsOfAct(supersessionFacts, row)
  const hold = factsOfAct(holdFacts, row)
  return {
    ...(release && { release }),
    ...(scrap && { scrap }),
    ...(supersession && { supersession }),
    ...revocationOf(row),
    ...(hold && { hold })
  }
}

function revocationOf(row: IssuanceRow): Pick<IssuedRecord, 'revocation'> {
  const facts = factsOfAct(revocationFacts, row)
  if (facts === undefined) return {}
  const [isByAct, wasHeld] = [row.endingAct === 'revoke', row.stateBefore === 'held']
  return { revocation: { ...facts, isByAct, wasHeld } }
}

function toRefusal(row: StoredRefusal, repeats: Repeats | undefined): Refusal {
  return { outcome: 'rejected', ...storedRefusalFactsOf(row), csr: row.csr, ...(repeats && { repeats }) }
}

async function refuseUnknown(store: RecordStore, id: string): Promise<never> {
  const month = await store.findDetached(id)
  throw month === undefined ? issuanceNotFound(id) : recordDetached(id, month)
}

export function issuanceNotFound(id: string): MintlineError {
  return new MintlineError('issuance_not_found', `There is no record with the id ${id}.`)
}
