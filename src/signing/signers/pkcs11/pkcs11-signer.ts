import { MintlineError } from '../../../errors/mintline-error.ts'
import { isEqual } from '../../../pki/der/octets.ts'
import { authoritySignatureAlgorithm, signatureScheme } from '../../../pki/key/signature-algorithm.ts'
import type { Signer } from '../signer.ts'
import type { Pkcs11Reference } from '../signer-reference.ts'
import { closedError, createSlots } from '../signer-slots.ts'
import type { Handle } from './cryptoki.ts'
import { buildTokenInput, encodeTokenSignature } from './encoding.ts'
import { createTokenLink, type TokenLink } from './link.ts'
import { acquirePkcs11Module, type Pkcs11Module } from './module.ts'
import { closeSessions, type TokenConnection } from './token.ts'

export interface Pkcs11Settings {
  /** The module of the HSM's maker, a shared library. */
  readonly modulePath: string
  /** Its first line is the user's PIN. Read at each login, never kept. */
  readonly pinFile: string
  /** How many signatures are made at the same time; each has a session of its own, and one more looks things up. */
  readonly sessions: number
  /** How many calls may wait for a session; further ones are refused with `overloaded`. */
  readonly maximumWaiting: number
}

/** Room for the signature of the largest key that an authority may have. */
const maximumSignatureOctets = 512

/**
 * A signer whose key is on a PKCS#11 token: EC with CKM_ECDSA, RSA with CKM_RSA_PKCS, over a digest made here.
 *
 * A token that is pulled makes `sign` throw `signer_unavailable`; when it is back, a later call finds it. A PIN that
 * the token refuses is not tried again until the PIN file changes, since tokens lock themselves.
 *
 * @throws MintlineError `key_unusable`: no pkcs11js, no module, PIN refused, two tokens of one label, no single key
 *   of that label, or a key that no authority can have; `signer_unavailable`: the token is not there now.
 */
export async function createPkcs11Signer(
  reference: Pkcs11Reference,
  settings: Pkcs11Settings
): Promise<Signer> {
  const module = await acquirePkcs11Module(settings.modulePath)
  const link = createTokenLink(module, reference, settings)
  try {
    const { publicKeySpkiDer } = await link.connect()
    return createSigner({ module, link, publicKeySpkiDer }, settings)
  } catch (error) {
    link.close()
    module.release()
    throw error
  }
}

interface OpenedToken {
  readonly module: Pkcs11Module
  readonly link: TokenLink
  readonly publicKeySpkiDer: Uint8Array
}

function createSigner(
  { module, link, publicKeySpkiDer }: OpenedToken,
  { sessions, maximumWaiting }: Pkcs11Settings
): Signer {
  const { library, cryptoki } = module
  const signatureAlgorithm = authoritySignatureAlgorithm(publicKeySpkiDer)
  const { keyType } = signatureScheme(signatureAlgorithm)
  const mechanism = { mechanism: keyType === 'ec' ? library.CKM_ECDSA : library.CKM_RSA_PKCS }
  const slots = createSlots({ maximumConcurrent: sessions, maximumWaiting })
  let closing: Promise<void> | undefined

  async function connect(): Promise<TokenConnection> {
    const connection = await link.connect()
    if (isEqual(connection.publicKeySpkiDer, publicKeySpkiDer)) return connection
    throw new MintlineError(
      'key_unusable',
      'The HSM token came back with another key of the same label. Restore the right token.'
    )
  }

  async function signOnce(input: Buffer): Promise<Uint8Array> {
    let connection = await connect()
    // Another signer may have restarted the module between the answer and its arrival here.
    while (!module.isCurrent(connection.generation)) connection = await connect()
    const session = connection.idleSessions.pop() as Handle
    try {
      cryptoki.C_SignInit(session, mechanism, connection.privateKey)
      const signature = await module.track(() =>
        cryptoki.C_SignAsync(session, input, Buffer.alloc(maximumSignatureOctets))
      )
      link.giveBack(connection, session)
      return signature
    } catch (error) {
      // What state the session is in now is not known.
      if (connection.generation === module.generation) closeSessions(module, [session])
      throw link.lose(connection, error)
    }
  }

  return {
    signatureAlgorithm,
    publicKeySpkiDer,
    async sign(toBeSignedDer) {
      const input = Buffer.from(buildTokenInput(signatureAlgorithm, toBeSignedDer))
      return encodeTokenSignature(signatureAlgorithm, await slots.run(() => signOnce(input)))
    },
    async assertUsable() {
      if (closing !== undefined) throw closedError()
      const connection = await connect()
      try {
        const keyType = { type: library.CKA_KEY_TYPE }
        cryptoki.C_GetAttributeValue(connection.lookupSession, connection.privateKey, [keyType])
      } catch (error) {
        throw link.lose(connection, error)
      }
    },
    async close() {
      closing ??= slots.close().then(() => {
        link.close()
        module.release()
      })
      return closing
    }
  }
}
