import { createPublicKey, verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashNameOf } from '../../../src/pki/key/signature-algorithm.ts'
import type { Signer } from '../../../src/signing/signers/signer.ts'

/** What every signer must do, wherever it keeps its key. `open` gives a new one over the same key each time. */
export function describeSigner(name: string, open: () => Promise<Signer>): void {
  describe(`the signer contract: ${name}`, () => {
    let signer: Signer

    beforeAll(async () => {
      signer = await open()
    })

    afterAll(() => signer.close())

    const isSignedBy = (bytes: Uint8Array, signature: Uint8Array) =>
      verify(
        hashNameOf(signer.signatureAlgorithm),
        bytes,
        createPublicKey({ key: Buffer.from(signer.publicKeySpkiDer), format: 'der', type: 'spki' }),
        signature
      )

    it('signs with the algorithm and the key that it names', async () => {
      const bytes = Buffer.from('to be signed')
      expect(isSignedBy(bytes, await signer.sign(bytes))).toBe(true)
    })

    it.each([0, 1, 4_096, 4_097, 100_000])('signs %i octets', async size => {
      const bytes = Buffer.alloc(size, 7)
      expect(isSignedBy(bytes, await signer.sign(bytes))).toBe(true)
    })

    it('answers overlapping calls each with its own signature', async () => {
      const inputs = Array.from({ length: 32 }, (_, index) => Buffer.from(`input ${index}`))
      const signatures = await Promise.all(inputs.map(bytes => signer.sign(bytes)))
      for (const [index, bytes] of inputs.entries()) expect(isSignedBy(bytes, signatures[index]!)).toBe(true)
    })

    it('names the same key and algorithm each time it is opened', async () => {
      const second = await open()
      expect(second.signatureAlgorithm).toBe(signer.signatureAlgorithm)
      expect(Buffer.from(second.publicKeySpkiDer)).toEqual(Buffer.from(signer.publicKeySpkiDer))
      await second.close()
    })

    it('signs nothing once it is closed', async () => {
      const closed = await open()
      await closed.assertUsable()
      await closed.close()
      await expect(closed.sign(Buffer.from('late'))).rejects.toMatchObject({ code: 'signer_unavailable' })
      await expect(closed.assertUsable()).rejects.toMatchObject({ code: 'signer_unavailable' })
    })
  })
}
