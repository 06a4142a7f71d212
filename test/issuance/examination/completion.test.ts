import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { IssuingAuthority } from '../../../src/authorities/authority.ts'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import type { Cycle } from '../../../src/issuance/commit/cycle.ts'
import { createCompletion } from '../../../src/issuance/completion.ts'
import { parseTbsCertificate, type TbsCertificate } from '../../../src/pki/certificate/certificate.ts'
import { buildTbsCertificate } from '../../../src/pki/certificate/tbs-certificate.ts'
import { vouchDurable } from '../../../src/signing/durable.ts'
import { createLocalSigner } from '../../../src/signing/signers/local/local-signer.ts'
import { createTestAuthority, deviceContent } from '../../pki/certificate/authority-fixture.ts'

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const tbsDer = buildTbsCertificate(deviceContent(createTestAuthority()))
const tbs = parseTbsCertificate(tbsDer)

/** @param endsAt when the first CA of the chain ends; @param key which signs, and need not be the authority's. */
function completing(endsAt: Date, key = pair.privateKey) {
  const committed: unknown[] = []
  const distrusted: unknown[] = []
  const commitCertificate: Cycle['commitCertificate'] = async certificate => {
    committed.push(certificate)
    return { kind: 'recorded' }
  }
  const { complete } = createCompletion({
    cycle: { commitCertificate },
    endRefused: async () => undefined,
    clock: () => new Date()
  })
  const authority = {
    name: 'starter-g1',
    path: { notAfter: endsAt, constrained: [] },
    signer: createLocalSigner(createPrivateKey(key.export({ format: 'pem', type: 'pkcs8' }))),
    publicKey: createPublicKey(pair.privateKey),
    distrust(error: unknown) {
      distrusted.push(error)
      return new MintlineError('authority_unavailable', 'It is not trusted any more.')
    }
  } as unknown as IssuingAuthority
  const order = {
    intent: vouchDurable({ id: 'a', tbsDer }),
    authority,
    judgement: () => undefined,
    readTbs: (): TbsCertificate => tbs,
    predictThing: () => null
  }
  return { complete: () => complete(order), committed, distrusted }
}

describe('a signed certificate', () => {
  it('is recorded', async () => {
    const { complete, committed, distrusted } = completing(tbs.notAfter)
    expect(await complete()).toMatchObject({ recorded: true, intentId: 'a' })
    expect([committed.length, distrusted.length]).toEqual([1, 0])
  })

  it('that could not be verified below its authority does not leave the process', async () => {
    const { complete, committed } = completing(new Date(tbs.notAfter.getTime() - 1_000))
    await expect(complete()).rejects.toMatchObject({ code: 'certificate_mismatch' })
    expect(committed).toEqual([])
  })

  it('of a faulty key is not recorded, and the key is not trusted any more', async () => {
    const { complete, committed, distrusted } = completing(tbs.notAfter, other.privateKey)
    await expect(complete()).rejects.toMatchObject({ code: 'authority_unavailable' })
    expect(committed).toEqual([])
    expect(distrusted).toMatchObject([{ code: 'certificate_mismatch' }])
  })
})
