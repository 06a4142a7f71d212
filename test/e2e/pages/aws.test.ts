import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { goodRole, standInEnvironment, startControlPlane } from '../../aws/registering.ts'
import { needs } from '../../support/needs/needs.ts'
import { openPage } from './page.ts'
import { type Following, startFollowing, type Terminal } from './terminal.ts'

const page = openPage('docs/aws.md')

let following: Following
let cloud: Awaited<ReturnType<typeof startControlPlane>>
let terminal: Terminal

const registrations = 'curl -sS "$api/v1/authorities/starter-g1/aws-registrations" -H "$admin"'

/** Until the only registration is so; what the list says of it then. */
async function waitFor(said: string): Promise<string> {
  await expect.poll(() => terminal.paste(registrations)).toContain(said)
  return terminal.paste(registrations)
}

describe('the commands of docs/aws.md', needs('curl', 'bash'), () => {
  beforeAll(async () => {
    cloud = await startControlPlane()
    // The role that the page names.
    cloud.registry.putRole({ ...goodRole, roleArn: 'arn:aws:iam::111122223333:role/device-provisioning' })
    following = await startFollowing(standInEnvironment(cloud.plane.url))
    terminal = following.terminal
  })

  afterAll(async () => {
    await following.stop()
    await cloud.plane.stop()
  })

  it('print what the role needs, and compare it with the role that there is', async () => {
    const [block] = page.commands('What is needed once')
    expect(await terminal.paste(block!)).toMatch(/iot:RegisterThing|iot:CreateThing/)
  })

  it('register the CA', async () => {
    const [register, standIn] = page.commands('Register')
    expect(await terminal.paste(register!)).toContain('"region":"eu-central-1"')
    await waitFor('"state":"registered"')
    // It is tried where it is described, with the article; here it runs already.
    expect(standIn).toBe('./mintline rehearse aws --region eu-central-1\n')
  })

  it('go back to the version before', async () => {
    const body = JSON.stringify({ ...starterProfile, description: 'a second version' })
    await terminal.paste(
      `curl -sS -X POST "$api/v1/profiles" -H "$admin" -H 'Content-Type: application/json' --data '${body}'`
    )
    const [block] = page.commands('A newer version of the profile')
    expect(await terminal.paste(block!)).toContain('"version":3')
  })

  it('look at AWS, and bring it to what is asked for', async () => {
    const id = /"id":"([^"]+)"/.exec(await waitFor('"state":"registered"'))![1]!
    const [block] = page.commands('States')
    expect((await terminal.paste(block!, id)).match(new RegExp(id, 'g'))!.length).toBeGreaterThanOrEqual(2)
    await waitFor('"state":"registered"')
  })

  it('are all tried, but for the one with a proxy', () => {
    expect(page.untried()).toEqual(['Behind a proxy'])
  })
})
