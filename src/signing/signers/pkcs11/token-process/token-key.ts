import { createHash } from 'node:crypto'
import { MintlineError } from '../../../../errors/mintline-error.ts'
import { authoritySignatureAlgorithm, signatureScheme } from '../../../../pki/key/signature-algorithm.ts'
import type { Handle } from '../cryptoki.ts'
import type { LoginGrant } from '../protocol.ts'
import { createTokenLink, type TokenLinkSettings } from './link.ts'
import type { Pkcs11Module } from './module.ts'
import { closeSessions, type TokenConnection } from './token.ts'

/** Room for the signature of the largest key that an authority may have. */
const maximumSignatureOctets = 512

interface ExpectedKey {
  /** Of its SubjectPublicKeyInfo. */
  readonly spkiSha256: string
  /** The login that may be made for it. */
  readonly grant?: LoginGrant | undefined
}

/** A key on the token, over sessions of its own. */
export interface TokenKey {
  /** Its SubjectPublicKeyInfo. */
  open(grant?: LoginGrant): Promise<Uint8Array>
  examine(expected: ExpectedKey): Promise<void>
  /** @returns the signature as the token gives it. */
  sign(expected: ExpectedKey, input: Buffer): Promise<Uint8Array>
  close(): void
}

/** All but `close` throw MintlineError `signer_unavailable`, `key_unusable`; LoginNeeded. */
export function createTokenKey(module: Pkcs11Module, settings: TokenLinkSettings): TokenKey {
  const { library, cryptoki } = module
  const link = createTokenLink(module, settings)

  async function connect({ spkiSha256, grant }: ExpectedKey): Promise<TokenConnection> {
    for (;;) {
      const connection = await link.connect(grant)
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
    async open(grant) {
      return (await link.connect(grant)).publicKeySpkiDer
    },
    async examine(expected) {
      const connection = await connect(expected)
      const { lookupSession, privateKey } = connection
      try {
        cryptoki.C_GetAttributeValue(lookupSession, privateKey, [{ type: library.CKA_KEY_TYPE }])
      } catch (error) {
        throw link.lose(connection, error)
      }
    },
    async sign(expected, input) {
      const connection = await connect(expected)
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
