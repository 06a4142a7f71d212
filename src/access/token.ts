import { createHash, timingSafeEqual } from 'node:crypto'
import { type Act, type AuditEvent, buildAuditEvent } from '../audit/audit-event.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import { type Clock, type Stopwatch, systemStopwatch } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import { type Page, type PageQuery, readPage } from '../sources/page.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { Principal, Role } from './principal.ts'
import type { StoredToken, TokenStore } from './token-store.ts'

/** A token as it may be shown: never its secret. */
export type TokenView = Omit<StoredToken, 'secretSha256'>

interface NewToken {
  readonly token: TokenView
  /** The bearer token itself. Shown once, kept nowhere. */
  readonly secret: string
}

export interface Tokens {
  /**
   * For what changes something the database is asked (`afresh`). Otherwise the answer may be a second old; who commits
   * has the token checked once more by the commit itself.
   *
   * @throws MintlineError `token_invalid`, for every reason alike.
   */
  authenticate(bearerToken: string, options?: { readonly afresh?: boolean }): Promise<Principal>
  create(request: { role: Role; name: string }, act: Act): Promise<NewToken>
  /** Newest first, revoked ones included. */
  list(query: PageQuery): Promise<Page<TokenView>>
  /** @throws MintlineError `token_not_found` when there is none or it is revoked already; `last_admin_token`. */
  revoke(id: string, act: Act): Promise<void>
  /** Another process may have revoked one: takes none for valid without asking again. */
  forget(): void
}

export interface TokenDependencies {
  readonly store: TokenStore
  readonly clock: Clock
  readonly stopwatch?: Stopwatch
  readonly randomBytes: RandomBytes
}

/**
 * How long a token that was seen valid is taken for valid without asking again. It bounds what a revocation in another
 * process takes to reach this one's reads when the notice of it is lost. What is written asks the database in its own
 * transaction.
 */
const trustMs = 1_000
const maximumRemembered = 10_000

const bearerForm = /^mintline_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/

export function createTokens(dependencies: TokenDependencies): Tokens {
  const { store, clock, stopwatch = systemStopwatch, randomBytes } = dependencies
  let revocations = 0
  const remembered = new Map<string, { readonly token: StoredToken; readonly until: number }>()
  async function findToken(id: string, afresh: boolean): Promise<StoredToken | undefined> {
    const now = stopwatch()
    const known = remembered.get(id)
    if (!afresh && known !== undefined && known.until > now) return known.token
    const revocationsBefore = revocations
    const token = await store.find(id)
    // Read while a revocation was under way, it may be out of date already.
    if (revocations !== revocationsBefore) return token
    if (remembered.size >= maximumRemembered) remembered.clear()
    if (token === undefined) remembered.delete(id)
    else remembered.set(id, { token, until: now + trustMs })
    return token
  }
  return {
    async authenticate(bearerToken, { afresh = false } = {}) {
      const [, idHex, secret] = bearerForm.exec(bearerToken) ?? []
      const token = idHex === undefined ? undefined : await findToken(uuidOf(idHex), afresh)
      if (token === undefined || secret === undefined || token.revokedAt !== undefined) throw invalidToken()
      if (!timingSafeEqual(digestOf(secret), token.secretSha256)) throw invalidToken()
      return { tokenId: token.id, name: token.name, role: token.role }
    },
    async create(request, act) {
      const { stored, secret, event } = buildToken(request, act, { time: clock(), randomBytes })
      await store.insert(stored, event)
      return { token: toView(stored), secret }
    },
    list: query => readPage(query, async wanted => (await store.list(wanted)).map(toView)),
    async revoke(id, act) {
      const time = clock()
      const what = {
        ...act,
        act: 'token.revoke',
        subject: `token/${id}`,
        after: { revokedAt: time.toISOString() }
      }
      const outcome = await store.revoke(id, buildAuditEvent(what, { time, randomBytes }))
      revocations++
      remembered.delete(id)
      if (outcome === 'last-admin') {
        throw new MintlineError(
          'last_admin_token',
          'This is the last valid admin token. Make another one first.'
        )
      }
      if (outcome === 'not-found')
        throw new MintlineError('token_not_found', `There is no valid token with the id ${id}.`)
    },
    forget() {
      revocations++
      remembered.clear()
    }
  }
}

/** A new token, what is kept of it, and the event of its making. Its 256 random bits need no slow hash. */
export function buildToken(
  { role, name }: { readonly role: Role; readonly name: string },
  act: Act,
  sources: { readonly time: Date; readonly randomBytes: RandomBytes }
): { readonly stored: StoredToken; readonly secret: string; readonly event: AuditEvent } {
  const { time: createdAt, randomBytes } = sources
  const id = newId(createdAt, randomBytes)
  const secret = Buffer.from(randomBytes(32)).toString('base64url')
  const kept = { id, name, role, createdAt, createdBy: act.actor, revokedAt: undefined }
  const what = { ...act, act: 'token.create', subject: `token/${id}`, after: { name, role } }
  return {
    stored: { ...kept, secretSha256: digestOf(secret) },
    secret: `mintline_${id.replaceAll('-', '')}_${secret}`,
    event: buildAuditEvent(what, sources)
  }
}

function digestOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest()
}

function toView({ id, name, role, createdAt, createdBy, revokedAt }: StoredToken): TokenView {
  return { id, name, role, createdAt, createdBy, revokedAt }
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function invalidToken(): MintlineError {
  return new MintlineError(
    'token_invalid',
    'This token is not valid: it is mistyped, revoked or from another Mintline. Ask the administrator for a new one.'
  )
}
