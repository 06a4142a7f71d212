import { createHash } from 'node:crypto'
import { MintlineError } from '../../../../errors/mintline-error.ts'
import { authoritySignatureAlgorithm, signatureScheme } from '../../../../pki/key/signature-algorithm.ts'
import type { Handle } from '../cryptoki.ts'
import { createTokenLink, type TokenLinkSettings } from './link.ts'
import type { Pkcs11Module } from './module.ts'
import { closeSessions, type TokenConnection } from './token.ts'

/** Room for the signature of the largest key that an authority may have. */
const maximumSignatureOctets = 512

/** A key on the token, over sessions of its own. The SHA-256 of its SubjectPublicKeyInfo says which one is expected. */
export interface TokenKey {
  /** Its SubjectPublicKeyInfo. */
  open(): Promise<Uint8Array>
  examine(spkiSha256: string): Promise<void>
  /** @returns the signature as the token gives it. */
  sign(spkiSha256: string, input: Buffer): Promise<Uint8Array>
  close(): void
}

/** All but `close` throw MintlineError `signer_unavailable`, `key_unusable`. */
export function createTokenKey(module: Pkcs11Module, settings: TokenLinkSettings): TokenKey {
  const { library, cryptoki } = module
  const link = createTokenLink(module, settings)

  async function connect(spkiSha256: string): Promise<TokenConnection> {
    for (;;) {
      const connection = await link.connect()
      if (hashOf(connection.publicKeySpkiDer) !== spkiSha256) {
        throw new MintlineError(
          'key_unusable',
          'The HSM token came back with another key of the same label. Restore the right token.'
        )
      }
      // Another key's calls may have restarted the module between the answer and its arrival here.
      if (module.isCurrent(connection.generation)) return connection
    }
  }

  return {
    async open() {
      return (await link.connect()).publicKeySpkiDer
    },
    async examine(spkiSha256) {
      const connection = await connect(spkiSha256)
      const { lookupSession, privateKey } = connection
      try {
        cryptoki.C_GetAttributeValue(lookupSession, privateKey, [{ type: library.CKA_KEY_TYPE }])
      } catch (error) {
        throw link.lose(connection, error)
      }
    },
    async sign(spkiSha256, input) {
      const connection = await connect(spkiSha256)
      const { privateKey, publicKeySpkiDer } = connection
      const { keyType } = signatureScheme(authoritySignatureAlgorithm(publicKeySpkiDer))
      const mechanism = keyType === 'rsa' ? library.CKM_RSA_PKCS : library.CKM_ECDSA
      const session = connection.idleSessions.pop() as Handle
      try {
        cryptoki.C_SignInit(session, { mechanism }, privateKey)
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
    },
    close: () => link.close()
  }
}

function hashOf(spkiDer: Uint8Array): string {
  return createHash('sha256').update(spkiDer).digest('hex')
}
