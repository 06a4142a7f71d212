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
  /** In base64: what the marks of refused PINs are keyed with. */
  readonly markKey: string
}

/** A key, as one signer uses it. */
interface KeyAt {
  /** Chosen by the service: signers do not share sessions. */
  readonly key: number
  readonly keyLabel: string
  /** Marks of the PINs that this token refused: these are not tried again. */
  readonly refusedPins: readonly string[]
}

export type TokenAnswer =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done'
      readonly id: number
      /** A public key, or a signature as the token gives it, in base64; empty for `examine`. */
      readonly octets: string
    }
  | ({ readonly kind: 'failed'; readonly id: number } & TokenFailure)

const failureCodes = ['signer_unavailable', 'key_unusable', 'internal_error'] as const

export interface TokenFailure {
  readonly code: (typeof failureCodes)[number]
  readonly detail: string
  readonly retryAfterSeconds?: number | undefined
  /** For the log: what the module said. */
  readonly cause?: string | undefined
  /** The token has just refused the PIN with this mark. */
  readonly refusedPin?: string | undefined
}

/** Octets of the longest line: an RSA key of 4,096 bits, or the marks of many PINs, take less than half of it. */
const maximumLineOctets = 8_192
const maximumDetail = 1_000

/** The module's process is believed nothing: it may be damaged. @returns undefined for what is no answer. */
export function parseTokenAnswer(line: string): TokenAnswer | undefined {
  const value = parseObject(line)
  if (value === undefined) return undefined
  const { kind, id, octets } = value
  if (kind === 'ready') return { kind }
  if (typeof id !== 'number') return undefined
  if (kind === 'done' && typeof octets === 'string') return { kind, id, octets }
  return kind === 'failed' ? parseFailure(id, value) : undefined
}

function parseFailure(id: number, value: Readonly<Record<string, unknown>>): TokenAnswer | undefined {
  const { detail, retryAfterSeconds, cause, refusedPin } = value
  const code = failureCodes.find(each => each === value['code'])
  if (code === undefined || typeof detail !== 'string') return undefined
  return {
    kind: 'failed',
    id,
    code,
    detail: detail.slice(0, maximumDetail),
    retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : undefined,
    cause: typeof cause === 'string' ? cause.slice(0, maximumDetail) : undefined,
    refusedPin: typeof refusedPin === 'string' && /^[0-9a-f]{64}$/.test(refusedPin) ? refusedPin : undefined
  }
}

/** What the service says is well formed. */
export function parseTokenRequest(line: string): TokenRequest {
  return JSON.parse(line) as TokenRequest
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
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
