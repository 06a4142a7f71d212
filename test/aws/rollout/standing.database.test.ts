import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { act } from '../../support/authority-administration.ts'
import { accountId, jitp, openRegistering } from '../registering.ts'

let place: Awaited<ReturnType<typeof openRegistering>>
beforeAll(async () => {
  place = await openRegistering()
})
afterAll(() => place.stop())

const asked = { ...jitp, certificateMode: 'SNI_ONLY' as const }
const held = { ok: true, detail: 'AWS IoT holds what is asked for' }

async function ask(region: string, change: Partial<typeof asked> = {}) {
  const { registrations } = place.registering
  return registrations.post('starter-g1', { ...asked, region, ...change }, act)
}

describe('what is told of all registrations', () => {
  it('is that they are as asked for, also while one is still to be done', async () => {
    const { registrations, runJobs } = place.registering
    expect(await registrations.examine()).toEqual(held)
    await ask('eu-central-1')
    expect(await registrations.examine()).toEqual(held)
    await runJobs()
    expect(await registrations.examine()).toEqual(held)
  })

  it('names one that is not, until something else is asked for', async () => {
    const { registrations, check, runJobs } = place.registering
    const { id, caCertificateId } = await ask('eu-west-1')
    await runJobs()
    place.cloud.registry
      .neighbour(accountId, 'eu-west-1')
      .updateCaCertificate(caCertificateId, { status: 'INACTIVE' })
    await check({ registrationId: id })
    expect(await registrations.examine()).toEqual({
      ok: false,
      detail: expect.stringMatching(/^starter-g1 in eu-west-1 is drifted\. GET /) as string
    })
    await ask('eu-west-1', { allowAutoRegistration: false })
    expect(await registrations.examine()).toEqual(held)
    await runJobs()
    expect(await registrations.examine()).toEqual(held)
  })

  it('names a few of many', async () => {
    const { registrations, runJobs } = place.registering
    for (let region = 1; region <= 5; region++) await ask(`eu-many-${region}`)
    await runJobs()
    await place.test.database.prisma.awsRegistrationState.updateMany({ data: { state: 'failed' } })
    const { ok, detail } = await registrations.examine()
    expect([ok, detail.match(/is failed/g)?.length, /and 2 more/.test(detail)]).toEqual([false, 5, true])
  })
})
