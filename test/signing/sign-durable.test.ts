import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { parseCertificate } from '../../src/pki/certificate/certificate.ts'
import { buildTbsCertificate } from '../../src/pki/certificate/tbs-certificate.ts'
import { buildName } from '../../src/pki/name/name.ts'
import { type Durable, vouchDurable } from '../../src/signing/durable.ts'
import { judge } from '../../src/signing/judgement.ts'
import { signDurable, type ToBeSigned } from '../../src/signing/sign-durable.ts'
import { signAtCeremony } from '../../src/signing/sign-without-intent.ts'
import { createLocalSigner } from '../../src/signing/signers/local/local-signer.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const spkiDer = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }))
const issuerPublicKey = createPublicKey(privateKey)

const makeTbs = () =>
  buildTbsCertificate({
    serialNumber: Uint8Array.of(0x40, ...new Uint8Array(15)),
    signatureAlgorithm: 'ecdsa-with-SHA256',
    issuerNameDer: buildName({ CommonName: 'issuer' }),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-01-01T00:00:00Z'),
    subjectNameDer: buildName({ CommonName: 'device' }),
    spkiDer,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    authorityKeyIdentifier: new Uint8Array(20)
  })

/** The signer, which tells how often it was used. */
function watchedSigner() {
  const signer = createLocalSigner(privateKey)
  const sign = vi.fn(signer.sign)
  return { signer: { ...signer, sign }, sign }
}

const passes = () => undefined

describe('the signing room', () => {
  it('signs exactly the bytes of a durable intent', async () => {
    const { signer, sign } = watchedSigner()
    const intent = vouchDurable({ id: 'a', tbsDer: makeTbs() })
    const certificateDer = await signDurable({ intent, signer, issuerPublicKey, judgement: passes })
    expect(sign.mock.calls).toEqual([[intent.tbsDer]])
    expect(parseCertificate(certificateDer).tbsDer).toEqual(intent.tbsDer)
  })

  it('signs nothing that no store vouched for, whatever its type says', async () => {
    const { signer, sign } = watchedSigner()
    const cast = { id: 'a', tbsDer: makeTbs() } as ToBeSigned as Durable<ToBeSigned>
    const order = { signer, issuerPublicKey, judgement: passes }
    await expect(signDurable({ ...order, intent: cast })).rejects.toThrow(TypeError)
    const copy = { ...vouchDurable({ id: 'a', tbsDer: makeTbs() }) } as Durable<ToBeSigned>
    await expect(signDurable({ ...order, intent: copy })).rejects.toThrow(TypeError)
    expect(sign).not.toHaveBeenCalled()
  })

  it('signs nothing that breaks its rules', async () => {
    const { signer, sign } = watchedSigner()
    const intent = vouchDurable({ id: 'a', tbsDer: makeTbs() })
    const judgement = () => {
      throw new Error('broken')
    }
    await expect(signDurable({ intent, signer, issuerPublicKey, judgement })).rejects.toThrow('broken')
    expect(sign).not.toHaveBeenCalled()
  })

  it('judges what this process drafted once, and what comes from elsewhere every time', async () => {
    const { signer } = watchedSigner()
    const judgement = vi.fn()
    const order = { signer, issuerPublicKey, judgement }
    const drafted = makeTbs()
    judge(drafted, passes)
    await signDurable({ ...order, intent: vouchDurable({ id: 'a', tbsDer: drafted }) })
    expect(judgement).not.toHaveBeenCalled()
    const readBack = Uint8Array.from(drafted)
    await signDurable({ ...order, intent: vouchDurable({ id: 'a', tbsDer: readBack }) })
    expect(judgement.mock.calls).toEqual([[readBack]])
  })

  it('hands back no certificate with a wrong signature', async () => {
    const { signer } = watchedSigner()
    const other = createLocalSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const intent = vouchDurable({ id: 'a', tbsDer: makeTbs() })
    const faulty = { ...signer, sign: other.sign }
    await expect(
      signDurable({ intent, signer: faulty, issuerPublicKey, judgement: passes })
    ).rejects.toMatchObject({ code: 'certificate_mismatch' })
  })
})

describe('a ceremony', () => {
  it('signs nothing that was not judged', async () => {
    const { signer, sign } = watchedSigner()
    await expect(signAtCeremony(signer, issuerPublicKey, makeTbs())).rejects.toThrow(TypeError)
    expect(sign).not.toHaveBeenCalled()
  })
})
