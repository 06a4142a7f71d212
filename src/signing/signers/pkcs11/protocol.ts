import { type TriesLeft, triesLeft } from './pins/login-judgement.ts'

/**
 * What the service and the process of a token say to each other: one JSON text a line, over a socket that nobody else
 * has. The PIN is never in it: that process reads the file itself.
 */
export type TokenRequest =
  | TokenSettings
  | (KeyAt & { readonly call: 'open'; readonly id: number })
  | (KeyAt & { readonly call: 'examine'; readonly id: number; readonly spkiSha256: string })
  | (KeyAt & {
      readonly call: 'sign'
      readonly id: number
      readonly spkiSha256: string
      /** What the mechanism of the key's type is given, in base64. */
      readonly input: string
    })
  | { readonly call: 'close'; readonly key: number }
  | { readonly call: 'end' }

/** The first thing that the process is told. */
export interface TokenSettings {
  readonly call: 'settings'
  readonly modulePath: string
  readonly tokenLabel: string
  readonly pinFile: string
  /** How many signatures each key makes at the same time. */
  readonly sessions: number
  /** In base64: what the marks of PINs are keyed with. */
  readonly markKey: string
}

/** A key, as one signer uses it. */
interface KeyAt {
  /** Chosen by the service: signers do not share sessions. */
  readonly key: number
  readonly keyLabel: string
  /** Without it the process makes no login, and says that it needs one. */
  readonly grant?: LoginGrant | undefined
}

/** One login, with the PIN of this mark. */
export interface LoginGrant {
  /** Higher than those before. */
  readonly number: number
  readonly mark: string
}

export interface LoginNeed {
  readonly tokenSerial: string
  /** HMAC-SHA256 of serial and PIN, in hexadecimal. */
  readonly mark: string
  readonly triesLeft: TriesLeft
}

export type TokenAnswer =
  | { readonly kind: 'ready' }
  /** The module is at it: from now on its time counts. */
  | { readonly kind: 'entered'; readonly id: number }
  | {
      readonly kind: 'done'
      readonly id: number
      /** A public key, or a signature as the token gives it, in base64; empty for `examine`. */
      readonly octets: string
    }
  | ({ readonly kind: 'failed'; readonly id: number } & TokenFailure)
  /** Nothing was done yet: to be asked again, with a grant. */
  | ({ readonly kind: 'login-needed'; readonly id: number } & LoginNeed)
  /** What the token said to a login that was granted. */
  | ({ readonly kind: 'login'; readonly outcome: LoginOutcome } & LoginNeed)

export type LoginOutcome = (typeof loginOutcomes)[number]
const loginOutcomes = ['accepted', 'refused'] as const

const failureCodes = ['signer_unavailable', 'key_unusable', 'internal_error'] as const

export interface TokenFailure {
  readonly code: (typeof failureCodes)[number]
  readonly detail: string
  readonly retryAfterSeconds?: number | undefined
  /** For the log: what the module said. */
  readonly cause?: string | undefined
}

/** Octets of the longest line: an RSA key of 4,096 bits takes less than half of it. */
const maximumLineOctets = 8_192
const maximumDetail = 500
const maximumRetrySeconds = 60

/** The module's process is believed nothing: it may be damaged. @returns undefined for what is no answer. */
export function parseTokenAnswer(line: string): TokenAnswer | undefined {
  const value = parseObject(line)
  if (value === undefined) return undefined
  const { kind, id, octets, outcome } = value
  if (kind === 'ready') return { kind }
  if (kind === 'login') {
    const [need, said] = [parseNeed(value), loginOutcomes.find(each => each === outcome)]
    return need === undefined || said === undefined ? undefined : { kind, outcome: said, ...need }
  }
  if (typeof id !== 'number') return undefined
  if (kind === 'entered') return { kind, id }
  if (kind === 'done' && typeof octets === 'string') return { kind, id, octets }
  if (kind === 'login-needed') {
    const need = parseNeed(value)
    return need === undefined ? undefined : { kind, id, ...need }
  }
  return kind === 'failed' ? parseFailure(id, value) : undefined
}

function parseNeed({ tokenSerial, mark, triesLeft: left }: ParsedObject): LoginNeed | undefined {
  const found = triesLeft.find(each => each === left)
  if (typeof mark !== 'string' || !/^[0-9a-f]{64}$/.test(mark)) return undefined
  if (typeof tokenSerial !== 'string' || found === undefined) return undefined
  return { tokenSerial: toOneLine(tokenSerial).slice(0, maximumSerial), mark, triesLeft: found }
}

/** CK_TOKEN_INFO has 16. */
const maximumSerial = 64

function parseFailure(id: number, value: ParsedObject): TokenAnswer | undefined {
  const { detail, retryAfterSeconds, cause } = value
  const code = failureCodes.find(each => each === value['code'])
  if (code === undefined || typeof detail !== 'string' || detail === '') return undefined
  return {
    kind: 'failed',
    id,
    code,
    detail: toText(detail),
    retryAfterSeconds: parseRetry(retryAfterSeconds),
    cause: typeof cause === 'string' ? toText(cause) : undefined
  }
}

/** No more than a client may be told to wait; anything else is as if it were not there. */
function parseRetry(value: unknown): number | undefined {
  const isUsable = typeof value === 'number' && Number.isInteger(value) && value >= 1
  return isUsable ? Math.min(value, maximumRetrySeconds) : undefined
}

const toText = (text: string) => toOneLine(text).slice(0, maximumDetail)

/** What goes into a problem document and a log: no control characters, nothing that PostgreSQL cannot keep. */
function toOneLine(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')
}

type ParsedObject = Readonly<Record<string, unknown>>

/** What the service says is well formed. */
export function parseTokenRequest(line: string): TokenRequest {
  return JSON.parse(line) as TokenRequest
}

function parseObject(line: string): ParsedObject | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

export function formatLine(message: TokenRequest | TokenAnswer): string {
  return `${JSON.stringify(message)}\n`
}

/**
 * Cuts what arrives into lines.
 *
 * @param onOverlong called, and nothing more of it kept, when a line does not end in time.
 */
export function createLineReader(
  onLine: (line: string) => void,
  onOverlong: () => void
): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  return chunk => {
    let unread = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = unread.indexOf(10); end >= 0; end = unread.indexOf(10)) {
      if (end > maximumLineOctets) break
      onLine(unread.toString('utf8', 0, end))
      unread = unread.subarray(end + 1)
    }
    const isOverlong = unread.length > maximumLineOctets
    rest = isOverlong ? Buffer.alloc(0) : Buffer.from(unread)
    if (isOverlong) onOverlong()
  }
}
