import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runMintline } from '../cli/mintline.ts'
import { goodRole, roleArn, standInEnvironment, startControlPlane } from './registering.ts'

const template = 'test/fixtures/templates/recommended.json'
let cloud: Awaited<ReturnType<typeof startControlPlane>>

beforeAll(async () => {
  cloud = await startControlPlane()
})
afterAll(() => cloud.plane.stop())

interface Printed {
  readonly permissionPolicy: { readonly Statement: readonly { readonly Action: readonly string[] }[] }
  readonly role?: { readonly drift: readonly { readonly field: string; readonly expected: string }[] }
}

const run = async (...args: string[]) => {
  const ended = await runMintline(
    ['aws', 'required-actions', template, '--json', ...args],
    standInEnvironment(cloud.plane.url)
  )
  return { ...ended, printed: JSON.parse(ended.output) as Printed }
}

describe('mintline aws required-actions', () => {
  it('prints policies that make a role without fault', async () => {
    const { exitCode, printed } = await run()
    expect(exitCode).toBe(0)
    const permissions = JSON.stringify(printed.permissionPolicy)
    const own = `${roleArn}-printed`
    cloud.registry.putRole({ ...goodRole, roleArn: own, attachedPolicyArns: [], policies: { permissions } })
    expect(await run('--role-arn', own)).toMatchObject({
      exitCode: 0,
      printed: { role: { drift: [], notes: [] } }
    })
  })

  it('exits with 1 for a role that no device could be provisioned with', async () => {
    const own = `${roleArn}-empty`
    cloud.registry.putRole({ ...goodRole, roleArn: own, attachedPolicyArns: [] })
    const { exitCode, printed } = await run('--role-arn', own)
    expect(exitCode).toBe(1)
    expect(printed.role?.drift).toContainEqual({
      field: 'role.actions',
      expected: 'iot:CreateThing',
      found: 'not allowed'
    })
  })

  it.each([
    [['aws']],
    [['aws', 'required-actions']],
    [['aws', 'required-actions', 'no-such-file']],
    [['aws', 'required-actions', template, '--role-arn', 'admin']]
  ])('exits with 2 for %j', async args => {
    expect((await runMintline(args)).exitCode).toBe(2)
  })
})
