import { type Act, type AuditEvent, buildAuditEvent } from '../../audit/audit-event.ts'
import { createGroupCommit } from '../../database/group-commit.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import { isEqual } from '../../pki/der/octets.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import { type Page, readPage } from '../../sources/page.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import {
  type Asker,
  type BlockedKey,
  type BlockedReason,
  type CertifiedUse,
  keyBlocked
} from './blocked-key.ts'
import type { Block, BlockedKeyQuery, BlockedKeyStore, BlockOutcome } from './blocked-key-store.ts'

interface BlockRequest {
  readonly spkiSha256: Uint8Array
  readonly reason: BlockedReason
  readonly comment?: string | undefined
  /** That its private key is known outside its device, or can be computed by anybody. So is a disclosed one, unasked. */
  readonly isExposed?: boolean | undefined
  /**
   * Ids of open intents that are revoked after this, as the same act: they do not become void, by which their devices would
   * be free for a new key without anybody's word.
   */
  readonly revokedNext?: readonly string[] | undefined
}

interface BlockResult extends BlockOutcome {
  /** The generations of authorities that have this key. */
  readonly authorities: readonly string[]
}

/** What there is of keys that are blocked together. */
interface DisclosedResult {
  /** Newest first of each key; not more than a hundred in all. */
  readonly uses: readonly CertifiedUse[]
  readonly authorities: readonly string[]
}

/** The list of keys that are certified no more. It only grows: a key that is known to others stays known. */
export interface BlockedKeys {
  /**
   * By an administrator. The same again changes nothing: the first reason stays. Certificates that exist stay valid until
   * they are taken out of use; they are in the audit and raise an event, and a second one where the key is exposed.
   */
  block(request: BlockRequest, act: Act): Promise<BlockResult>
  /** As `block`, of any number of keys, group by group; a failure leaves the groups before it blocked. */
  blockAll(requests: readonly BlockRequest[], act: Act): Promise<void>
  /** As `block`, of keys whose private halves were sent to the service. In the audit where that has consequences. */
  blockDisclosed(spkiSha256s: readonly Uint8Array[], act: Act): Promise<DisclosedResult>
  /** Of these, what is not on the list. */
  leaveOutKnown(spkiSha256s: readonly Uint8Array[]): Promise<readonly Uint8Array[]>
  /** Undefined where the key is not blocked at this moment. An issuance is asked in its own commit. */
  find(spkiSha256: Uint8Array): Promise<BlockedKey | undefined>
  /** As `find`, with what was certified with the key. @throws MintlineError `blocked_key_not_found`. */
  describe(spkiSha256: Uint8Array): Promise<Omit<BlockOutcome, 'isNew'>>
  list(query: BlockedKeyQuery): Promise<Page<BlockedKey>>
  /** The error of a request with a blocked key: `key_blocked`. */
  refusalOf(key: Pick<BlockedKey, 'spkiSha256' | 'reason'>, asker: Asker): Promise<MintlineError>
}

/** A generation of an authority. */
export interface Holder {
  readonly name: string
  readonly spkiSha256: Uint8Array
}

export interface BlockedKeysDependencies {
  readonly store: BlockedKeyStore
  /** The generations of authorities that have one of these keys, each with the SHA-256 of its key. */
  readonly listHolders: (spkiSha256s: readonly Uint8Array[]) => Promise<readonly Holder[]>
  /** Blocks that may wait before one is refused with `overloaded`. */
  readonly maximumWaiting: number
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** They hold up issuing for a few milliseconds. */
const blocksOfCommit = 256

export function createBlockedKeys(dependencies: BlockedKeysDependencies): BlockedKeys {
  const { store, listHolders, maximumWaiting, clock, randomBytes } = dependencies
  // A block holds up issuing for the moment of its commit, so those that come together are committed together.
  const disclosures = createGroupCommit<Block, BlockOutcome>({
    commit: items => store.block(items),
    maximumItems: blocksOfCommit,
    maximumWaiting,
    concurrency: 1
  })

  const buildBlock = (request: BlockRequest, act: Act, mayBeUntold: (of: Consequences) => boolean) =>
    blockOf({ request, act, mayBeUntold }, { time: clock(), randomBytes })

  return {
    async block(request, act) {
      const authorities = namesOf(await listHolders([request.spkiSha256]))
      // By itself, since it fails where the token is revoked by now.
      const [outcome] = await store.block([buildBlock(request, act, () => false)(authorities)])
      return { ...outcome!, authorities }
    },
    async blockAll(requests, act) {
      for (let at = 0; at < requests.length; at += blocksOfCommit) {
        const group = requests.slice(at, at + blocksOfCommit)
        const holders = await listHolders(group.map(({ spkiSha256 }) => spkiSha256))
        await store.block(
          group.map(request => {
            const own = holders.filter(({ spkiSha256 }) => isEqual(spkiSha256, request.spkiSha256))
            return buildBlock(request, act, () => false)(namesOf(own))
          })
        )
      }
    },
    async blockDisclosed(spkiSha256s, act) {
      const holders = await listHolders(spkiSha256s)
      const blocks = (await leaveOutKnown(store, spkiSha256s)).map(spkiSha256 => {
        const build = buildBlock({ spkiSha256, reason: 'key_disclosed' }, act, hasNoConsequences)
        return build(namesOf(holders.filter(holder => isEqual(holder.spkiSha256, spkiSha256))))
      })
      // One group after the other, so that one body takes no more of the queue than that.
      for (let at = 0; at < blocks.length; at += blocksOfCommit) {
        const group = blocks.slice(at, at + blocksOfCommit)
        await Promise.all(group.map(async each => disclosures.submit(each)))
      }
      return { uses: await store.findUses(spkiSha256s), authorities: namesOf(holders) }
    },
    leaveOutKnown: spkiSha256s => leaveOutKnown(store, spkiSha256s),
    find: spkiSha256 => store.find(spkiSha256),
    async describe(spkiSha256) {
      const key = await store.find(spkiSha256)
      if (key === undefined) throw new MintlineError('blocked_key_not_found', 'This key is not blocked.')
      const uses = await store.findUses([spkiSha256])
      return { key, uses, detachedMonths: await store.findDetachedMonths(spkiSha256) }
    },
    list: query => readPage(query, wanted => store.list(wanted)),
    refusalOf: async (key, asker) => keyBlocked(key, await store.findUses([key.spkiSha256]), asker)
  }
}

type Sources = Parameters<typeof buildAuditEvent>[1]

interface AskedBlock {
  readonly request: BlockRequest
  readonly act: Act
  readonly mayBeUntold: (consequences: Consequences) => boolean
}

/** @returns what makes the block, told whose key it is. */
function blockOf({ request, act, mayBeUntold }: AskedBlock, sources: Sources) {
  const { spkiSha256, reason, comment, revokedNext, isExposed = reason === 'key_disclosed' } = request
  const { time: createdAt, randomBytes } = sources
  const { actor, requestId = '' } = act
  const id = newId(createdAt, randomBytes)
  const key = { id, spkiSha256, reason, comment: comment ?? null, actor, requestId, createdAt }
  return (authorities: readonly string[]): Block => ({
    key,
    revokedNext,
    eventsOf({ uses, detachedMonths }) {
      const consequences = { uses, detachedMonths, authorities }
      if (mayBeUntold(consequences)) return []
      const block = eventOf('key.block', { key, act, consequences }, sources)
      const isCertified =
        detachedMonths.length > 0 || uses.some(({ certificateId }) => certificateId !== null)
      // Two facts, and two events: whoever follows the one kind need not sift the other.
      if (!isExposed || !isCertified) return [block]
      return [block, eventOf('key.expose', { key, act, consequences }, sources)]
    }
  })
}

function eventOf(
  name: 'key.block' | 'key.expose',
  { key, act, consequences: { uses, detachedMonths, authorities } }: BlockedFact,
  sources: Sources
): AuditEvent {
  const subject = `key/${toHex(key.spkiSha256)}`
  const after = {
    blockedReason: key.reason,
    ...describeUses(uses),
    authorities,
    ...(detachedMonths.length > 0 && { detachedMonths })
  }
  const reason = act.reason ?? key.comment ?? undefined
  return buildAuditEvent({ ...act, reason, act: name, subject, after }, sources)
}

interface BlockedFact {
  readonly key: BlockedKey
  readonly act: Act
  readonly consequences: Consequences
}

interface Consequences extends Pick<BlockOutcome, 'uses' | 'detachedMonths'> {
  readonly authorities: readonly string[]
}

async function leaveOutKnown(
  store: Pick<BlockedKeyStore, 'findAll'>,
  spkiSha256s: readonly Uint8Array[]
): Promise<readonly Uint8Array[]> {
  const known = new Set((await store.findAll(spkiSha256s)).map(key => toHex(key.spkiSha256)))
  return spkiSha256s.filter(each => !known.has(toHex(each)))
}

const namesOf = (holders: readonly Holder[]) => holders.map(({ name }) => name)

function hasNoConsequences({ uses, detachedMonths, authorities }: Consequences): boolean {
  return uses.length + detachedMonths.length + authorities.length === 0
}

function describeUses(uses: readonly CertifiedUse[]) {
  const certificates = uses.flatMap(({ issuanceId, serialNumber, certificateId }) =>
    certificateId === null ? [] : [{ issuanceId, serialNumber, certificateId }]
  )
  const voided = uses.flatMap(({ issuanceId, isOpen }) => (isOpen ? [issuanceId] : []))
  return { certificates, ...(voided.length > 0 && { voided }) }
}
