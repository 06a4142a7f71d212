import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CertificateIntent } from '../../src/authorities/certificates/certificate-intent.ts'
import { createVerificationStore } from '../../src/aws/registrations/verification/verification-store.ts'
import { parseCertificate } from '../../src/pki/certificate/certificate.ts'
import type { OpenSigner } from '../../src/signing/signers/open-signer.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { builtChild } from '../support/program/program.ts'
import { startTestAdministration, type TestAdministration } from '../support/test-administration.ts'

const child = builtChild(new URL('crash-child.ts', import.meta.url))

let parts: TestAdministration

/** At each signature, what the intents in the database were to sign. */
const signings: { readonly toBeSigned: string; readonly durable: readonly string[] }[] = []

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const findIntents = () =>
  parts.test.database.prisma.authorityCertificateIntent.findMany({ orderBy: { id: 'asc' } })

const listOpenIntents = async (lineOrName: string) =>
  (await parts.administration.listOpenIntents({ lineOrName, limit: 100 })).items

const watched =
  (open: OpenSigner): OpenSigner =>
  async reference => {
    const signer = await open(reference)
    return {
      ...signer,
      async sign(toBeSignedDer) {
        const durable = (await findIntents()).map(({ tbsDer }) => hex(tbsDer))
        signings.push({ toBeSigned: hex(toBeSignedDer), durable })
        return signer.sign(toBeSignedDer)
      }
    }
  }

beforeAll(async () => {
  parts = await startTestAdministration({ wrapOpener: watched })
})

afterAll(() => parts.stop())

let lines = 0

/** A line of its own, with an active generation and a staged one. */
async function makePair(): Promise<readonly [line: string, active: string, staged: string]> {
  const line = `pair-${++lines}x`
  const active = await parts.administration.create(selfSigned(line), act)
  await parts.administration.activate(active, act)
  return [line, active, await parts.administration.create(selfSigned(line), act)]
}

/** As a cross-signing writes it, with bytes that stand for a TBSCertificate. */
function intentOf(issuerName: string, authorityName: string, serial: number): CertificateIntent {
  const id = `00000000-0000-7000-8000-0000000${String(10_000 + ++lines)}`
  const serialNumber = Uint8Array.of(0x40, serial)
  return {
    id,
    purpose: 'cross-signed',
    issuerName,
    authorityName,
    signer: { kind: 'local', keyFile: 'x.key.pem' },
    serialNumber,
    tbsDer: Uint8Array.of(1),
    createdAt: new Date(),
    createdBy: act.actor
  }
}

describe('a CA certificate', () => {
  it.each(['self-signed', 'cross-signed'])(
    'that is %s is signed once its intent is durable',
    async purpose => {
      const [line, active, staged] = await makePair()
      const before = signings.length
      const certificateDer =
        purpose === 'cross-signed'
          ? await parts.administration.crossSign(active, staged, act)
          : (
              await parts.administration.findCertificates(
                await parts.administration.create(selfSigned(line), act)
              )
            )[0]!
      const [signing, ...more] = signings.slice(before)
      expect(more).toEqual([])
      expect(signing!.durable).toContain(signing!.toBeSigned)
      const intent = (await findIntents()).at(-1)!
      expect(hex(certificateDer)).toContain(signing!.toBeSigned)
      expect(intent).toMatchObject({ purpose, createdBy: act.actor })
      expect(hex(intent.serialNumber)).toBe(hex(parseCertificate(certificateDer).serialNumber))
      const serial = { serialNumber: intent.serialNumber }
      expect(await parts.test.database.prisma.certifiedSerial.findUnique({ where: serial })).toMatchObject({
        intentId: intent.id
      })
      expect(await listOpenIntents(line)).toEqual([])
    }
  )

  it('is on record together with its intent', async () => {
    const [, active, staged] = await makePair()
    const certificateDer = await parts.administration.crossSign(active, staged, act)
    const { prisma } = parts.test.database
    const crossed = await prisma.crossCertificate.findFirstOrThrow({
      include: { intent: true },
      orderBy: { id: 'desc' }
    })
    expect(hex(crossed.certificateDer)).toBe(hex(certificateDer))
    expect(crossed.intent).toMatchObject({
      purpose: 'cross-signed',
      authorityName: staged,
      issuerId: crossed.issuerId
    })
    const made = await prisma.authority.findUniqueOrThrow({
      where: { name: staged },
      include: { certificateIntent: true }
    })
    expect(made.certificateIntent).toMatchObject({
      purpose: 'self-signed',
      authorityName: staged,
      signer: made.signer
    })
    await expect(
      prisma.$executeRaw`
        INSERT INTO cross_certificate (id, issuer_id, subject_id, certificate_der, created_at)
        SELECT gen_random_uuid(), issuer_id, subject_id, certificate_der, created_at FROM cross_certificate
        WHERE id = ${crossed.id}::uuid`
    ).rejects.toThrow()
  })

  it('keeps the key unused when the intent cannot be written', async () => {
    const [, active, staged] = await makePair()
    const down = createTestAdministration(parts.test.database, parts.data.path, {
      wrapOpener: watched,
      wrapStore: store =>
        'insert' in store ? { ...store, insert: () => Promise.reject(new Error('the disk is full')) } : store
    })
    const before = signings.length
    await expect(down.administration.crossSign(active, staged, act)).rejects.toThrow()
    await expect(down.administration.create(selfSigned('unwritten'), act)).rejects.toThrow()
    expect(signings).toHaveLength(before)
  })
})

describe('the commit of an intent', () => {
  const refused = { code: 'authority_transition_refused' }

  it.each(['retiring', 'compromised'])('refuses an issuer that is %s', async state => {
    const [line, active, staged] = await makePair()
    const subject = await parts.administration.create(selfSigned(line), act)
    if (state === 'retiring') await parts.administration.activate(staged, act)
    else await parts.administration.compromise(active, act)
    await expect(parts.intents.insert(intentOf(active, subject, 1))).rejects.toMatchObject(refused)
    expect(await listOpenIntents(line)).toEqual([])
  })

  it('refuses a subject that is compromised', async () => {
    const [, active, staged] = await makePair()
    await parts.administration.compromise(staged, act)
    await expect(parts.intents.insert(intentOf(active, staged, 2))).rejects.toMatchObject(refused)
  })

  it('decides by what the issuer has become since it was looked at, and the key is not used', async () => {
    const [, active, staged] = await makePair()
    const late = createTestAdministration(parts.test.database, parts.data.path, {
      wrapOpener: open => async reference => {
        const signer = await watched(open)(reference)
        await parts.administration.compromise(active, act)
        return signer
      }
    })
    const before = signings.length
    await expect(late.administration.crossSign(active, staged, act)).rejects.toMatchObject(refused)
    expect(signings).toHaveLength(before)
  })

  it('waits for a change of the issuer that is under way, and decides by its outcome', async () => {
    const [, active, staged] = await makePair()
    const { prisma } = parts.test.database
    let outcome: Promise<unknown> | undefined
    await prisma.$transaction(async transaction => {
      await transaction.$executeRaw`LOCK TABLE authority IN EXCLUSIVE MODE`
      await transaction.authority.update({ where: { name: active }, data: { state: 'compromised' } })
      outcome = parts.intents.insert(intentOf(active, staged, 5)).catch((error: unknown) => error)
      const first = await Promise.race([outcome, setTimeout(300, 'waiting')])
      expect(first).toBe('waiting')
    })
    expect(await outcome).toMatchObject(refused)
  })

  it('keeps its serial number from a verification certificate for AWS IoT', async () => {
    const [, active, staged] = await makePair()
    const { serialNumber } = await parts.intents.insert(intentOf(active, staged, 6))
    const { prisma } = parts.test.database
    const authority = await prisma.authority.findUniqueOrThrow({ where: { name: active } })
    const registrationId = '00000000-0000-7000-8000-000000000001'
    const createdAt = new Date()
    const place = { accountAlias: '', region: 'eu-central-1', createdAt, createdBy: act.actor }
    await prisma.awsRegistration.create({ data: { id: registrationId, authorityId: authority.id, ...place } })
    const store = createVerificationStore(parts.test.database)
    const verification = {
      id: '00000000-0000-7000-8000-000000000002',
      registrationId,
      number: 1,
      registrationCode: 'code',
      tbsDer: Uint8Array.of(1),
      createdAt
    }
    expect(await store.insert({ ...verification, serialNumber })).toBeUndefined()
    const own = Uint8Array.of(0x40, 7)
    expect(await store.insert({ ...verification, serialNumber: own })).toMatchObject({ number: 1 })
    await expect(
      parts.intents.insert({ ...intentOf(active, staged, 0), serialNumber: own })
    ).rejects.toMatchObject({ code: 'internal_error' })
  })

  it.each(['a device', 'a CA certificate'])('refuses the serial number of %s', async holder => {
    const [line, active, staged] = await makePair()
    const taken = intentOf(active, staged, holder === 'a device' ? 3 : 4)
    const { prisma } = parts.test.database
    if (holder === 'a device')
      await prisma.certifiedSerial.create({
        data: { serialNumber: new Uint8Array(taken.serialNumber), intentId: taken.id }
      })
    else await parts.intents.insert(taken)
    const known = await findIntents()
    const second = { ...intentOf(active, staged, 0), serialNumber: taken.serialNumber }
    await expect(parts.intents.insert(second)).rejects.toMatchObject({ code: 'internal_error' })
    expect(await findIntents()).toEqual(known)
    const open = await listOpenIntents(line)
    expect(open.map(({ id }) => id)).toEqual(holder === 'a device' ? [] : [taken.id])
  })
})

/** Runs until the child has killed itself at the effect. */
async function crash(effect: string, when: string, names: readonly string[]): Promise<void> {
  const args = [child, parts.test.connectionString, parts.data.path, effect, when, ...names]
  const running = spawn(process.execPath, args, { stdio: 'inherit' })
  const [, signal] = (await once(running, 'close')) as [number | null, NodeJS.Signals | null]
  expect(signal).toBe('SIGKILL')
}

/** Effect, when, and how many intents are open then. */
const deaths = [
  ['insert', 'before', 0],
  ['insert', 'after', 1],
  ['sign', 'before', 1],
  ['sign', 'after', 1],
  ['change', 'before', 1],
  ['change', 'after', 0]
] as const

describe('a process that is killed', () => {
  it.concurrent.each(deaths)(
    'at %s, %s it, making a generation, leaves %i open intents, and the next one is made',
    async (effect, when, open) => {
      const line = `making-${effect}-${when}`
      await crash(effect, when, [line])
      const left = await listOpenIntents(line)
      expect(left).toMatchObject(Array(open).fill({ purpose: 'self-signed', authorityName: `${line}-g1` }))
      const name = await parts.administration.create(selfSigned(line), act)
      expect(name).toBe(`${line}-g${effect === 'change' && when === 'after' ? 2 : 1}`)
      // What was cut off stays explained, and is never taken for what came later.
      expect(await listOpenIntents(line)).toEqual(left)
    }
  )

  it.concurrent.each(deaths)(
    'at %s, %s it, cross-signing, leaves %i open intents, and the same request succeeds',
    async (effect, when, open) => {
      const [line, active, staged] = await makePair()
      await crash(effect, when, [active, staged])
      const left = await listOpenIntents(line)
      expect(left).toMatchObject(
        Array(open).fill({ purpose: 'cross-signed', issuerName: active, authorityName: staged })
      )
      const crossed = new X509Certificate(await parts.administration.crossSign(active, staged, act))
      const serials = left.map(({ serialNumber }) => hex(serialNumber))
      expect(serials).not.toContain(crossed.serialNumber.toLowerCase())
      expect(await listOpenIntents(active)).toEqual(left)
    }
  )
})

describe('the signer of a generation', () => {
  it('is closed once it may no longer finish what it began', async () => {
    const closed: string[] = []
    const { administration, authorities } = createTestAdministration(parts.test.database, parts.data.path, {
      wrapOpener: open => async reference => {
        const signer = await open(reference)
        const name =
          reference.kind === 'local' ? reference.keyFile.replace(/-[0-9a-f]{8}\.key\.pem$/, '') : ''
        return {
          ...signer,
          async close() {
            closed.push(name)
            await signer.close()
          }
        }
      }
    })
    const [line, active, staged] = await makePair()
    await authorities.refresh()
    const issuing = await authorities.issuing(line)
    await administration.activate(staged, act)
    closed.length = 0
    // Retiring, it may still complete an intent.
    expect((await issuing.signer.sign(Uint8Array.of(1))).length).toBeGreaterThan(0)
    await administration.retire(active, { abandon: false }, act)
    await expect.poll(() => closed).toEqual([active])
    await expect(issuing.signer.sign(Uint8Array.of(1))).rejects.toMatchObject({ code: 'signer_unavailable' })

    const { signer } = await authorities.issuing(line)
    await administration.compromise(staged, act)
    await expect.poll(() => closed).toEqual([active, staged])
    await expect(signer.sign(Uint8Array.of(1))).rejects.toMatchObject({ code: 'signer_unavailable' })
    await authorities.close()
    expect(closed).toEqual([active, staged])
  })
})
