import { createPublicKey, type KeyObject, sign as signWith } from 'node:crypto'
import { promisify } from 'node:util'
import { authoritySignatureAlgorithm, hashNameOf } from '../../../pki/key/signature-algorithm.ts'
import type { Signer } from '../signer.ts'
import { closedError } from '../signer-slots.ts'

const signAsync = promisify(signWith)

/**
 * A signer whose key is in this process's memory. Signatures are made on the thread pool, so that the event
 * loop goes on taking requests.
 */
export function createLocalSigner(privateKey: KeyObject): Signer {
  const publicKeySpkiDer = new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }))
  const signatureAlgorithm = authoritySignatureAlgorithm(publicKeySpkiDer)
  const hashName = hashNameOf(signatureAlgorithm)
  let closed = false
  const assertOpen = () => {
    if (closed) throw closedError()
  }
  return {
    signatureAlgorithm,
    publicKeySpkiDer,
    async sign(toBeSignedDer) {
      assertOpen()
      return new Uint8Array(await signAsync(hashName, toBeSignedDer, privateKey))
    },
    async assertUsable() {
      assertOpen()
    },
    async close() {
      closed = true
    }
  }
}
