import { createHash, timingSafeEqual } from 'node:crypto'
import { type Act, type AuditEvent, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { allProfiles, type Station } from '../../factory/stations/station.ts'
import { buildStation, creationOf } from '../../factory/stations/stations.ts'
import type { Clock, Stopwatch } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import { type Page, type PageQuery, readPage } from '../../sources/page.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { Principal, Role } from '../principal.ts'
import { factsOf, standingOf } from './acts.ts'
import { endOf, invalidToken, isOfStation } from './end.ts'
import { createTokenMemory } from './memory.ts'
import { lastAdminToken, tokenInvalid, tokenNotFound } from './problems.ts'
import type { StationOfToken, StoredToken, TokenStore } from './token-store.ts'
import type { TokenUses } from './uses.ts'

/** A token as it may be shown: never its secrets. */
export interface TokenView extends Omit<StoredToken, 'secretSha256' | 'previous' | 'station'> {
  /** Name of the station that it belongs to. */
  readonly station: string | undefined
  /** Until then the secret before the last rotation is taken as well. */
  readonly previousSecretUntil: Date | undefined
}

export interface TokenRequest {
  readonly role: Role
  readonly name: string
  /** Name of the station that it belongs to; without, one of the token's name, which is made where there is none. */
  readonly station?: string | undefined
  /** Of production, to which its holder is held; undefined for all. */
  readonly lines?: readonly string[] | undefined
  readonly expiresAt?: Date | undefined
}

export interface NewToken {
  readonly token: TokenView
  /** The bearer token itself. Shown once, kept nowhere. */
  readonly secret: string
  /** What may not be meant. */
  readonly warnings: readonly string[]
}

export interface Rotation {
  /** How long the secret that there is is taken as well. */
  readonly overlapSeconds: number
  /** In the place of the end that it has. */
  readonly expiresAt?: Date | undefined
}

export interface Tokens {
  /**
   * For what changes something the database is asked (`afresh`). Otherwise the answer may be a second old; who commits
   * has the token checked once more by the commit itself.
   *
   * @throws MintlineError `token_invalid`, for every reason alike but that it is over, which only its holder can learn:
   * `token_expired`; `station_disabled`, `station_paused`.
   */
  authenticate(bearerToken: string, options?: { readonly afresh?: boolean }): Promise<Principal>
  /**
   * @param keep is given the secret before the token is on record; when it rejects, nothing is.
   * @throws MintlineError `token_exists`, `station_not_found`, `request_invalid`.
   */
  create(request: TokenRequest, act: Act, keep?: (secret: string) => Promise<void>): Promise<NewToken>
  /** As of a second ago. @throws MintlineError `token_not_found`. */
  find(id: string): Promise<TokenView>
  /** Newest first, revoked ones included. */
  list(query: PageQuery): Promise<Page<TokenView>>
  /** Another secret for the same token. @throws MintlineError `token_not_found` when there is none, or it is over; `request_invalid`. */
  rotate(id: string, rotation: Rotation, act: Act): Promise<NewToken>
  /** @throws MintlineError `token_not_found` when there is none or it is revoked already; `last_admin_token`. */
  revoke(id: string, act: Act): Promise<void>
  /** Another process may have changed one, or a station: takes none for valid without asking again. */
  forget(): void
  /** Why a token that was taken is not any more, as the database has it; undefined while it is. */
  whyEnded(id: string): Promise<MintlineError | undefined>
}

export interface TokenDependencies {
  readonly store: TokenStore
  readonly uses: Pick<TokenUses, 'note'>
  readonly findStation: (name: string) => Promise<Station | undefined>
  readonly clock: Clock
  readonly stopwatch?: Stopwatch
  readonly randomBytes: RandomBytes
}

const bearerForm = /^mintline_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/

export function createTokens(dependencies: TokenDependencies): Tokens {
  const { store, uses, clock, randomBytes } = dependencies
  const memory = createTokenMemory(store, dependencies.stopwatch)

  return {
    async authenticate(bearerToken, { afresh = false } = {}) {
      const [, idHex, secret] = bearerForm.exec(bearerToken) ?? []
      const token = idHex === undefined ? undefined : await memory.find(uuidOf(idHex), afresh)
      const now = clock()
      if (token === undefined || secret === undefined || token.revokedAt !== undefined) throw invalidToken()
      if (!isSecretOf(token, secret, now)) throw invalidToken()
      const end = endOf(token, now)
      if (end !== undefined) throw end
      uses.note(token.id, now)
      return principalOf(token)
    },
    create: (request, act, keep) => createToken(dependencies, request, { act, keep }),
    async find(id) {
      const token = await memory.find(id, false)
      if (token === undefined) throw tokenNotFound(id)
      return toView(token)
    },
    list: query => readPage(query, async wanted => (await store.list(wanted)).map(toView)),
    async rotate(id, rotation, act) {
      const time = clock()
      assertAhead(rotation.expiresAt, time)
      const token = await store.find(id)
      const end = token && endOf(token, time)
      if (token === undefined || (end !== undefined && !isOfStation(end))) throw tokenNotFound(id)
      const { secret, secretSha256 } = makeSecret(id, randomBytes)
      const previousUntil = new Date(time.getTime() + rotation.overlapSeconds * 1_000)
      const rotated = { secretSha256, previousUntil, expiresAt: rotation.expiresAt ?? token.expiresAt }
      const previous = { secretSha256: token.secretSha256, until: previousUntil }
      const renewed = { ...token, ...rotated, previous }
      const states = { before: standingOf(token), after: standingOf(renewed) }
      const what: ToldAct = { ...act, act: 'token.rotate', subject: `token/${id}`, ...states }
      if (!(await store.rotate(token, rotated, buildAuditEvent(what, { time, randomBytes }))))
        throw tokenNotFound(id)
      memory.forgetOne(id)
      return { token: toView(renewed), secret, warnings: [] }
    },
    async revoke(id, act) {
      const time = clock()
      const token = await store.find(id)
      if (token === undefined) throw tokenNotFound(id)
      const before = standingOf(token)
      const after = { ...before, revokedAt: time.toISOString() }
      const what: ToldAct = { ...act, act: 'token.revoke', subject: `token/${id}`, before, after }
      const outcome = await store.revoke(id, buildAuditEvent(what, { time, randomBytes }))
      memory.forgetOne(id)
      if (outcome === 'last-admin') throw lastAdminToken()
      if (outcome === 'not-found') throw tokenNotFound(id)
    },
    forget: () => memory.forget(),
    async whyEnded(id) {
      const token = await memory.find(id, true)
      return token === undefined ? invalidToken() : endOf(token, clock())
    }
  }
}

interface Making {
  readonly act: Act
  readonly keep?: ((secret: string) => Promise<void>) | undefined
}

async function createToken(
  { store, findStation, clock, randomBytes }: TokenDependencies,
  request: TokenRequest,
  { act, keep }: Making
): Promise<NewToken> {
  const sources = { time: clock(), randomBytes }
  assertLines(request)
  assertAhead(request.expiresAt, sources.time)
  let owner = await findOwner(findStation, request, { act, sources })
  const { stored, secret, event } = buildToken({ ...request, station: owner?.station }, act, sources)
  await keep?.(secret)
  let outcome = await store.insert(stored, event, owner?.made)
  if (outcome === 'station-taken') {
    // Somebody has just made the one of its name: it is found now, since stations stay.
    owner = await findOwner(findStation, request, { act, sources })
    outcome = await store.insert({ ...stored, station: owner?.station }, event, owner?.made)
  }
  if (outcome === 'inserted')
    return { token: toView({ ...stored, station: owner?.station }), secret, warnings: owner?.warnings ?? [] }
  throw new MintlineError(
    'token_exists',
    `There is a valid token of the name ${request.name}. Rotate it, revoke it, or choose another name.`
  )
}

interface Owner {
  readonly station: Station
  readonly made?: StationOfToken
  readonly warnings: readonly string[]
}

type Sources = Parameters<typeof buildStation>[2]

/** The station of a token, which is made where none was named and there is none of the token's name. */
async function findOwner(
  findStation: TokenDependencies['findStation'],
  { role, name, station: asked }: TokenRequest,
  { act, sources }: { readonly act: Act; readonly sources: Sources }
): Promise<Owner | undefined> {
  if (role !== 'station') {
    if (asked === undefined) return undefined
    throw tokenInvalid('/station', 'nothing, for this role', asked)
  }
  const station = await findStation(asked ?? name)
  if (station !== undefined) {
    const warnings = [`The token belongs to the station ${name}, which there is. Name it with "station".`]
    return { station, warnings: asked === undefined ? warnings : [] }
  }
  if (asked !== undefined) {
    throw new MintlineError(
      'station_not_found',
      `There is no station ${asked}. POST /v1/stations makes one; GET /v1/stations lists those that there are.`
    )
  }
  const made = buildStation({ name, profiles: [allProfiles] }, act, sources)
  const warning = `A station ${name} was made for it, which may use every profile. PATCH /v1/stations/${name} says which it may use, and on which line and site it stands.`
  const event = creationOf(made, act, sources.randomBytes)
  return { station: made, made: { station: made, event }, warnings: [warning] }
}

function principalOf({ id, name, role, lines, station }: StoredToken): Principal {
  if (lines.length > 0) return { tokenId: id, name, role, lines }
  return station === undefined
    ? { tokenId: id, name, role }
    : { tokenId: id, name: station.name, role, station }
}

function isSecretOf({ secretSha256, previous }: StoredToken, secret: string, now: Date): boolean {
  const digest = digestOf(secret)
  if (timingSafeEqual(digest, secretSha256)) return true
  return previous !== undefined && previous.until > now && timingSafeEqual(digest, previous.secretSha256)
}

function assertAhead(expiresAt: Date | undefined, now: Date): void {
  if (expiresAt !== undefined && expiresAt <= now)
    throw tokenInvalid('/expiresAt', `a time after ${now.toISOString()}`, expiresAt.toISOString())
}

/** A display is of one line or some; who asks for certificates stands on its station's, and an administrator sees all. */
function assertLines({ role, lines = [] }: TokenRequest): void {
  const isHeld = lines.length > 0
  if (role === 'display' && !isHeld) throw tokenInvalid('/lines', 'the lines that it shows', 'none')
  if ((role === 'station' || role === 'admin') && isHeld)
    throw tokenInvalid('/lines', `nothing, for the role ${role}`, lines.join(', '))
}

interface TokenToMake extends Omit<TokenRequest, 'station'> {
  readonly station?: Station | undefined
}

/** A new token, what is kept of it, and the event of its making. Its 256 random bits need no slow hash. */
export function buildToken(
  { role, name, station, lines = [], expiresAt }: TokenToMake,
  act: Act,
  sources: { readonly time: Date; readonly randomBytes: RandomBytes }
): { readonly stored: StoredToken; readonly secret: string; readonly event: AuditEvent } {
  const { time: createdAt, randomBytes } = sources
  const id = newId(createdAt, randomBytes)
  const { secret, secretSha256 } = makeSecret(id, randomBytes)
  const after = factsOf({ name, role, station, lines, expiresAt })
  const what: ToldAct = { ...act, act: 'token.create', subject: `token/${id}`, after }
  const none = { revokedAt: undefined, previous: undefined, lastUsedAt: undefined }
  return {
    stored: {
      ...none,
      id,
      name,
      role,
      station,
      lines,
      createdAt,
      createdBy: act.actor,
      expiresAt,
      secretSha256
    },
    secret,
    event: buildAuditEvent(what, sources)
  }
}

function makeSecret(id: string, randomBytes: RandomBytes) {
  const secret = Buffer.from(randomBytes(32)).toString('base64url')
  return { secret: `mintline_${id.replaceAll('-', '')}_${secret}`, secretSha256: digestOf(secret) }
}

function digestOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest()
}

function toView({ secretSha256: _, previous, station, ...shown }: StoredToken): TokenView {
  return { ...shown, station: station?.name, previousSecretUntil: previous?.until }
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
