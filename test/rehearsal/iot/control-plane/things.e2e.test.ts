import { randomBytes } from 'node:crypto'
import {
  AddThingToBillingGroupCommand,
  AddThingToThingGroupCommand,
  AttachThingPrincipalCommand,
  CreateBillingGroupCommand,
  CreateThingCommand,
  type CreateThingCommandInput,
  CreateThingGroupCommand,
  CreateThingTypeCommand,
  DeleteThingCommand,
  DescribeBillingGroupCommand,
  DescribeThingCommand,
  DescribeThingGroupCommand,
  DescribeThingTypeCommand,
  DetachThingPrincipalCommand,
  InvalidRequestException,
  type IoTClient,
  ListBillingGroupsCommand,
  ListPrincipalThingsCommand,
  ListPrincipalThingsV2Command,
  ListThingGroupsCommand,
  ListThingGroupsForThingCommand,
  ListThingPrincipalsCommand,
  ListThingPrincipalsV2Command,
  ListThingsCommand,
  ListThingTypesCommand,
  paginateListThings,
  RemoveThingFromBillingGroupCommand,
  RemoveThingFromThingGroupCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  UpdateThingCommand,
  UpdateThingGroupsForThingCommand,
  VersionConflictException
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  accountId,
  type ControlPlaneRehearsal,
  registerDevice,
  startControlPlane
} from './control-plane-rehearsal.ts'

let rehearsal: ControlPlaneRehearsal
let client: IoTClient

beforeAll(async () => {
  rehearsal = await startControlPlane()
  client = rehearsal.client
  await client.send(new CreateThingTypeCommand({ thingTypeName: 'sensor' }))
  await client.send(new CreateBillingGroupCommand({ billingGroupName: 'plant' }))
})

afterAll(() => rehearsal[Symbol.asyncDispose]())

const newName = () => `n-${randomBytes(6).toString('hex')}`
const arnOf = (path: string) => `arn:aws:iot:eu-west-1:${accountId}:${path}`
const describeThing = (thingName: string) => client.send(new DescribeThingCommand({ thingName }))
const attributesOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, 'x']))

async function createThing(input: Partial<CreateThingCommandInput> = {}): Promise<string> {
  const { thingName } = await client.send(new CreateThingCommand({ thingName: newName(), ...input }))
  return thingName!
}

async function createGroup(parentGroupName?: string): Promise<string> {
  const thingGroupName = newName()
  await client.send(new CreateThingGroupCommand({ thingGroupName, parentGroupName }))
  return thingGroupName
}

describe('creating a thing', () => {
  const full = {
    thingName: 'unit:1',
    thingTypeName: 'sensor',
    billingGroupName: 'plant',
    attributePayload: { attributes: { line: 'A7', site: 'x@y[1]=/#' } }
  }

  it('again with the same members answers with the same thing', async () => {
    const { thingArn, thingId } = await client.send(new CreateThingCommand(full))
    expect(thingArn).toBe(arnOf('thing/unit:1'))
    expect(await client.send(new CreateThingCommand(full))).toMatchObject({ thingArn, thingId })
    const description = await describeThing('unit:1')
    expect(description).toMatchObject({
      thingName: 'unit:1',
      defaultClientId: 'unit:1',
      thingArn,
      thingId,
      thingTypeName: 'sensor',
      billingGroupName: 'plant',
      attributes: full.attributePayload.attributes,
      version: 1
    })
  })

  it('again with other members is refused', async () => {
    const thingName = await createThing()
    const refusal = await client
      .send(new CreateThingCommand({ thingName, thingTypeName: 'sensor' }))
      .catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ResourceAlreadyExistsException)
    expect(refusal).toMatchObject({ resourceId: thingName, resourceArn: arnOf(`thing/${thingName}`) })
  })

  it.each<
    [
      string,
      Partial<CreateThingCommandInput>,
      typeof InvalidRequestException | typeof ResourceNotFoundException
    ]
  >([
    ['a name with a dot', { thingName: 'a.b' }, InvalidRequestException],
    ['a name with a slash', { thingName: 'a/b' }, InvalidRequestException],
    ['a name of 129 characters', { thingName: 'n'.repeat(129) }, InvalidRequestException],
    ['a value with a space', { attributePayload: { attributes: { a: 'b c' } } }, InvalidRequestException],
    [
      'a value of 801 characters',
      { attributePayload: { attributes: { a: 'b'.repeat(801) } } },
      InvalidRequestException
    ],
    [
      'a name of an attribute with a space',
      { attributePayload: { attributes: { 'a b': 'c' } } },
      InvalidRequestException
    ],
    [
      'four attributes and no type',
      { attributePayload: { attributes: attributesOf(4) } },
      InvalidRequestException
    ],
    [
      '51 attributes',
      { thingTypeName: 'sensor', attributePayload: { attributes: attributesOf(51) } },
      InvalidRequestException
    ],
    ['a type that is not there', { thingTypeName: 'absent' }, ResourceNotFoundException],
    ['a billing group that is not there', { billingGroupName: 'absent' }, ResourceNotFoundException]
  ])('with %s is refused', async (_, input, error) => {
    await expect(createThing(input)).rejects.toBeInstanceOf(error)
  })

  it('takes what is just within the limits', async () => {
    await createThing({ thingName: 'n'.repeat(128), attributePayload: { attributes: attributesOf(3) } })
    await createThing({ thingTypeName: 'sensor', attributePayload: { attributes: attributesOf(50) } })
  })
})

describe('updating a thing', () => {
  it('replaces or merges the attributes, and counts the versions', async () => {
    const thingName = await createThing({ attributePayload: { attributes: { a: '1', b: '2' } } })
    const updateAttributes = (attributes: Record<string, string>, merge: boolean) =>
      client.send(new UpdateThingCommand({ thingName, attributePayload: { attributes, merge } }))
    await updateAttributes({ b: '3', c: '4' }, true)
    expect((await describeThing(thingName)).attributes).toEqual({ a: '1', b: '3', c: '4' })
    await updateAttributes({ a: '' }, true)
    expect((await describeThing(thingName)).attributes).toEqual({ b: '3', c: '4' })
    await updateAttributes({ d: '5' }, false)
    expect(await describeThing(thingName)).toMatchObject({ attributes: { d: '5' }, version: 4 })
  })

  it('gives a type and takes it away, if the attributes allow it', async () => {
    const thingName = await createThing()
    await client.send(new UpdateThingCommand({ thingName, thingTypeName: 'sensor' }))
    expect((await describeThing(thingName)).thingTypeName).toBe('sensor')
    const attributePayload = { attributes: attributesOf(4) }
    await client.send(new UpdateThingCommand({ thingName, attributePayload }))
    const removal = { thingName, removeThingType: true }
    await expect(client.send(new UpdateThingCommand(removal))).rejects.toBeInstanceOf(InvalidRequestException)
    await client.send(new UpdateThingCommand({ ...removal, attributePayload: { attributes: {} } }))
    expect((await describeThing(thingName)).thingTypeName).toBeUndefined()
  })

  it('refuses another version, a type that is given and removed, an absent type and an absent thing', async () => {
    const thingName = await createThing()
    for (const [input, error] of [
      [{ thingName, expectedVersion: 2 }, VersionConflictException],
      [{ thingName, thingTypeName: 'sensor', removeThingType: true }, InvalidRequestException],
      [{ thingName, thingTypeName: 'absent' }, ResourceNotFoundException],
      [{ thingName: 'absent' }, ResourceNotFoundException]
    ] as const)
      await expect(client.send(new UpdateThingCommand(input))).rejects.toBeInstanceOf(error)
    await client.send(new UpdateThingCommand({ thingName, expectedVersion: 1 }))
  })
})

describe('listing and deleting things', () => {
  it('lists them by name, page by page, and by attribute or type', async () => {
    const there = rehearsal.createClient({ region: 'ap-northeast-1' })
    await there.send(new CreateThingTypeCommand({ thingTypeName: 'gateway' }))
    for (let number = 1; number <= 5; number++)
      await there.send(
        new CreateThingCommand({
          thingName: `thing-${number}`,
          ...(number === 5 ? { thingTypeName: 'gateway' } : {}),
          attributePayload: { attributes: { line: `A${number}` } }
        })
      )
    const names: string[] = []
    for await (const page of paginateListThings({ client: there, pageSize: 2 }, {}))
      names.push(...page.things!.map(({ thingName }) => thingName!))
    expect(names).toEqual(['thing-1', 'thing-2', 'thing-3', 'thing-4', 'thing-5'])
    for (const [input, expected] of [
      [{ attributeName: 'line', attributeValue: 'A2' }, ['thing-2']],
      [
        { attributeName: 'line', attributeValue: 'A', usePrefixAttributeValue: true, maxResults: 1 },
        ['thing-1']
      ],
      [{ attributeName: 'absent' }, []],
      [{ thingTypeName: 'gateway' }, ['thing-5']]
    ] as const) {
      const { things } = await there.send(new ListThingsCommand(input))
      expect(things?.map(({ thingName }) => thingName)).toEqual(expected)
    }
  })

  it('deletes one that has no principal, and does not mind one that is not there', async () => {
    const thingName = await createThing()
    const { certificateArn: principal } = await registerDevice(client)
    await client.send(new AttachThingPrincipalCommand({ thingName, principal }))
    const deletion = new DeleteThingCommand({ thingName })
    await expect(client.send(deletion)).rejects.toBeInstanceOf(InvalidRequestException)
    await client.send(new DetachThingPrincipalCommand({ thingName, principal }))
    await expect(
      client.send(new DeleteThingCommand({ thingName, expectedVersion: 7 }))
    ).rejects.toBeInstanceOf(VersionConflictException)
    await client.send(deletion)
    await client.send(deletion)
    await expect(describeThing(thingName)).rejects.toBeInstanceOf(ResourceNotFoundException)
  })
})

describe('the principals of a thing', () => {
  const attach = (thingName: string, principal: string, thingPrincipalType?: 'EXCLUSIVE_THING') =>
    client.send(new AttachThingPrincipalCommand({ thingName, principal, thingPrincipalType }))

  it('are attached once and found from both sides', async () => {
    const thingName = await createThing()
    const { certificateArn: principal } = await registerDevice(client)
    await attach(thingName, principal)
    await attach(thingName, principal)
    const nonExclusive = { thingPrincipalType: 'NON_EXCLUSIVE_THING' }
    expect((await client.send(new ListThingPrincipalsCommand({ thingName }))).principals).toEqual([principal])
    expect(
      (await client.send(new ListThingPrincipalsV2Command({ thingName }))).thingPrincipalObjects
    ).toEqual([{ principal, ...nonExclusive }])
    expect((await client.send(new ListPrincipalThingsCommand({ principal }))).things).toEqual([thingName])
    expect(
      (await client.send(new ListPrincipalThingsV2Command({ principal }))).principalThingObjects
    ).toEqual([{ thingName, ...nonExclusive }])
    const exclusive = { thingName, thingPrincipalType: 'EXCLUSIVE_THING' } as const
    expect((await client.send(new ListThingPrincipalsV2Command(exclusive))).thingPrincipalObjects).toEqual([])
    await client.send(new DetachThingPrincipalCommand({ thingName, principal }))
    expect((await client.send(new ListThingPrincipalsCommand({ thingName }))).principals).toEqual([])
  })

  it('are exclusive or shared, not both', async () => {
    const [one, other] = [await createThing(), await createThing()]
    const { certificateArn: exclusive } = await registerDevice(client)
    await attach(one, exclusive, 'EXCLUSIVE_THING')
    await expect(attach(other, exclusive)).rejects.toBeInstanceOf(InvalidRequestException)
    await expect(attach(one, exclusive)).rejects.toBeInstanceOf(InvalidRequestException)
    const { certificateArn: shared } = await registerDevice(client)
    await attach(one, shared)
    await attach(other, shared)
    await expect(attach(await createThing(), shared, 'EXCLUSIVE_THING')).rejects.toBeInstanceOf(
      InvalidRequestException
    )
  })

  it('are certificates that are there, on things that are there', async () => {
    const thingName = await createThing()
    const { certificateArn } = await registerDevice(client)
    const absent = arnOf(`cert/${'0'.repeat(64)}`)
    await expect(attach('absent', certificateArn)).rejects.toBeInstanceOf(ResourceNotFoundException)
    await expect(attach(thingName, absent)).rejects.toBeInstanceOf(ResourceNotFoundException)
    await expect(attach(thingName, certificateArn.replace('eu-west-1', 'eu-west-2'))).rejects.toBeInstanceOf(
      ResourceNotFoundException
    )
    await expect(attach(thingName, 'arn:aws:iot:x')).rejects.toBeInstanceOf(InvalidRequestException)
    await expect(client.send(new ListPrincipalThingsCommand({ principal: absent }))).rejects.toBeInstanceOf(
      ResourceNotFoundException
    )
  })
})

describe('thing types and billing groups', () => {
  it('describe what was made, which is made again only if it is the same', async () => {
    const thingTypeName = newName()
    const properties = { thingTypeDescription: 'made here', searchableAttributes: ['line'] }
    const command = new CreateThingTypeCommand({ thingTypeName, thingTypeProperties: properties })
    const { thingTypeId, thingTypeArn } = await client.send(command)
    expect(thingTypeArn).toBe(arnOf(`thingtype/${thingTypeName}`))
    expect((await client.send(command)).thingTypeId).toBe(thingTypeId)
    expect(await client.send(new DescribeThingTypeCommand({ thingTypeName }))).toMatchObject({
      thingTypeId,
      thingTypeArn,
      thingTypeProperties: properties,
      thingTypeMetadata: { deprecated: false, creationDate: expect.any(Date) as Date }
    })
    const { thingTypes } = await client.send(new ListThingTypesCommand({ thingTypeName }))
    expect(thingTypes).toMatchObject([{ thingTypeName, thingTypeArn }])
    await expect(client.send(new CreateThingTypeCommand({ thingTypeName }))).rejects.toBeInstanceOf(
      ResourceAlreadyExistsException
    )
    await expect(
      client.send(new DescribeThingTypeCommand({ thingTypeName: 'absent' }))
    ).rejects.toBeInstanceOf(ResourceNotFoundException)
  })

  it('hold a thing in one billing group at most', async () => {
    const [thingName, billingGroupName] = [await createThing(), newName()]
    const billingGroupProperties = { billingGroupDescription: 'night shift' }
    const { billingGroupArn, billingGroupId } = await client.send(
      new CreateBillingGroupCommand({ billingGroupName, billingGroupProperties })
    )
    expect(await client.send(new DescribeBillingGroupCommand({ billingGroupName }))).toMatchObject({
      billingGroupArn,
      billingGroupId,
      billingGroupProperties
    })
    const { billingGroups } = await client.send(
      new ListBillingGroupsCommand({ namePrefixFilter: billingGroupName })
    )
    expect(billingGroups).toEqual([{ groupName: billingGroupName, groupArn: billingGroupArn }])
    await client.send(
      new AddThingToBillingGroupCommand({ billingGroupArn, thingArn: arnOf(`thing/${thingName}`) })
    )
    expect((await describeThing(thingName)).billingGroupName).toBe(billingGroupName)
    const second = { billingGroupName: 'plant', thingName }
    await expect(client.send(new AddThingToBillingGroupCommand(second))).rejects.toBeInstanceOf(
      InvalidRequestException
    )
    await client.send(new RemoveThingFromBillingGroupCommand({ billingGroupName, thingName }))
    await client.send(new AddThingToBillingGroupCommand(second))
    expect((await describeThing(thingName)).billingGroupName).toBe('plant')
    for (const absent of [
      { ...second, billingGroupName: 'absent' },
      { ...second, thingName: 'absent' }
    ])
      await expect(client.send(new AddThingToBillingGroupCommand(absent))).rejects.toBeInstanceOf(
        ResourceNotFoundException
      )
  })
})

describe('thing groups', () => {
  const add = (thingGroupName: string, thingName: string) =>
    client.send(new AddThingToThingGroupCommand({ thingGroupName, thingName }))
  const groupsOf = async (thingName: string) => {
    const { thingGroups } = await client.send(new ListThingGroupsForThingCommand({ thingName }))
    return thingGroups?.map(({ groupName }) => groupName)
  }

  it('stand in a hierarchy', async () => {
    const root = await createGroup()
    const middle = await createGroup(root)
    const leaf = await createGroup(middle)
    const { thingGroupMetadata, thingGroupArn } = await client.send(
      new DescribeThingGroupCommand({ thingGroupName: leaf })
    )
    expect(thingGroupArn).toBe(arnOf(`thinggroup/${leaf}`))
    expect(thingGroupMetadata).toMatchObject({
      parentGroupName: middle,
      rootToParentThingGroups: [{ groupName: root }, { groupName: middle }]
    })
    const listBelow = async (recursive: boolean) => {
      const { thingGroups } = await client.send(new ListThingGroupsCommand({ parentGroup: root, recursive }))
      return thingGroups?.map(({ groupName }) => groupName)
    }
    expect(await listBelow(false)).toEqual([middle])
    expect(await listBelow(true)).toEqual([middle, leaf].toSorted())
    await expect(createGroup('absent')).rejects.toBeInstanceOf(ResourceNotFoundException)
    await expect(client.send(new CreateThingGroupCommand({ thingGroupName: leaf }))).rejects.toBeInstanceOf(
      ResourceAlreadyExistsException
    )
  })

  it('take things in and let them go', async () => {
    const [thingName, group, other] = [await createThing(), await createGroup(), await createGroup()]
    await add(group, thingName)
    await add(group, thingName)
    expect(await groupsOf(thingName)).toEqual([group])
    await client.send(
      new UpdateThingGroupsForThingCommand({
        thingName,
        thingGroupsToAdd: [other],
        thingGroupsToRemove: [group]
      })
    )
    expect(await groupsOf(thingName)).toEqual([other])
    await client.send(new RemoveThingFromThingGroupCommand({ thingGroupName: other, thingName }))
    expect(await groupsOf(thingName)).toEqual([])
    await expect(add('absent', thingName)).rejects.toBeInstanceOf(ResourceNotFoundException)
    await expect(add(group, 'absent')).rejects.toBeInstanceOf(ResourceNotFoundException)
  })

  it('take a thing once in a hierarchy and ten times in all', async () => {
    const thingName = await createThing()
    const root = await createGroup()
    await add(await createGroup(root), thingName)
    await expect(add(await createGroup(root), thingName)).rejects.toBeInstanceOf(InvalidRequestException)
    for (let count = 1; count < 10; count++) await add(await createGroup(), thingName)
    await expect(add(await createGroup(), thingName)).rejects.toBeInstanceOf(InvalidRequestException)
    expect(await groupsOf(thingName)).toHaveLength(10)
  })
})
