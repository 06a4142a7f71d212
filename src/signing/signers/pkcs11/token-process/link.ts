import { isMintlineError, MintlineError } from '../../../../errors/mintline-error.ts'
import { loadPin } from '../../secret-file.ts'
import type { Handle } from '../cryptoki.ts'
import type { LoginGrant } from '../protocol.ts'
import { LoginNeeded, type Logins } from './logins.ts'
import type { Pkcs11Module } from './module.ts'
import {
  closeSessions,
  cryptokiCode,
  openTokenConnection,
  PinRefusal,
  type TokenConnection
} from './token.ts'

export interface TokenLinkSettings {
  readonly tokenLabel: string
  readonly keyLabel: string
  readonly pinFile: string
  readonly sessions: number
  readonly logins: Logins
}

/** One key's connection to its token, made anew when the token was gone. */
export interface TokenLink {
  /**
   * The connection as it stands, or a new one. Attempts to reach a token that is gone are at least a second apart;
   * calls in between get the last failure, but for one with a login that was granted since.
   *
   * @throws MintlineError `signer_unavailable`, `key_unusable`; LoginNeeded.
   */
  connect(grant?: LoginGrant): Promise<TokenConnection>
  /** Puts back a session that has done its work. */
  giveBack(connection: TokenConnection, session: Handle): void
  /** Gives up a connection in which a call failed, and says what the caller is to throw. */
  lose(connection: TokenConnection, error: unknown): unknown
  close(): void
}

/** Between two attempts to reach a token that is gone. */
const reopenPauseMilliseconds = 1_000

export function createTokenLink(module: Pkcs11Module, settings: TokenLinkSettings): TokenLink {
  let connection: TokenConnection | undefined
  let opening: Promise<TokenConnection> | undefined
  let wasConnected = false
  let failure: unknown
  let retryAtMilliseconds = 0

  async function attempt(grant: LoginGrant | undefined): Promise<TokenConnection> {
    const pin = await loadPin(settings.pinFile)
    const open = () => openTokenConnection(module, settings, { pin, grant })
    await module.ready()
    const { generation } = module
    try {
      return open()
    } catch (error) {
      // Some modules show a token that came back, or its keys, only after a restart. Mistakes in the settings are
      // not worth one, as it voids the sessions of every other key.
      if (error instanceof PinRefusal || error instanceof LoginNeeded) throw error
      if (!wasConnected && isMintlineError(error, 'key_unusable')) throw error
      await module.reinitialize(generation)
      return open()
    }
  }

  async function reopen(grant: LoginGrant | undefined): Promise<TokenConnection> {
    drop()
    try {
      connection = await attempt(grant)
      wasConnected = true
      return connection
    } catch (error) {
      failure = translate(module, error)
      retryAtMilliseconds = performance.now() + reopenPauseMilliseconds
      throw failure
    }
  }

  function drop(): void {
    if (connection !== undefined) closeIdle(module, connection)
    connection = undefined
  }

  return {
    async connect(grant) {
      if (connection !== undefined && module.isCurrent(connection.generation)) return connection
      const isGranted = failure instanceof LoginNeeded && settings.logins.isGood(grant)
      if (opening === undefined && performance.now() < retryAtMilliseconds && !isGranted) throw failure
      opening ??= reopen(grant).finally(() => {
        opening = undefined
      })
      return opening
    },
    giveBack(from, session) {
      if (from === connection) from.idleSessions.push(session)
      else if (from.generation === module.generation) closeSessions(module, [session])
    },
    lose(lost, error) {
      if (lost === connection) drop()
      return translate(module, error)
    },
    close: drop
  }
}

function closeIdle(module: Pkcs11Module, { generation, lookupSession, idleSessions }: TokenConnection): void {
  // Handles of an earlier generation may by now be those of someone else's sessions.
  if (generation === module.generation) closeSessions(module, [lookupSession, ...idleSessions])
}

function translate({ library }: Pkcs11Module, error: unknown): unknown {
  const code = cryptokiCode(error)
  if (code === undefined) return error
  if (code === library.CKR_SESSION_COUNT) {
    const detail = 'The HSM token allows fewer sessions than the settings ask for. Set fewer.'
    return new MintlineError('key_unusable', detail, { cause: error })
  }
  const forbidden: readonly number[] = [
    library.CKR_KEY_FUNCTION_NOT_PERMITTED,
    library.CKR_KEY_TYPE_INCONSISTENT,
    library.CKR_MECHANISM_INVALID
  ]
  if (forbidden.includes(code)) {
    const detail = 'The HSM does not let this key sign. Check that it was made for signing.'
    return new MintlineError('key_unusable', detail, { cause: error })
  }
  return new MintlineError(
    'signer_unavailable',
    'The HSM does not answer: its token may be gone. It is tried again by itself.',
    { cause: error, retryAfterSeconds: 1 }
  )
}
