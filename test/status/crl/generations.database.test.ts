import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthorityServices } from '../../../src/composition/authority-services.ts'
import { parseCertificate } from '../../../src/pki/certificate/certificate.ts'
import { toHex } from '../../../src/pki/der/octet-text.ts'
import { parseRevocationList } from '../../../src/pki/revocation/revocation-list.ts'
import type { OpenSigner } from '../../../src/signing/signers/open-signer.ts'
import { createStatusStore } from '../../../src/status/ocsp/status-store.ts'
import { act, selfSigned } from '../../support/authority-administration.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { expectAgreement } from '../agreement.ts'
import { openMaking } from './making-crls.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let administration: ReturnType<typeof createAuthorityServices>['administration']
let making: ReturnType<typeof openMaking>

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  const listRegistrationGaps = async () => []
  administration = createAuthorityServices(issuing.core, { listRegistrationGaps }).administration
  making = openMaking(issuing.core)
  for (const line of ['left', 'right'])
    await administration.activate(await administration.create(selfSigned(line), act), act)
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const revokedOf = async (name: string) => [...parseRevocationList((await making.read(name)).der).revoked]
const changed = () =>
  test.owner.prisma.$executeRaw`INSERT INTO crl_change (authority_id) SELECT id FROM authority`

describe('the CRL of a generation', () => {
  it('is there as soon as it issues', async () => {
    const name = await administration.create(selfSigned('left'), act)
    await making.step()
    for (const each of ['starter-g1', 'left-g1', 'right-g1']) expect(await revokedOf(each)).toEqual([])
    await expect(making.read(name)).rejects.toMatchObject({ code: 'authority_not_found' })
    await expect(making.read('left')).rejects.toMatchObject({ code: 'authority_not_found' })
    await expect(making.read('nobody-g1')).rejects.toMatchObject({ code: 'authority_not_found' })
  })

  it('goes on where it is retired, by its key', async () => {
    await administration.activate('left-g2', act)
    await administration.retire('left-g1', { abandon: false }, act)
    const { number } = await making.read('left-g1')
    await changed()
    await making.step()
    expect((await making.read('left-g1')).number).toBeGreaterThan(number)
  })

  it('stays as it was while its key cannot be used, which holds up no other, and is told', async () => {
    const refuse: OpenSigner = () => Promise.reject(new Error('the token is not there'))
    const told: unknown[] = []
    const log = { warn: (_: object, message: string) => told.push(message) }
    const without = openMaking(issuing.core, { openSigner: refuse, log: log })
    const before = await Promise.all(['left-g1', 'right-g1'].map(name => making.read(name)))
    await changed()
    await without.step()
    const after = await Promise.all(['left-g1', 'right-g1'].map(name => making.read(name)))
    expect(after[0]!.number).toBe(before[0]!.number)
    expect(after[1]!.number).toBeGreaterThan(before[1]!.number)
    expect(told).toEqual(['the CRL of left-g1 could not be made; tried again'])
    await making.step()
  })

  it('says that a cross certificate is revoked whose authority is compromised, which keeps its own last one', async () => {
    const crossDer = await administration.crossSign('left-g2', 'right-g1', act)
    await making.step()
    expect(await revokedOf('left-g2')).toEqual([])
    const { id: authorityId } = await test.database.prisma.authority.findFirstOrThrow({
      where: { name: 'left-g2' }
    })
    const { serialNumber } = parseCertificate(crossDer)
    const ownDer = issuing.authorities.list().find(({ id }) => id === authorityId)!.certificateDer
    const asked = [serialNumber, parseCertificate(ownDer).serialNumber].map(each => ({
      ...{ authorityId, serialNumber: each, at: new Date() }
    }))
    const told = async () => createStatusStore(test.database).find(asked)
    expect(await told()).toEqual([{ state: 'good' }, { state: 'good' }])
    await administration.compromise('right-g1', act)
    expect(await told()).toMatchObject([{ state: 'revoked', reason: 'cACompromise' }, { state: 'good' }])
    expect(await expectAgreement(test.database, authorityId)).toEqual(
      new Map([[toHex(serialNumber), 'cACompromise']])
    )
    const { number } = await making.read('right-g1')
    await making.step()
    expect(await revokedOf('left-g2')).toEqual([toHex(parseCertificate(crossDer).serialNumber)])
    expect((await making.read('right-g1')).number).toBe(number)
    expect(await making.crls().examine()).toEqual({ ok: true, detail: 'up to date' })
  })

  it('that is missing or near its end is a warning', async () => {
    const hours = 3_600_000
    const at = (ms: number) => openMaking({ ...issuing.core, clock: () => new Date(Date.now() + ms) }).crls()
    expect(await at(131 * hours).examine()).toMatchObject({ ok: true })
    const near = await at(133 * hours).examine()
    expect(near.ok).toBe(false)
    expect(near.detail).toContain('starter-g1')
    await administration.activate(await administration.create(selfSigned('late'), act), act)
    expect(await at(0).examine()).toMatchObject({ ok: true })
    expect(await at(2 * 60_000).examine()).toMatchObject({
      ok: false,
      detail: expect.stringContaining('late-g1 has no CRL') as string
    })
    await making.step()
    expect(await at(2 * 60_000).examine()).toMatchObject({ ok: true })
  })

  it('is missing since the generation was activated, however long it had been pending', async () => {
    const clock = () => new Date(Date.now() - 10 * 60_000)
    const earlier = createAuthorityServices(
      { ...issuing.core, clock },
      { listRegistrationGaps: async () => [] }
    )
    const name = await earlier.administration.create(selfSigned('pending'), act)
    await administration.activate(name, act)
    expect(await making.crls().examine()).toMatchObject({ ok: true })
    await making.step()
  })
})

it('measures each, but for one that is compromised, whose last one ends for good', async () => {
  const facts = await making.crls().measure()
  expect(facts.map(({ authority }) => authority).sort()).toEqual([
    'late-g1',
    'left-g1',
    'left-g2',
    'pending-g1',
    'starter-g1'
  ])
  expect(facts.find(({ authority }) => authority === 'left-g2')).toMatchObject({ entries: 1, lagSeconds: 0 })
})
