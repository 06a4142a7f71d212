import { randomBytes } from 'node:crypto'
import {
  CreatePolicyCommand,
  CreateProvisioningTemplateCommand,
  type CreateProvisioningTemplateCommandInput,
  CreateProvisioningTemplateVersionCommand,
  DeleteConflictException,
  DeleteProvisioningTemplateCommand,
  DeleteProvisioningTemplateVersionCommand,
  DescribeProvisioningTemplateCommand,
  DescribeProvisioningTemplateVersionCommand,
  DescribeThingCommand,
  InvalidRequestException,
  type IoTClient,
  LimitExceededException,
  ListProvisioningTemplatesCommand,
  ListProvisioningTemplateVersionsCommand,
  RegisterThingCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  UpdateCACertificateCommand,
  UpdateProvisioningTemplateCommand,
  VersionsLimitExceededException
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  accountId,
  type ControlPlaneRehearsal,
  policyDocument,
  registerCa,
  registerDevice,
  roleArn,
  startControlPlane
} from './control-plane-rehearsal.ts'

let rehearsal: ControlPlaneRehearsal
let client: IoTClient

beforeAll(async () => {
  rehearsal = await startControlPlane()
  client = rehearsal.client
})

afterAll(() => rehearsal[Symbol.asyncDispose]())

const bodyOf = (version: number) => JSON.stringify({ Resources: {}, version })

async function createTemplate(input: Partial<CreateProvisioningTemplateCommandInput> = {}): Promise<string> {
  const command = new CreateProvisioningTemplateCommand({
    templateName: `t_${randomBytes(6).toString('hex')}`,
    templateBody: bodyOf(1),
    provisioningRoleArn: roleArn,
    type: 'JITP',
    ...input
  })
  return (await client.send(command)).templateName!
}

const describeTemplate = (templateName: string) =>
  client.send(new DescribeProvisioningTemplateCommand({ templateName }))
const addVersion = (templateName: string, version: number, setAsDefault?: boolean) =>
  client.send(
    new CreateProvisioningTemplateVersionCommand({
      templateName,
      templateBody: bodyOf(version),
      setAsDefault
    })
  )

describe('a provisioning template', () => {
  it('is off unless told otherwise, and for fleets unless of type JITP', async () => {
    const templateName = await createTemplate({ type: undefined, description: 'night shift' })
    expect(await describeTemplate(templateName)).toMatchObject({
      templateName,
      templateArn: `arn:aws:iot:eu-west-1:${accountId}:provisioningtemplate/${templateName}`,
      description: 'night shift',
      templateBody: bodyOf(1),
      provisioningRoleArn: roleArn,
      defaultVersionId: 1,
      enabled: false,
      type: 'FLEET_PROVISIONING',
      creationDate: expect.any(Date) as Date,
      lastModifiedDate: expect.any(Date) as Date
    })
  })

  it('changes what is given and keeps the rest', async () => {
    const templateName = await createTemplate({ enabled: true, description: 'before' })
    const otherRole = `${roleArn}-2`
    await client.send(new UpdateProvisioningTemplateCommand({ templateName, provisioningRoleArn: otherRole }))
    await client.send(new UpdateProvisioningTemplateCommand({ templateName, description: 'after' }))
    expect(await describeTemplate(templateName)).toMatchObject({
      enabled: true,
      description: 'after',
      provisioningRoleArn: otherRole
    })
    await client.send(new UpdateProvisioningTemplateCommand({ templateName, enabled: false }))
    expect((await describeTemplate(templateName)).enabled).toBe(false)
  })

  it.each<[string, Partial<CreateProvisioningTemplateCommandInput>]>([
    ['a name with a space', { templateName: 'a b' }],
    ['a name of 37 characters', { templateName: 'n'.repeat(37) }],
    ['a body that is not JSON', { templateBody: '{' }],
    ['a body of 10,241 characters', { templateBody: `{}${' '.repeat(10_239)}` }],
    ['a description of 501 characters', { description: 'd'.repeat(501) }],
    ['a role that is no ARN', { provisioningRoleArn: 'provisioning' }],
    ['a hook', { preProvisioningHook: { targetArn: 'arn:aws:lambda:eu-west-1:1:function:f' } }]
  ])('with %s is refused', async (_, input) => {
    await expect(createTemplate(input)).rejects.toBeInstanceOf(InvalidRequestException)
  })

  it('is made once', async () => {
    const templateName = await createTemplate()
    await expect(createTemplate({ templateName })).rejects.toBeInstanceOf(ResourceAlreadyExistsException)
  })

  it('is deleted when no CA names it', async () => {
    const templateName = await createTemplate()
    const { certificateId } = await registerCa(client, { registrationConfig: { templateName } })
    const deletion = new DeleteProvisioningTemplateCommand({ templateName })
    await expect(client.send(deletion)).rejects.toBeInstanceOf(DeleteConflictException)
    await client.send(new UpdateCACertificateCommand({ certificateId, removeAutoRegistration: true }))
    await client.send(deletion)
    await expect(client.send(deletion)).rejects.toBeInstanceOf(ResourceNotFoundException)
    await expect(describeTemplate(templateName)).rejects.toBeInstanceOf(ResourceNotFoundException)
  })

  it('is one of 256 at most, listed by name and page', async () => {
    const there = rehearsal.createClient({ region: 'us-east-2' })
    const names = Array.from({ length: 256 }, (_, index) => `t${String(index).padStart(3, '0')}`)
    const create = (templateName: string) =>
      there.send(
        new CreateProvisioningTemplateCommand({
          templateName,
          templateBody: '{"Resources":{}}',
          provisioningRoleArn: roleArn
        })
      )
    await Promise.all(names.map(create))
    await expect(create('one-more')).rejects.toBeInstanceOf(LimitExceededException)
    const first = await there.send(new ListProvisioningTemplatesCommand({ maxResults: 250 }))
    const second = await there.send(new ListProvisioningTemplatesCommand({ nextToken: first.nextToken }))
    expect(second.nextToken).toBeUndefined()
    const listed = [...first.templates!, ...second.templates!]
    expect(listed.map(({ templateName }) => templateName)).toEqual(names)
  })
})

describe('the versions of a template', () => {
  it('are five at most, and the default one is the body', async () => {
    const templateName = await createTemplate()
    expect(await addVersion(templateName, 2)).toMatchObject({ versionId: 2, isDefaultVersion: false })
    expect((await describeTemplate(templateName)).templateBody).toBe(bodyOf(1))
    expect(await addVersion(templateName, 3, true)).toMatchObject({ versionId: 3, isDefaultVersion: true })
    expect(await describeTemplate(templateName)).toMatchObject({
      templateBody: bodyOf(3),
      defaultVersionId: 3
    })
    await client.send(new UpdateProvisioningTemplateCommand({ templateName, defaultVersionId: 2 }))
    expect((await describeTemplate(templateName)).templateBody).toBe(bodyOf(2))
    for (const version of [4, 5]) await addVersion(templateName, version)
    await expect(addVersion(templateName, 6)).rejects.toBeInstanceOf(VersionsLimitExceededException)
  })

  it('are described, listed and deleted, except the default one', async () => {
    const templateName = await createTemplate()
    await addVersion(templateName, 2)
    const second = { templateName, versionId: 2 }
    expect(await client.send(new DescribeProvisioningTemplateVersionCommand(second))).toMatchObject({
      versionId: 2,
      templateBody: bodyOf(2),
      isDefaultVersion: false
    })
    const first = new DeleteProvisioningTemplateVersionCommand({ templateName, versionId: 1 })
    await expect(client.send(first)).rejects.toBeInstanceOf(DeleteConflictException)
    await client.send(new DeleteProvisioningTemplateVersionCommand(second))
    const { versions } = await client.send(new ListProvisioningTemplateVersionsCommand({ templateName }))
    expect(versions).toMatchObject([{ versionId: 1, isDefaultVersion: true }])
    for (const late of [
      new DescribeProvisioningTemplateVersionCommand(second),
      new UpdateProvisioningTemplateCommand({ templateName, defaultVersionId: 2 })
    ])
      await expect(client.send(late as DescribeProvisioningTemplateVersionCommand)).rejects.toBeInstanceOf(
        ResourceNotFoundException
      )
  })
})

describe('RegisterThing', () => {
  const templateBody = JSON.stringify({
    Parameters: { Name: { Type: 'String' }, CertificateId: { Type: 'String' } },
    Resources: {
      thing: { Type: 'AWS::IoT::Thing', Properties: { ThingName: { Ref: 'Name' } } },
      certificate: {
        Type: 'AWS::IoT::Certificate',
        Properties: { CertificateId: { Ref: 'CertificateId' }, Status: 'ACTIVE' },
        OverrideSettings: { Status: 'REPLACE' }
      },
      policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'unit-policy' } }
    }
  })

  it('runs the template with the parameters of the caller', async () => {
    await client.send(new CreatePolicyCommand({ policyName: 'unit-policy', policyDocument }))
    const { certificateId, certificateArn, certificatePem } = await registerDevice(client)
    const parameters = { Name: 'unit-7', CertificateId: certificateId }
    const reply = await client.send(new RegisterThingCommand({ templateBody, parameters }))
    expect(reply.certificatePem).toBe(certificatePem)
    expect(reply.resourceArns).toMatchObject({
      thing: `arn:aws:iot:eu-west-1:${accountId}:thing/unit-7`,
      certificate: certificateArn
    })
    const { thingName } = await client.send(new DescribeThingCommand({ thingName: 'unit-7' }))
    expect(thingName).toBe('unit-7')
    const response = await fetch(`${rehearsal.controlPlane.url}/rehearsal/log`)
    expect(await response.json()).toMatchObject({
      entries: [{ accountId, region: 'eu-west-1', eventType: 'RegisterThing', outcome: 'Success' }]
    })
  })

  it('refuses a template that lacks a parameter', async () => {
    const command = new RegisterThingCommand({ templateBody, parameters: { Name: 'unit-8' } })
    await expect(client.send(command)).rejects.toBeInstanceOf(InvalidRequestException)
  })
})
