import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashNameOf } from '../../../src/pki/key/signature-algorithm.ts'
import { createPkcs11Signer } from '../../../src/signing/signers/pkcs11/pkcs11-signer.ts'
import type { Signer } from '../../../src/signing/signers/signer.ts'
import { rsaKeyPair } from '../../pki/key/rsa-key.ts'
import { moduleSurroundingsOf } from '../../support/hsm/module-surroundings.ts'
import { createSoftHsm, needsSoftHsm, type SoftHsm, softHsmModule } from '../../support/hsm/softhsm.ts'
import { describeSigner } from './signer-contract.ts'

const modulePath = softHsmModule ?? ''

const keys: Readonly<Record<string, KeyObject>> = {
  'ec-p256': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'ec-p384': generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  'ec-p521': generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  'rsa-2048': rsaKeyPair().privateKey
}

describe('the PKCS#11 signer', needsSoftHsm, () => {
  let hsm: SoftHsm
  let surroundings: ReturnType<typeof moduleSurroundingsOf>

  beforeAll(async () => {
    hsm = await createSoftHsm()
    surroundings = moduleSurroundingsOf(hsm)
    for (const label of ['line', 'twin', 'twin']) hsm.makeToken(label)
    for (const [label, key] of Object.entries(keys)) await hsm.importKey('line', label, key)
    await hsm.importKey('line', 'double', keys['ec-p256']!)
    await hsm.importKey('line', 'double', keys['ec-p384']!)
    await hsm.importKey('line', 'curve', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey)
  })

  afterAll(() => hsm[Symbol.asyncDispose]())

  interface Changes {
    readonly tokenLabel?: string
    readonly modulePath?: string
    readonly pinFile?: string
    readonly sessions?: number
    readonly maximumWaiting?: number
  }

  const open = (keyLabel: string, { tokenLabel = 'line', ...settings }: Changes = {}): Promise<Signer> =>
    createPkcs11Signer(
      { kind: 'pkcs11', tokenLabel, keyLabel },
      {
        modulePath,
        pinFile: hsm.pinFile,
        sessions: 3,
        maximumWaiting: 1_000,
        callTimeoutMs: 20_000,
        ...surroundings,
        ...settings
      }
    )

  async function writePin(name: string, pin: string): Promise<string> {
    const file = join(hsm.directory, name)
    await writeFile(file, `${pin}\n`)
    return file
  }

  const isSignedBy = (
    { publicKeySpkiDer, signatureAlgorithm }: Signer,
    bytes: Uint8Array,
    signature: Uint8Array
  ) =>
    verify(
      hashNameOf(signatureAlgorithm),
      bytes,
      { key: Buffer.from(publicKeySpkiDer), format: 'der', type: 'spki' },
      signature
    )

  for (const label of Object.keys(keys)) describeSigner(`pkcs11, ${label}`, () => open(label))

  describe('many signatures', () => {
    it('are made over a few sessions, each its own', async () => {
      const signer = await open('ec-p256', { sessions: 2 })
      const inputs = Array.from({ length: 300 }, (_, index) => Buffer.from(`certificate ${index}`))
      const signatures = await Promise.all(inputs.map(input => signer.sign(input)))
      expect(inputs.every((input, index) => isSignedBy(signer, input, signatures[index]!))).toBe(true)
      await signer.close()
    })

    it('beyond the queue are refused, the others made', async () => {
      const signer = await open('rsa-2048', { sessions: 1, maximumWaiting: 4 })
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) => signer.sign(Buffer.from(`${index}`)))
      )
      const refused = results.filter(result => result.status === 'rejected')
      expect(refused).toHaveLength(3)
      for (const { reason } of refused) {
        expect(reason).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
      }
      await signer.close()
    })

    it('under way when the signer is closed are still made', async () => {
      const signer = await open('rsa-2048', { sessions: 2 })
      const signing = [0, 1].map(number => signer.sign(Buffer.of(number)))
      await signer.close()
      const signatures = await Promise.all(signing)
      expect(signatures.every((signature, i) => isSignedBy(signer, Buffer.of(i), signature))).toBe(true)
    })
  })

  describe('a token that is pulled', () => {
    const unavailable = { code: 'signer_unavailable', retryAfterSeconds: 1 }

    async function untilUsable(signer: Signer): Promise<void> {
      const deadline = Date.now() + 8_000
      for (;;) {
        const isUsable = await signer.assertUsable().then(
          () => true,
          () => false
        )
        if (isUsable || Date.now() > deadline) return
        await sleep(100)
      }
    }

    it('is noticed, and found again when it is back', async () => {
      const signer = await open('ec-p256')
      await hsm.moveAway()
      try {
        await expect(signer.sign(Buffer.from('gone'))).rejects.toMatchObject(unavailable)
        await expect(signer.assertUsable()).rejects.toMatchObject(unavailable)
        await expect(signer.sign(Buffer.from('gone'))).rejects.toMatchObject(unavailable)
      } finally {
        await hsm.moveBack()
      }
      await untilUsable(signer)
      const bytes = Buffer.from('back')
      expect(isSignedBy(signer, bytes, await signer.sign(bytes))).toBe(true)
      await signer.close()
    })

    it('is noticed by readiness before anything is signed', async () => {
      const signer = await open('rsa-2048')
      await signer.assertUsable()
      await hsm.moveAway()
      await expect(signer.assertUsable()).rejects.toMatchObject(unavailable)
      await hsm.moveBack()
      await untilUsable(signer)
      await signer.assertUsable()
      await signer.close()
    })

    it('fails no signer for good and forges no signature, with two signers at work on it', async () => {
      const signers = [await open('ec-p256'), await open('rsa-2048')]
      let made = 0
      let isOver = false
      const wrong: unknown[] = []
      const work = signers.map(async (signer, index) => {
        for (let i = 0; !isOver; i++) {
          const bytes = Buffer.from(`${index} ${i}`)
          try {
            if (isSignedBy(signer, bytes, await signer.sign(bytes))) made++
            else wrong.push('a signature that does not hold')
          } catch (error) {
            if ((error as { code?: string }).code !== 'signer_unavailable') wrong.push(error)
            await sleep(20)
          }
        }
      })
      await sleep(200)
      await hsm.moveAway()
      await sleep(300)
      await hsm.moveBack()
      await Promise.all(signers.map(untilUsable))
      const before = made
      await sleep(300)
      isOver = true
      await Promise.all(work)
      expect(wrong).toEqual([])
      expect(before).toBeGreaterThan(0)
      expect(made).toBeGreaterThan(before)
      await Promise.all(signers.map(signer => signer.close()))
    })

    it('and comes back with another PIN stays refused until the PIN file is right', async () => {
      const pinFile = await writePin('changing-pin', hsm.pin)
      const signer = await open('ec-p256', { pinFile })
      await hsm.moveAway()
      await expect(signer.sign(Buffer.from('gone'))).rejects.toMatchObject(unavailable)
      await hsm.moveBack()
      await writePin('changing-pin', 'mistyped')
      await expect(signer.sign(Buffer.from('refused'))).rejects.toMatchObject({ code: 'key_unusable' })
      await writePin('changing-pin', hsm.pin)
      await untilUsable(signer)
      await signer.sign(Buffer.from('back'))
      await signer.close()
    })

    it('cannot be opened meanwhile', async () => {
      await hsm.moveAway()
      try {
        await expect(open('ec-p256')).rejects.toMatchObject(unavailable)
      } finally {
        await hsm.moveBack()
      }
    })
  })

  describe('refuses to open', () => {
    it.each<[string, { readonly keyLabel: string } & Changes, string]>([
      ['a key label that is not there', { keyLabel: 'ec-p999' }, 'key_unusable'],
      ['a key label that is there twice', { keyLabel: 'double' }, 'key_unusable'],
      ['a key on a curve that no authority can have', { keyLabel: 'curve' }, 'key_unusable'],
      ['a token label that is there twice', { keyLabel: 'ec-p256', tokenLabel: 'twin' }, 'key_unusable'],
      [
        'a token label that is not there',
        { keyLabel: 'ec-p256', tokenLabel: 'nowhere' },
        'signer_unavailable'
      ],
      [
        'a module that is not there',
        { keyLabel: 'ec-p256', modulePath: '/nonexistent/module.so' },
        'key_unusable'
      ],
      ['a PIN file that is not there', { keyLabel: 'ec-p256', pinFile: '/nonexistent/pin' }, 'key_unusable']
    ])('%s', async (_, { keyLabel, ...changes }, code) => {
      await expect(open(keyLabel, changes)).rejects.toMatchObject({ code })
    })

    it('a wrong PIN, and does not show it', async () => {
      const pinFile = await writePin('wrong-pin', '0000-not-the-pin')
      const error: unknown = await open('ec-p256', { pinFile }).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'key_unusable' })
      expect(inspect(error, { depth: 9 })).not.toContain('0000-not-the-pin')
    })

    it('a PIN that was refused before without asking the token, and takes another', async () => {
      hsm.makeToken('other')
      await hsm.importKey('other', 'key', keys['ec-p256']!)
      const pinFile = await writePin('early-pin', 'tomorrows-pin')
      const openOther = () => open('key', { tokenLabel: 'other', pinFile })
      await expect(openOther()).rejects.toMatchObject({ code: 'key_unusable' })
      // Had the token been asked again, it would now have said yes.
      await hsm.changePin('other', 'tomorrows-pin')
      await expect(openOther()).rejects.toMatchObject({ code: 'key_unusable' })
      await hsm.changePin('other', 'another-pin', 'tomorrows-pin')
      await writePin('early-pin', 'another-pin')
      await (await openOther()).close()
    })
  })
})
