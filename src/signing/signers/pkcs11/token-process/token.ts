import { createPublicKey } from 'node:crypto'
import { MintlineError } from '../../../../errors/mintline-error.ts'
import type { Attribute, Handle, TokenInfo } from '../cryptoki.ts'
import { buildEcPublicKey, buildRsaPublicKey } from '../encoding.ts'
import type { TriesLeft } from '../pins/login-judgement.ts'
import type { LoginGrant } from '../protocol.ts'
import { LoginNeeded, type Logins } from './logins.ts'
import type { Pkcs11Module } from './module.ts'

/** The token refuses the PIN. */
export class PinRefusal extends MintlineError {
  constructor(tokenLabel: string, cause: unknown) {
    const detail = `The HSM token ${tokenLabel} refuses the PIN. It is not tried again until the PIN file changes, since a token locks itself after a few wrong PINs.`
    super('key_unusable', detail, { cause })
  }
}

/** Sessions with a token that is logged in to, and the key that they sign with. */
export interface TokenConnection {
  /** Of the module when it was made. */
  readonly generation: number
  readonly privateKey: Handle
  readonly publicKeySpkiDer: Uint8Array
  /** For questions about the key; it never signs. */
  readonly lookupSession: Handle
  /** Those with no signature under way: whoever signs takes one and puts it back. */
  readonly idleSessions: Handle[]
}

export interface TokenOpening {
  readonly tokenLabel: string
  readonly keyLabel: string
  readonly logins: Logins
  /** How many may sign at the same time; one more looks things up. */
  readonly sessions: number
}

/** The PIN, and the login that may be made with it. */
export interface Credentials {
  readonly pin: string
  readonly grant: LoginGrant | undefined
}

/** A session, and what its calls go through. */
interface OpenSession {
  readonly module: Pkcs11Module
  readonly session: Handle
}

/**
 * Finds the token by its label, opens the sessions, logs in and finds the key by its label. These calls of Cryptoki
 * have no asynchronous form, so that the event loop waits for them.
 *
 * @throws LoginNeeded when there is no login yet and none is granted; MintlineError `key_unusable` when the PIN is
 *   refused, when label or key are not there exactly once, or when the public key is missing; `signer_unavailable` when
 *   the token is not there. Other errors are those of `pkcs11js`.
 */
export function openTokenConnection(
  module: Pkcs11Module,
  { tokenLabel, keyLabel, logins, sessions }: TokenOpening,
  { pin, grant }: Credentials
): TokenConnection {
  const { cryptoki, library, generation } = module
  const { slot, ...info } = findToken(module, tokenLabel)
  const opened: Handle[] = []
  const openSession = () => {
    const session = cryptoki.C_OpenSession(slot, library.CKF_SERIAL_SESSION)
    opened.push(session)
    return session
  }
  try {
    const lookupSession = openSession()
    const lookup = { module, session: lookupSession }
    if (!isLoggedIn(lookup)) logIn(lookup, { info, logins, pin, grant })
    const idleSessions = Array.from({ length: sessions }, openSession)
    const privateKey = findKey(lookup, keyLabel)
    const publicKeySpkiDer = readPublicKey(lookup, privateKey, keyLabel)
    return { generation, privateKey, publicKeySpkiDer, lookupSession, idleSessions }
  } catch (error) {
    closeSessions(module, opened)
    throw error
  }
}

/** Closes what can be closed; a session of a token that is gone is gone with it. */
export function closeSessions({ cryptoki }: Pkcs11Module, sessions: readonly Handle[]): void {
  for (const session of sessions) {
    try {
      cryptoki.C_CloseSession(session)
    } catch {
      // There is nothing left to close.
    }
  }
}

function findToken({ cryptoki }: Pkcs11Module, label: string) {
  const tokens = cryptoki
    .C_GetSlotList(true)
    .map(slot => ({ slot, ...cryptoki.C_GetTokenInfo(slot) }))
    // Labels are padded with spaces to 32 octets.
    .filter(token => token.label.trimEnd() === label)
  const [token] = tokens
  if (token === undefined) {
    throw new MintlineError(
      'signer_unavailable',
      `The HSM token ${label} is not there. Connect it, or correct the label.`,
      { retryAfterSeconds: 1 }
    )
  }
  if (tokens.length > 1) throw unusable(`There are ${tokens.length} tokens labelled ${label}. Leave one.`)
  return token
}

/** CKS_RO_USER_FUNCTIONS and CKS_RW_USER_FUNCTIONS (v2.40 §3.3), which `pkcs11js` does not name. */
const userStates = [1, 3]

/** By another key's sessions: a login counts for all sessions of a process. */
function isLoggedIn({ module, session }: OpenSession): boolean {
  return userStates.includes(module.cryptoki.C_GetSessionInfo(session).state)
}

interface LoginAttempt extends Credentials {
  readonly info: TokenInfo
  readonly logins: Logins
}

function logIn({ module, session }: OpenSession, { info, logins, pin, grant }: LoginAttempt): void {
  const { cryptoki, library } = module
  const tokenSerial = info.serialNumber.trimEnd()
  const need = { tokenSerial, mark: logins.markOf(tokenSerial, pin), triesLeft: triesLeftOf(module, info) }
  if (!logins.take(grant, need.mark)) throw new LoginNeeded(need)
  try {
    cryptoki.C_Login(session, library.CKU_USER, pin)
  } catch (error) {
    const code = cryptokiCode(error)
    if (code === library.CKR_USER_ALREADY_LOGGED_IN) return
    const pinFaults: readonly (number | undefined)[] = [
      library.CKR_PIN_INCORRECT,
      library.CKR_PIN_INVALID,
      library.CKR_PIN_LEN_RANGE,
      library.CKR_PIN_EXPIRED,
      library.CKR_PIN_LOCKED,
      library.CKR_USER_PIN_NOT_INITIALIZED
    ]
    if (!pinFaults.includes(code)) throw error
    logins.tell(need, 'refused')
    throw new PinRefusal(info.label.trimEnd(), error)
  }
  logins.tell(need, 'accepted')
}

function triesLeftOf({ library }: Pkcs11Module, { flags }: TokenInfo): TriesLeft {
  if ((flags & library.CKF_USER_PIN_LOCKED) !== 0) return 'none'
  if ((flags & library.CKF_USER_PIN_FINAL_TRY) !== 0) return 'last'
  return (flags & library.CKF_USER_PIN_COUNT_LOW) !== 0 ? 'fewer' : 'all'
}

function findKey(at: OpenSession, label: string): Handle {
  const { library } = at.module
  const keys = findObjects(at, [
    { type: library.CKA_CLASS, value: library.CKO_PRIVATE_KEY },
    { type: library.CKA_LABEL, value: label }
  ])
  const [key] = keys
  if (key === undefined) throw unusable(`There is no private key labelled ${label} on the HSM token.`)
  if (keys.length > 1) throw unusable(`More than one private key is labelled ${label}. Leave one.`)
  return key
}

/** The public key object with the CKA_ID of the private key; where that is empty, with its label. */
function readPublicKey(at: OpenSession, privateKey: Handle, label: string): Uint8Array {
  const { library, cryptoki } = at.module
  const id = readAttribute(at, privateKey, library.CKA_ID)
  const keys = findObjects(at, [
    { type: library.CKA_CLASS, value: library.CKO_PUBLIC_KEY },
    id.length > 0 ? { type: library.CKA_ID, value: id } : { type: library.CKA_LABEL, value: label }
  ])
  const [key] = keys
  if (key === undefined || keys.length > 1) {
    const found = key === undefined ? 'none' : 'more than one'
    throw unusable(`There must be one public key object beside the private key ${label}; found ${found}.`)
  }
  const read = (type: number) => readAttribute(at, key, type)
  // A CK_ULONG comes back in the byte order and size of this machine; the constants are small.
  const keyType = cryptoki.C_GetAttributeValue(at.session, key, [{ type: library.CKA_KEY_TYPE }])[0]?.value[0]
  if (keyType === library.CKK_EC) {
    return checked(buildEcPublicKey(read(library.CKA_EC_PARAMS), read(library.CKA_EC_POINT)), label)
  }
  if (keyType === library.CKK_RSA) {
    return checked(buildRsaPublicKey(read(library.CKA_MODULUS), read(library.CKA_PUBLIC_EXPONENT)), label)
  }
  throw unusable(`The key ${label} on the HSM token is neither EC nor RSA.`)
}

function checked(spkiDer: Uint8Array, label: string): Uint8Array {
  try {
    createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' })
    return spkiDer
  } catch (cause) {
    throw unusable(`The public key of ${label} on the HSM token is not valid.`, cause)
  }
}

function readAttribute({ module, session }: OpenSession, object: Handle, type: number): Buffer {
  return module.cryptoki.C_GetAttributeValue(session, object, [{ type }])[0]?.value ?? Buffer.alloc(0)
}

function findObjects({ module, session }: OpenSession, template: Attribute[]): Handle[] {
  const { cryptoki } = module
  cryptoki.C_FindObjectsInit(session, template)
  try {
    // Two tell "more than one".
    return cryptoki.C_FindObjects(session, 2)
  } finally {
    cryptoki.C_FindObjectsFinal(session)
  }
}

/** The CK_RV of an error of `pkcs11js`; undefined for any other error. */
export function cryptokiCode(error: unknown): number | undefined {
  const isCryptoki = error instanceof Error && error.name === 'Pkcs11Error' && 'code' in error
  return isCryptoki && typeof error.code === 'number' ? error.code : undefined
}

function unusable(detail: string, cause?: unknown): MintlineError {
  return new MintlineError('key_unusable', detail, { cause })
}
