import { afterAll, beforeAll, expect, it } from 'vitest'
import { act } from '../../support/authority-administration.ts'
import { accountId, jitp, jitr, openRegistering } from '../registering.ts'

let place: Awaited<ReturnType<typeof openRegistering>>
let cloud: typeof place.cloud
let registering: typeof place.registering

beforeAll(async () => {
  place = await openRegistering()
  ;({ cloud, registering } = place)
})

afterAll(() => place.stop())

const logging = { roleArn: '', defaultLogLevel: 'ERROR', disableAllLogs: false }
const isTold = (texts: readonly string[]) => texts.some(text => text.includes('set-v2-logging-options'))
let regions = 0

const cases = {
  'were never set': { request: jitp, isWarned: true },
  'are disabled': { set: { ...logging, disableAllLogs: true }, request: jitp, isWarned: true },
  'are of the level DISABLED': {
    set: { ...logging, defaultLogLevel: 'DISABLED' },
    request: jitp,
    isWarned: true
  },
  'are on': { set: logging, request: jitp, isWarned: false },
  'were never set, where a rule of the account provisions': { request: jitr, isWarned: false }
}

it.each(Object.entries(cases))('logs that %s', async (_what, { request, isWarned, ...given }) => {
  const set = 'set' in given ? given.set : undefined
  const region = `eu-logs-${++regions}`
  if (set !== undefined) cloud.registry.neighbour(accountId, region).setLogging(set)
  const posted = await registering.registrations.post('starter-g1', { ...request, region }, act)
  expect(isTold(posted.warnings)).toBe(isWarned)
  await registering.runJobs()
  const { state, steps } = await registering.registrations.find('starter-g1', posted.id)
  expect(state).toBe('registered')
  expect(isTold(steps.filter(({ step }) => step === 'logs').map(({ detail }) => detail))).toBe(isWarned)
})

it('an account that may not be asked for its logs is registered without a warning of them', async () => {
  cloud.plane.setFaults({ deniedOperations: ['GetV2LoggingOptions'] })
  const region = `eu-logs-${++regions}`
  const posted = await registering.registrations.post('starter-g1', { ...jitp, region }, act)
  expect(isTold(posted.warnings)).toBe(false)
  await registering.runJobs()
  const { state, steps } = await registering.registrations.find('starter-g1', posted.id)
  expect(state).toBe('registered')
  expect(steps).toContainEqual(
    expect.objectContaining({ step: 'logs', detail: expect.stringContaining('Not compared') as string })
  )
})
