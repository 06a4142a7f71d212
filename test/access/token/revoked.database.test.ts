import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Act } from '../../../src/audit/audit-event.ts'
import { createRegistrations } from '../../../src/aws/registrations/registration.ts'
import { createAuthorityServices } from '../../../src/composition/authority-services.ts'
import { createIssuancePath } from '../../../src/composition/issuance-path.ts'
import { createRegistrationParts } from '../../../src/composition/registration-parts.ts'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { createEvents } from '../../../src/events/events.ts'
import { createOutboxStore } from '../../../src/events/outbox-store.ts'
import { createSetAsideStore } from '../../../src/events/set-aside-store.ts'
import { createVoidStore } from '../../../src/issuance/ends/void-store.ts'
import { createVoiding } from '../../../src/issuance/ends/voiding.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { type HttpService, openService } from '../../http/service.ts'
import { selfSigned } from '../../support/authority-administration.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { createTestCore, type TestCore } from '../../support/core.ts'
import { administrator } from '../../support/issuing.ts'

let service: HttpService
let core: TestCore
/** As of a request that was let in before its token was revoked. */
let act: Act & { readonly reason: string }

beforeAll(async () => {
  service = await openService()
  core = createTestCore(service.database, service.dataDirectory)
  const { token } = await core.tokens.create({ role: 'admin', name: 'gone' }, administrator)
  await core.tokens.revoke(token.id, administrator)
  act = { actor: 'admin/gone', tokenId: token.id, reason: 'too late' }
})
afterAll(() => service.stop())

const authorities = () =>
  createAuthorityServices(core, { listRegistrationGaps: async () => [] }).administration

const registrations = () =>
  createRegistrations({
    ...createRegistrationParts(core),
    accesses: {
      async open() {
        throw new MintlineError('aws_unavailable', 'There is no AWS here.')
      }
    },
    jobs: { send: async () => undefined }
  })

const events = () =>
  createEvents({
    ...core,
    outbox: createOutboxStore(service.database),
    setAside: createSetAsideStore(service.database),
    jobs: { send: async () => undefined, list: async () => ({ items: [], nextCursor: undefined }) },
    isEnabled: true,
    overdueMs: 1
  })

async function setAside(): Promise<string> {
  const [recordId, dueAt] = [crypto.randomUUID(), new Date(Date.now() + 3_600_000)]
  await service.database.prisma.outgoingEvent.create({
    data: { type: 'mintline.issuance.issued', recordId, refusals: 1, dueAt, setAsideAt: new Date() }
  })
  return recordId
}

const place = {
  region: 'eu-central-1',
  certificateMode: 'SNI_ONLY',
  setAsActive: true,
  allowAutoRegistration: false
} as const

const acts: Readonly<Record<string, () => Promise<unknown>>> = {
  'an authority that is made': () => authorities().create(selfSigned('late'), act),
  'an authority whose state changes': () => authorities().compromise('starter-g1', act),
  'a profile that is posted': () => core.profiles.post({ ...starterProfile, name: 'late' }, act),
  'a registration that is asked for': () => registrations().post('starter-g1', place, act),
  'a registration that is synchronised': async () => {
    const { id } = await registrations().post('starter-g1', place, administrator)
    await registrations().sync('starter-g1', id, act)
  },
  'an intent that is declared void': async () => {
    const { records } = createIssuancePath(core, core.stops)
    const voiding = createVoiding({ ...core, store: createVoidStore(service.database), records })
    await voiding.declareVoid(await service.leaveOpen(), act)
  },
  'an event that is to be sent again': async () => events().deliverOne(await setAside(), act),
  'all events that are to be sent again': async () => {
    await setAside()
    await events().deliver(act)
  }
}

it.each(Object.entries(acts))('%s is refused in its own transaction', async (_, perform) => {
  await core.authorities.refresh()
  const counts = async () => {
    const { prisma } = service.database
    return [
      await prisma.authorityCertificateIntent.count(),
      await prisma.profileVersion.count(),
      await prisma.void.count(),
      await prisma.outgoingEvent.count({ where: { dueAt: { lt: new Date() } } })
    ]
  }
  const before = await counts()
  await expect(perform()).rejects.toMatchObject({ code: 'token_invalid' })
  expect(await counts()).toEqual(before)
  expect(await service.database.prisma.auditEvent.count({ where: { actor: 'admin/gone' } })).toBe(0)
})

it('a refusal leaves nothing behind', async () => {
  const { issuance } = createIssuancePath(core, core.stops)
  const station = { tokenId: act.tokenId!, name: 'gone', role: 'station' as const }
  const asked = { profile: 'starter', metadata: {}, station, requestId: 'late' }
  const before = await service.countRecords()
  const refusals = ['no CSR', 'none either'].map(text => issuance.issue({ ...asked, csr: Buffer.from(text) }))
  for (const refusal of refusals) await expect(refusal).rejects.toMatchObject({ code: 'token_invalid' })
  const issued = issuance.issue({
    ...asked,
    csr: makeCertificationRequest({ Country: 'US', CommonName: 'late' })
  })
  await expect(issued).rejects.toMatchObject({ code: 'token_invalid' })
  expect(await service.countRecords()).toBe(before)
})
