import { randomBytes } from 'node:crypto'
import {
  AttachPolicyCommand,
  CreatePolicyCommand,
  CreateThingGroupCommand,
  DeleteConflictException,
  DeletePolicyCommand,
  DetachPolicyCommand,
  GetPolicyCommand,
  InvalidRequestException,
  type IoTClient,
  LimitExceededException,
  ListAttachedPoliciesCommand,
  ListPoliciesCommand,
  ListTargetsForPolicyCommand,
  MalformedPolicyException,
  paginateListAttachedPolicies,
  ResourceAlreadyExistsException,
  ResourceNotFoundException
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  accountId,
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

async function createPolicy(document = policyDocument): Promise<string> {
  const policyName = `p+=,.@-${randomBytes(6).toString('hex')}`
  await client.send(new CreatePolicyCommand({ policyName, policyDocument: document }))
  return policyName
}

describe('creating a policy', () => {
  it('keeps the document as it was given', async () => {
    const document = `  ${policyDocument}\n`
    const policyName = await createPolicy(document)
    expect(await client.send(new GetPolicyCommand({ policyName }))).toMatchObject({
      policyName,
      policyArn: `arn:aws:iot:eu-west-1:${accountId}:policy/${policyName}`,
      policyDocument: document,
      defaultVersionId: '1',
      creationDate: expect.any(Date) as Date
    })
  })

  it('is refused for a name that is taken, even with the same document', async () => {
    const policyName = await createPolicy()
    const refusal = await client
      .send(new CreatePolicyCommand({ policyName, policyDocument }))
      .catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ResourceAlreadyExistsException)
    expect(refusal).toMatchObject({ resourceId: policyName })
  })

  const statement = { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }
  const documentOf = (statements: object, version = '2012-10-17') =>
    JSON.stringify({ Version: version, Statement: statements })

  it.each([
    ['no JSON', 'Allow'],
    ['a list', '[]'],
    ['no version', JSON.stringify({ Statement: [statement] })],
    ['another version', documentOf([statement], '2020-01-01')],
    ['no statement', documentOf([])],
    ['an unknown effect', documentOf({ ...statement, Effect: 'allow' })],
    ['no action', documentOf({ ...statement, Action: undefined })],
    ['no resource', documentOf({ ...statement, Resource: [] })],
    ['2049 characters', documentOf({ ...statement, Resource: 'r'.repeat(1957) })]
  ])('is refused for %s', async (_, document) => {
    await expect(createPolicy(document)).rejects.toBeInstanceOf(MalformedPolicyException)
  })

  it('does not count white space', async () => {
    const document = documentOf({ ...statement, Resource: 'r'.repeat(1956) })
    expect(document).toHaveLength(2048)
    await createPolicy(document.replace('{', `{${' '.repeat(5000)}`))
  })

  it('is refused for a name that is none', async () => {
    const command = new CreatePolicyCommand({ policyName: 'a b', policyDocument })
    await expect(client.send(command)).rejects.toBeInstanceOf(InvalidRequestException)
  })
})

describe('attaching a policy', () => {
  it('shows from both sides, though the ARN in the path has slashes and colons', async () => {
    const policyName = await createPolicy()
    const { certificateArn: target } = await registerDevice(client)
    await client.send(new AttachPolicyCommand({ policyName, target }))
    await client.send(new AttachPolicyCommand({ policyName, target }))
    const attached = await client.send(new ListAttachedPoliciesCommand({ target }))
    expect(attached.policies?.map(policy => policy.policyName)).toEqual([policyName])
    const { targets } = await client.send(new ListTargetsForPolicyCommand({ policyName }))
    expect(targets).toEqual([target])
    const deletion = new DeletePolicyCommand({ policyName })
    await expect(client.send(deletion)).rejects.toBeInstanceOf(DeleteConflictException)
    await client.send(new DetachPolicyCommand({ policyName, target }))
    expect((await client.send(new ListAttachedPoliciesCommand({ target }))).policies).toEqual([])
    await client.send(deletion)
    await expect(client.send(new GetPolicyCommand({ policyName }))).rejects.toBeInstanceOf(
      ResourceNotFoundException
    )
  })

  it('is possible ten times for one certificate', async () => {
    const { certificateArn: target } = await registerDevice(client)
    const names: string[] = []
    for (let count = 0; count < 10; count++) names.push(await createPolicy())
    for (const policyName of names) await client.send(new AttachPolicyCommand({ policyName, target }))
    const eleventh = new AttachPolicyCommand({ policyName: await createPolicy(), target })
    await expect(client.send(eleventh)).rejects.toBeInstanceOf(LimitExceededException)
    const listed: string[] = []
    for await (const page of paginateListAttachedPolicies({ client, pageSize: 4 }, { target }))
      listed.push(...page.policies!.map(policy => policy.policyName!))
    expect(listed).toEqual(names.toSorted())
  })

  it('to a group is inherited by the groups below', async () => {
    const policyName = await createPolicy()
    await client.send(new CreateThingGroupCommand({ thingGroupName: 'plant' }))
    const { thingGroupArn: target } = await client.send(
      new CreateThingGroupCommand({ thingGroupName: 'line', parentGroupName: 'plant' })
    )
    const parentArn = target!.replace(/line$/, 'plant')
    await client.send(new AttachPolicyCommand({ policyName, target: parentArn }))
    const own = await client.send(new ListAttachedPoliciesCommand({ target }))
    expect(own.policies).toEqual([])
    const all = await client.send(new ListAttachedPoliciesCommand({ target, recursive: true }))
    expect(all.policies).toMatchObject([{ policyName }])
  })

  it('needs a policy and a target that are there', async () => {
    const policyName = await createPolicy()
    const { certificateArn: target } = await registerDevice(client)
    for (const [input, error] of [
      [{ policyName: 'absent', target }, ResourceNotFoundException],
      [{ policyName, target: target.replace(/.{64}$/, '0'.repeat(64)) }, ResourceNotFoundException],
      [{ policyName, target: 'arn:aws:iam::111122223333:role/x' }, InvalidRequestException]
    ] as const)
      await expect(client.send(new AttachPolicyCommand(input))).rejects.toBeInstanceOf(error)
  })
})

describe('listing policies', () => {
  it('gives the newest first', async () => {
    const first = await createPolicy()
    await new Promise(resolve => setTimeout(resolve, 2))
    const second = await createPolicy()
    const newest = await client.send(new ListPoliciesCommand({ pageSize: 2 }))
    expect(newest.policies?.map(({ policyName }) => policyName)).toEqual([second, first])
  })
})
