import { createPublicKey, generateKeyPairSync, verify as verifyWith } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { parseCertificate } from '../../src/pki/certificate/certificate.ts'
import { buildTbsCertificate } from '../../src/pki/certificate/tbs-certificate.ts'
import { buildCertificationRequestInfo } from '../../src/pki/csr/writer.ts'
import { buildName } from '../../src/pki/name/name.ts'
import { lintTbsCertList } from '../../src/pki/revocation/list/list-lint.ts'
import { frameTbsCertList, type ListHead } from '../../src/pki/revocation/list/tbs-cert-list.ts'
import { type Durable, vouchDurable } from '../../src/signing/durable.ts'
import { isJudged, judge, judgeInSteps } from '../../src/signing/judgement.ts'
import { signDurable, signDurableList, type ToBeSigned } from '../../src/signing/sign-durable.ts'
import { signAtCeremony, signCertificationRequestInfo } from '../../src/signing/sign-without-intent.ts'
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

const head: ListHead = {
  signatureAlgorithm: 'ecdsa-with-SHA256',
  issuerNameDer: buildName({ CommonName: 'issuer' }),
  authorityKeyIdentifier: new Uint8Array(20),
  number: 1,
  thisUpdate: new Date('2026-01-01T00:00:00Z'),
  nextUpdate: new Date('2026-01-02T00:00:00Z'),
  keepsExpiredSince: new Date('2025-01-01T00:00:00Z')
}

function makeList(): Uint8Array {
  const { before, after } = frameTbsCertList(head, 0)
  return Buffer.concat([before, after])
}

/** As the duty that makes CRLs has it judged. */
function judgedList(): Uint8Array {
  const tbsDer = makeList()
  judge(tbsDer, der => [...lintTbsCertList(der, { ...head, entries: 0, finalEntries: 0 })])
  return tbsDer
}

describe('the signing room, of CRLs', () => {
  it('signs exactly the bytes of a durable intent that were judged', async () => {
    const { signer, sign } = watchedSigner()
    const intent = vouchDurable({ id: 'a', tbsDer: judgedList() })
    const signature = await signDurableList({ intent, signer, issuerPublicKey })
    expect(sign.mock.calls).toEqual([[intent.tbsDer]])
    expect(verifyWith('sha256', intent.tbsDer, issuerPublicKey, signature)).toBe(true)
  })

  it('signs nothing that no store vouched for, whatever its type says', async () => {
    const { signer, sign } = watchedSigner()
    const order = { signer, issuerPublicKey }
    const cast = { id: 'a', tbsDer: judgedList() } as ToBeSigned as Durable<ToBeSigned>
    await expect(signDurableList({ ...order, intent: cast })).rejects.toThrow(TypeError)
    const copy = { ...vouchDurable({ id: 'a', tbsDer: judgedList() }) } as Durable<ToBeSigned>
    await expect(signDurableList({ ...order, intent: copy })).rejects.toThrow(TypeError)
    expect(sign).not.toHaveBeenCalled()
  })

  it('signs nothing that was not judged, nor equal bytes that come from elsewhere', async () => {
    const { signer, sign } = watchedSigner()
    for (const tbsDer of [makeList(), Uint8Array.from(judgedList())]) {
      const intent = vouchDurable({ id: 'a', tbsDer })
      await expect(signDurableList({ intent, signer, issuerPublicKey })).rejects.toThrow(TypeError)
    }
    expect(sign).not.toHaveBeenCalled()
  })

  it('hands back no signature that does not hold', async () => {
    const { signer } = watchedSigner()
    const other = createLocalSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const intent = vouchDurable({ id: 'a', tbsDer: judgedList() })
    await expect(
      signDurableList({ intent, signer: { ...signer, sign: other.sign }, issuerPublicKey })
    ).rejects.toMatchObject({ code: 'certificate_mismatch' })
  })
})

describe('a judgement in steps', () => {
  it('takes every step, and remembers the bytes after the last one alone', async () => {
    const tbsDer = makeList()
    const turns: boolean[] = []
    const judgement = (der: Uint8Array) => lintTbsCertList(der, { ...head, entries: 0, finalEntries: 0 })
    const three = function* (der: Uint8Array) {
      yield* [1, 2]
      yield* judgement(der)
      yield 3
    }
    await judgeInSteps(tbsDer, three, async () => void turns.push(isJudged(tbsDer)))
    expect(turns.length).toBeGreaterThanOrEqual(3)
    expect(turns).not.toContain(true)
    expect(isJudged(tbsDer)).toBe(true)
  })

  it('remembers nothing of bytes that break a rule at a late step', async () => {
    const tbsDer = makeList()
    const breaking = function* () {
      yield* [1, 2, 3]
      throw new Error('broken')
    }
    await expect(judgeInSteps(tbsDer, breaking, async () => undefined)).rejects.toThrow('broken')
    expect(isJudged(tbsDer)).toBe(false)
  })
})

describe('a request for a certificate', () => {
  it('is signed by its own key', async () => {
    const { signer, sign } = watchedSigner()
    const infoDer = buildCertificationRequestInfo({ CommonName: 'station' }, signer.publicKeySpkiDer)
    const signature = await signCertificationRequestInfo(signer, infoDer)
    expect(sign.mock.calls).toEqual([[infoDer]])
    expect(verifyWith('sha256', infoDer, issuerPublicKey, signature)).toBe(true)
  })

  it.each([
    ['a certificate', makeTbs],
    ['a CRL', makeList],
    ['nothing', () => new Uint8Array()],
    [
      'a request over another key',
      () => {
        const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
        return buildCertificationRequestInfo({}, other.export({ format: 'der', type: 'spki' }))
      }
    ]
  ])('is not signed where the bytes are those of %s', async (_, make) => {
    const { signer, sign } = watchedSigner()
    await expect(signCertificationRequestInfo(signer, make())).rejects.toThrow(TypeError)
    expect(sign).not.toHaveBeenCalled()
  })
})

describe('a ceremony', () => {
  it('signs nothing that was not judged', async () => {
    const { signer, sign } = watchedSigner()
    await expect(signAtCeremony(signer, issuerPublicKey, makeTbs())).rejects.toThrow(TypeError)
    expect(sign).not.toHaveBeenCalled()
  })
})
