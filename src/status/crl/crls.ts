import type { Authorities, Authority } from '../../authorities/authority.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { maySignCrls } from '../../pki/certificate/authority/certificate.ts'
import type { Clock, Stopwatch } from '../../sources/clock.ts'
import { timeOfIdentifier } from '../../sources/identifier.ts'
import { whileUnderWay } from '../../sources/while-under-way.ts'
import type { CrlStore, StoredCrl } from './crl-store.ts'
import { createDeltaWatch, type DeltaStand } from './delta-watch.ts'
import { NewestCrls } from './newest-crls.ts'
import {
  allParts,
  type CrlPart,
  crlPath,
  describePart,
  hasCrls,
  isSpokenFor,
  lastNextUpdate
} from './scope.ts'
import { createShardWatch, type ShardStand } from './shard-watch.ts'

/** A CRL as it is handed out. */
export interface OpenCrl {
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly octets: number
  readonly sha256: Uint8Array
  /** Its DER, in parts of some hundred KiB at most. @throws MintlineError `overloaded` where a newer one has replaced it long ago. */
  read(): AsyncGenerator<Uint8Array>
}

/** What there is to know of a generation's CRL. */
export interface CrlFacts {
  readonly authority: string
  readonly number: number
  readonly entries: number
  readonly ageSeconds: number
  readonly secondsToNextUpdate: number
  /** Since the oldest change that it does not say. */
  readonly lagSeconds: number
}

export interface Crls {
  /**
   * The newest CRL of a generation, or of a shard of it, a second old at most as this process knows it.
   *
   * @throws MintlineError `authority_not_found`, also where there is none of it yet, or never will be; `record_damaged` for one
   * that was changed in the database; `database_unavailable`.
   */
  find(name: string, part?: CrlPart): Promise<OpenCrl>
  /**
   * The newest delta CRL of a generation, or of a shard of it, as old. Who has a complete one of a later number has no use for it.
   *
   * @throws MintlineError as above.
   */
  findDelta(name: string, part?: CrlPart): Promise<OpenCrl>
  /** Of each generation whose CRLs are made, once there is one. @throws MintlineError `database_unavailable`. */
  measure(): Promise<readonly CrlFacts[]>
  /** Of each way in which certificates are shared out. @throws as above. */
  measureShards(): Promise<readonly ShardStand[]>
  /** Of the deltas of each generation that has some, and of those of its shards. @throws as above. */
  measureDeltas(): Promise<readonly DeltaStand[]>
  /** For readiness. @throws as above. */
  examine(): Promise<{ readonly ok: boolean; readonly detail: string }>
}

export interface CrlsDependencies {
  readonly store: CrlStore
  readonly authorities: Pick<Authorities, 'list' | 'listDamaged'>
  /** How long before nextUpdate the next one is made. */
  readonly overlapMs: number
  readonly clock: Clock
  readonly stopwatch?: Stopwatch
}

const overdueSeconds = 60

const advice =
  'Look whether its key can be used (lines), and at the log of the process that does the background duties.'

export function createCrls(dependencies: CrlsDependencies): Crls {
  const { store, authorities, overlapMs, clock } = dependencies
  const newest = new NewestCrls(dependencies)
  const listShardFacts = whileUnderWay(() => store.listShardFacts())
  const watched = { ...dependencies, store: { ...store, listShardFacts } }
  const [shards, deltas] = [createShardWatch(watched), createDeltaWatch(watched)]

  /** Of each whose CRLs are made. */
  async function describeAll(now: Date): Promise<Described[]> {
    const [crls, lags] = await Promise.all([store.listNewest(), store.listLags(now)])
    return authorities
      .list()
      .filter(authority => hasCrls(authority, now))
      .map(authority => {
        const crl = crls.find(({ authorityId }) => authorityId === authority.id)
        const lagSeconds = lags.find(({ authorityId }) => authorityId === authority.id)?.seconds ?? 0
        return { authority, crl, lagSeconds, isDamaged: crl !== undefined && newest.isDamaged(crl) }
      })
  }

  return {
    ...createFinding(dependencies, newest),
    async measure() {
      const at = clock()
      const now = at.getTime()
      return (await describeAll(at)).flatMap(({ authority, crl, lagSeconds }) =>
        crl === undefined
          ? []
          : [
              {
                authority: authority.name,
                number: crl.number,
                entries: crl.entries,
                ageSeconds: (now - crl.thisUpdate.getTime()) / 1000,
                secondsToNextUpdate: (crl.nextUpdate.getTime() - now) / 1000,
                lagSeconds
              }
            ]
      )
    },
    measureShards: () => shards.measure(clock()),
    measureDeltas: () => deltas.measure(clock()),
    async examine() {
      const now = clock()
      const all = await describeAll(now)
      const unread = authorities
        .listDamaged()
        .filter(({ state }) => isSpokenFor(state))
        .map(({ name }) => `no CRL of ${name} is made, whose row in the database cannot be read`)
      const ofParts = await Promise.all([shards.faults(now), deltas.faults(now)])
      const faults = [
        ...all.flatMap(each => faultOf(each, now, overlapMs) ?? []),
        ...unread,
        ...(await lastFaults(dependencies, now)),
        ...ofParts.flat()
      ]
      if (faults.length === 0) return { ok: true, detail: all.length === 0 ? 'none is due' : 'up to date' }
      return { ok: false, detail: `${faults.join('; ')}. ${advice}` }
    }
  }
}

/** What hands them out. */
function createFinding(
  { authorities, clock }: Pick<CrlsDependencies, 'authorities' | 'clock'>,
  newest: NewestCrls
): Pick<Crls, 'find' | 'findDelta'> {
  function authorityOf(name: string): Authority {
    const authority = authorities.list().find(each => each.name === name)
    if (authority === undefined) throw noSuchAuthority(name)
    return authority
  }

  async function findComplete(authority: Authority, part: CrlPart): Promise<StoredCrl> {
    const found = await newest.find({ authorityId: authority.id, ...part })
    if (found !== undefined) return found
    throw part.shards === 0 ? noneYet(authority, clock()) : noSuchShard(authority.name, part)
  }

  return {
    async find(name, part = allParts) {
      const found = await findComplete(authorityOf(name), part)
      return { ...found, read: () => newest.read(found) }
    },
    async findDelta(name, part = allParts) {
      const authority = authorityOf(name)
      const complete = await findComplete(authority, part)
      const series = { authorityId: authority.id, ...part, isDelta: true }
      const found = complete.freshestCrl === null ? undefined : await newest.find(series)
      if (found === undefined) throw noDelta(authority, complete)
      return { ...found, read: () => newest.read(found) }
    }
  }
}

function noSuchAuthority(name: string): MintlineError {
  return new MintlineError(
    'authority_not_found',
    `There is no authority ${name}. A CRL is of a generation, e.g. starter-g1.`
  )
}

interface Described {
  readonly authority: Authority
  readonly crl: StoredCrl | undefined
  readonly lagSeconds: number
  readonly isDamaged: boolean
}

function faultOf(
  { authority, crl, lagSeconds, isDamaged }: Described,
  now: Date,
  overlapMs: number
): string | undefined {
  const { id, name } = authority
  if (crl === undefined) {
    // It waits for one since it was activated; of an older one nothing says since when.
    const ageSeconds = (now.getTime() - timeOfIdentifier(id).getTime()) / 1000
    return (lagSeconds || ageSeconds) < overdueSeconds ? undefined : `${name} has no CRL`
  }
  if (isDamaged) return `the CRL ${crl.number} of ${name} was changed in the database, and is not handed out`
  const end = crl.nextUpdate.toISOString()
  if (crl.nextUpdate <= now) return `the CRL of ${name} ended ${end}`
  // The next one should be there since the overlap began.
  if (crl.nextUpdate.getTime() - now.getTime() < overlapMs / 2) return `the CRL of ${name} ends ${end}`
  return lagSeconds < overdueSeconds ? undefined : `the CRL of ${name} is ${Math.floor(lagSeconds)} s behind`
}

/** Of compromised generations. */
async function lastFaults(
  { store, authorities }: Pick<CrlsDependencies, 'store' | 'authorities'>,
  now: Date
): Promise<readonly string[]> {
  const owed = await store.listOwedLast(new Date(now.getTime() - overdueSeconds * 1000))
  return authorities
    .list()
    .filter(each => owed.includes(each.id) && maySignCrls(each.certificate, now))
    .map(({ name }) => `${name} is compromised, and its last CRL is still to be made`)
}

function noSuchShard(name: string, { shards, shard }: CrlPart): MintlineError {
  return new MintlineError(
    'authority_not_found',
    `There is no CRL of ${name} for shard ${shard} of ${shards}: none of its certificates names it, or it is made within seconds. GET /v1/authorities/${name}/crl has all of them.`
  )
}

function noDelta({ name }: Authority, { freshestCrl, nextUpdate, ...part }: StoredCrl): MintlineError {
  const why =
    nextUpdate.getTime() === lastNextUpdate.getTime()
      ? 'its CRL is the last one, which nothing follows'
      : freshestCrl === null
        ? 'none are made here, since MINTLINE_CRL_DELTA_BASE_SECONDS is 0'
        : 'the first one is made within seconds; where it is not, GET /readyz says why'
  return new MintlineError(
    'authority_not_found',
    `There is no delta CRL of ${describePart(part, name)}: ${why}. GET ${crlPath(name, part)} is complete.`
  )
}

function noneYet({ name, state, certificate }: Authority, now: Date): MintlineError {
  const why =
    certificate.keyUsage?.includes('cRLSign') === false
      ? 'its certificate has no keyUsage cRLSign, so that its key may not sign any'
      : state === 'staged' || state === 'compromised'
        ? `it is ${state}, and had none before`
        : now >= certificate.notAfter
          ? 'its certificate has expired'
          : 'the first one is made within seconds; where it is not, GET /readyz says why'
  return new MintlineError('authority_not_found', `There is no CRL of ${name}: ${why}.`)
}
