import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dueFor, ownJobMs } from '../../src/aws/registrations/runs/sweep.ts'
import { act } from '../support/authority-administration.ts'
import { builtChild } from '../support/program/program.ts'
import { jitp, jitr, openRegistering } from './registering.ts'

const child = builtChild(new URL('crash-child.ts', import.meta.url))

let place: Awaited<ReturnType<typeof openRegistering>>
let cloud: typeof place.cloud
let environment: typeof place.environment
let test: typeof place.test
let data: typeof place.data
let registering: typeof place.registering

beforeAll(async () => {
  place = await openRegistering()
  ;({ cloud, environment, test, data, registering } = place)
})

afterAll(() => place.stop())

/** Runs until the child has killed itself at the effect. */
async function crash(registrationId: string, effect: string, when: string): Promise<void> {
  const args = [child, test.connectionString, data.path, registrationId, effect, when]
  const running = spawn(process.execPath, args, { env: { ...process.env, ...environment }, stdio: 'inherit' })
  const [, signal] = (await once(running, 'close')) as [number | null, NodeJS.Signals | null]
  expect(signal).toBe('SIGKILL')
}

const stored = { ...jitp, templateName: 'devices' }
const effects = [
  'describeCa',
  'examineRole',
  'createTemplate',
  'getRegistrationCode',
  'insert',
  'sign',
  'record',
  'registerCa',
  'addStep',
  'putState'
]

let regions = 0

describe('a process that is killed', () => {
  it.concurrent.each(
    effects.flatMap(
      effect =>
        [
          [effect, 'before'],
          [effect, 'after']
        ] as const
    )
  )(
    'at %s, %s it, leaves what the next run completes, with one verification certificate',
    async (effect, when) => {
      const region = `eu-crash-${++regions}`
      const { id } = await registering.registrations.post('starter-g1', { ...stored, region }, act)
      await crash(id, effect, when)
      // The sweep finds it, whether its job was lost or not.
      const [left] = await registering.dependencies.store.list({ id })
      const isDone = effect === 'putState' && when === 'after'
      expect(dueFor(left!, 1, new Date(Date.now() + ownJobMs))).toBe(isDone ? undefined : 'reconcile')
      await registering.reconcile({ registrationId: id })

      const found = await registering.registrations.find('starter-g1', id)
      expect(found).toMatchObject({ state: 'registered', drift: [] })
      expect(
        found.steps.filter(({ step, outcome }) => step === 'register' && outcome === 'done')
      ).toHaveLength(1)
      const registry = cloud.registry.neighbour('111122223333', region)
      expect(registry.listCaCertificates()).toMatchObject([
        {
          status: 'ACTIVE',
          autoRegistrationStatus: 'ENABLE',
          registrationConfig: { templateName: 'devices' }
        }
      ])
      expect(registry.describeProvisioningTemplate('devices').versions).toHaveLength(1)
      const verifications = await test.database.prisma.awsVerification.findMany({
        where: { registrationId: id },
        include: { certificate: true }
      })
      expect(verifications.map(({ certificate }) => certificate !== null)).toEqual([true])
    }
  )

  it.concurrent.each(['before', 'after'])(
    'at an update, %s it, leaves what the next run completes',
    async when => {
      const region = `eu-crash-${++regions}`
      const { id } = await registering.registrations.post('starter-g1', { ...jitr, region }, act)
      await registering.reconcile({ registrationId: id })
      await registering.registrations.post('starter-g1', { ...stored, region }, act)
      await crash(id, 'updateCa', when)
      await registering.reconcile({ registrationId: id })
      expect(await registering.registrations.find('starter-g1', id)).toMatchObject({
        state: 'registered',
        version: 2,
        observed: { templateName: 'devices' }
      })
    }
  )
})
