import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachPrincipalPolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateThingCommand,
  CreateThingGroupCommand,
  DeleteConflictException,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DetachPrincipalPolicyCommand,
  GetEffectivePoliciesCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  InvalidRequestException,
  type IoTClient,
  ListPolicyPrincipalsCommand,
  ListPolicyVersionsCommand,
  ListPrincipalPoliciesCommand,
  MalformedPolicyException,
  ResourceNotFoundException,
  SetDefaultPolicyVersionCommand,
  VersionsLimitExceededException
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ControlPlaneRehearsal,
  policyDocument,
  registerDevice,
  startControlPlane
} from './control-plane-rehearsal.ts'

let rehearsal: ControlPlaneRehearsal
let client: IoTClient

beforeAll(async () => {
  rehearsal = await startControlPlane()
  client = rehearsal.client
})
afterAll(() => rehearsal[Symbol.asyncDispose]())

const other = policyDocument.replace('iot:Connect', 'iot:Publish')

async function createPolicy(policyName: string): Promise<string> {
  await client.send(new CreatePolicyCommand({ policyName, policyDocument }))
  return policyName
}

const addVersion = (policyName: string, setAsDefault?: boolean) =>
  client.send(new CreatePolicyVersionCommand({ policyName, policyDocument: other, setAsDefault }))

async function versionsOf(policyName: string): Promise<readonly string[]> {
  const { policyVersions = [] } = await client.send(new ListPolicyVersionsCommand({ policyName }))
  return policyVersions.map(
    ({ versionId = '', isDefaultVersion }) => versionId + (isDefaultVersion ? '*' : '')
  )
}

describe('a version of a policy', () => {
  it('is in force from when it is made the default one', async () => {
    const policyName = await createPolicy('versions')
    expect(await addVersion(policyName)).toMatchObject({ policyVersionId: '2', isDefaultVersion: false })
    expect(await versionsOf(policyName)).toEqual(['1*', '2'])
    const inForce = async () => (await client.send(new GetPolicyCommand({ policyName }))).policyDocument
    expect(await inForce()).toBe(policyDocument)
    await client.send(new SetDefaultPolicyVersionCommand({ policyName, policyVersionId: '2' }))
    expect(await inForce()).toBe(other)
    expect(rehearsal.registry.getPolicy(policyName).policyDocument).toBe(other)
    expect(await addVersion(policyName, true)).toMatchObject({ policyVersionId: '3', isDefaultVersion: true })
    const first = await client.send(new GetPolicyVersionCommand({ policyName, policyVersionId: '1' }))
    expect(first).toMatchObject({ policyName, policyDocument, isDefaultVersion: false })
  })

  it('is one of five, whose numbers are not given again', async () => {
    const policyName = await createPolicy('five')
    for (let count = 2; count <= 5; count++) await addVersion(policyName)
    await expect(addVersion(policyName)).rejects.toBeInstanceOf(VersionsLimitExceededException)
    await client.send(new DeletePolicyVersionCommand({ policyName, policyVersionId: '5' }))
    await addVersion(policyName)
    expect(await versionsOf(policyName)).toEqual(['1*', '2', '3', '4', '6'])
  })

  it('is not deleted while it is the default one, nor its policy before the others are', async () => {
    const policyName = await createPolicy('kept')
    await addVersion(policyName)
    const remove = (policyVersionId: string) =>
      client.send(new DeletePolicyVersionCommand({ policyName, policyVersionId }))
    await expect(remove('1')).rejects.toBeInstanceOf(DeleteConflictException)
    await expect(remove('7')).rejects.toBeInstanceOf(ResourceNotFoundException)
    await expect(client.send(new DeletePolicyCommand({ policyName }))).rejects.toBeInstanceOf(
      DeleteConflictException
    )
    await remove('2')
    await client.send(new DeletePolicyCommand({ policyName }))
  })

  it('must be a policy', async () => {
    const policyName = await createPolicy('malformed')
    await expect(
      client.send(new CreatePolicyVersionCommand({ policyName, policyDocument: '{}' }))
    ).rejects.toBeInstanceOf(MalformedPolicyException)
  })
})

describe('the policies of a principal', () => {
  it('are attached, listed and detached by the operations of old', async () => {
    const policyName = await createPolicy('principals')
    const { certificateArn: principal } = await registerDevice(client)
    await client.send(new AttachPrincipalPolicyCommand({ policyName, principal }))
    const { policies } = await client.send(new ListPrincipalPoliciesCommand({ principal }))
    expect(policies?.map(policy => policy.policyName)).toEqual([policyName])
    const { principals } = await client.send(new ListPolicyPrincipalsCommand({ policyName }))
    expect(principals).toEqual([principal])
    await client.send(new DetachPrincipalPolicyCommand({ policyName, principal }))
    expect((await client.send(new ListPrincipalPoliciesCommand({ principal }))).policies).toEqual([])
  })

  it('are in effect with those of the groups of the thing', async () => {
    const own = await createPolicy('effective-own')
    const ofGroup = await createPolicy('effective-group')
    const { certificateArn: principal } = await registerDevice(client)
    await client.send(new AttachPolicyCommand({ policyName: own, target: principal }))
    const { thingGroupArn: target } = await client.send(
      new CreateThingGroupCommand({ thingGroupName: 'effective' })
    )
    await client.send(new AttachPolicyCommand({ policyName: ofGroup, target }))
    await client.send(new CreateThingCommand({ thingName: 'unit-1' }))
    await client.send(new AddThingToThingGroupCommand({ thingName: 'unit-1', thingGroupName: 'effective' }))
    const effective = async (input: { principal?: string; thingName?: string }) =>
      (await client.send(new GetEffectivePoliciesCommand(input))).effectivePolicies?.map(policy => [
        policy.policyName,
        policy.policyDocument
      ])
    expect(await effective({ principal })).toEqual([[own, policyDocument]])
    expect(await effective({ principal, thingName: 'unit-1' })).toEqual([
      [own, policyDocument],
      [ofGroup, policyDocument]
    ])
    await expect(effective({})).rejects.toBeInstanceOf(InvalidRequestException)
    await expect(effective({ thingName: 'nobody' })).rejects.toBeInstanceOf(ResourceNotFoundException)
  })
})
