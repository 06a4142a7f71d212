import { randomBytes } from 'node:crypto'
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteConflictException,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  EntityAlreadyExistsException,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  IAMServiceException,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  MalformedPolicyDocumentException,
  NoSuchEntityException,
  PutRolePolicyCommand,
  SimulatePrincipalPolicyCommand
} from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accountId, type ControlPlaneRehearsal, startControlPlane } from './control-plane-rehearsal.ts'

let rehearsal: ControlPlaneRehearsal
let client: IAMClient

beforeAll(async () => {
  rehearsal = await startControlPlane()
  client = rehearsal.createIamClient()
})

afterAll(() => rehearsal[Symbol.asyncDispose]())

const managedPolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSIoTThingsRegistration'
const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'iot.amazonaws.com' }, Action: 'sts:AssumeRole' }]
})
const documentOf = (...statements: object[]) =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (Action: string | string[]) => ({ Effect: 'Allow', Action, Resource: '*' })

async function createRole(path?: string): Promise<string> {
  const command = new CreateRoleCommand({
    RoleName: `role-${randomBytes(6).toString('hex')}`,
    AssumeRolePolicyDocument: trust,
    Path: path
  })
  return (await client.send(command)).Role!.RoleName!
}

describe('a role', () => {
  it('is described as it was made, and is the role that provisioning finds', async () => {
    const RoleName = await createRole('/factory/')
    const { Role } = await client.send(new GetRoleCommand({ RoleName }))
    const Arn = `arn:aws:iam::${accountId}:role/factory/${RoleName}`
    expect(Role).toMatchObject({ Arn, Path: '/factory/', RoleId: expect.stringMatching(/^AROA/) as string })
    expect(Math.abs(Date.now() - Role!.CreateDate!.getTime())).toBeLessThan(60_000)
    expect(decodeURIComponent(Role!.AssumeRolePolicyDocument!)).toBe(trust)
    expect(rehearsal.registry.findRole(Arn)).toMatchObject({ assumeRolePolicyDocument: trust })
    const { Roles } = await client.send(new ListRolesCommand({}))
    expect(Roles).toContainEqual(Role)
  })

  it('is deleted when it has no policies', async () => {
    const RoleName = await createRole()
    const policy = { RoleName, PolicyName: 'inline' }
    await client.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: documentOf(allow('*')) }))
    const deletion = new DeleteRoleCommand({ RoleName })
    await expect(client.send(deletion)).rejects.toBeInstanceOf(DeleteConflictException)
    await client.send(new DeleteRolePolicyCommand(policy))
    await client.send(deletion)
    await expect(client.send(new GetRoleCommand({ RoleName }))).rejects.toBeInstanceOf(NoSuchEntityException)
  })

  it('is refused twice, and with a trust policy that is none', async () => {
    const RoleName = await createRole()
    for (const [document, error] of [
      [trust, EntityAlreadyExistsException],
      ['{', MalformedPolicyDocumentException],
      ['{}', MalformedPolicyDocumentException]
    ] as const) {
      const command = new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document })
      await expect(client.send(command)).rejects.toBeInstanceOf(error)
    }
    const wrongName = new CreateRoleCommand({ RoleName: 'a b', AssumeRolePolicyDocument: trust })
    await expect(client.send(wrongName)).rejects.toHaveProperty('name', 'ValidationError')
  })
})

describe('the policies of a role', () => {
  it('come back as they were put', async () => {
    const RoleName = await createRole()
    const policy = { RoleName, PolicyName: 'inline' }
    const document = documentOf(allow(['iot:CreateThing', "it's <&>"]))
    await client.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: document }))
    const { PolicyDocument } = await client.send(new GetRolePolicyCommand(policy))
    expect(decodeURIComponent(PolicyDocument!)).toBe(document)
    expect((await client.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames).toEqual(['inline'])
    const absent = new GetRolePolicyCommand({ RoleName, PolicyName: 'absent' })
    await expect(client.send(absent)).rejects.toBeInstanceOf(NoSuchEntityException)
  })

  it('may be managed by AWS', async () => {
    const RoleName = await createRole()
    const attachment = { RoleName, PolicyArn: managedPolicyArn }
    await client.send(new AttachRolePolicyCommand(attachment))
    await client.send(new AttachRolePolicyCommand(attachment))
    const listAttached = async () =>
      (await client.send(new ListAttachedRolePoliciesCommand({ RoleName }))).AttachedPolicies
    expect(await listAttached()).toEqual([
      { PolicyName: 'AWSIoTThingsRegistration', PolicyArn: managedPolicyArn }
    ])
    await client.send(new DetachRolePolicyCommand(attachment))
    expect(await listAttached()).toEqual([])
    for (const command of [
      new DetachRolePolicyCommand(attachment),
      new AttachRolePolicyCommand({ RoleName, PolicyArn: `arn:aws:iam::${accountId}:policy/own` }),
      new AttachRolePolicyCommand({ RoleName: 'absent', PolicyArn: managedPolicyArn })
    ])
      await expect(client.send(command)).rejects.toBeInstanceOf(NoSuchEntityException)
  })
})

describe('SimulatePrincipalPolicy', () => {
  const simulate = async (RoleName: string, ...ActionNames: string[]) => {
    const PolicySourceArn = `arn:aws:iam::${accountId}:role/${RoleName}`
    const command = new SimulatePrincipalPolicyCommand({ PolicySourceArn, ActionNames })
    const { EvaluationResults } = await client.send(command)
    return Object.fromEntries(
      EvaluationResults!.map(result => [result.EvalActionName, result.EvalDecision] as const)
    ) as Readonly<Record<string, string>>
  }

  it('tells what is allowed, what is not and what is denied', async () => {
    const RoleName = await createRole()
    const actions = ['iot:CreateThing', 'iot:CreatePolicy', 'iot:UpdateThing']
    expect(await simulate(RoleName, 'iot:CreateThing')).toEqual({ 'iot:CreateThing': 'implicitDeny' })
    const deny = { Effect: 'Deny', Action: 'iot:CreatePolicy', Resource: '*' }
    const PolicyDocument = documentOf(allow('iot:Create*'), deny)
    await client.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'inline', PolicyDocument }))
    expect(await simulate(RoleName, ...actions)).toEqual({
      'iot:CreateThing': 'allowed',
      'iot:CreatePolicy': 'explicitDeny',
      'iot:UpdateThing': 'implicitDeny'
    })
    await client.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: managedPolicyArn }))
    expect(await simulate(RoleName, ...actions, 'iot:DeleteThing')).toEqual({
      'iot:CreateThing': 'allowed',
      'iot:CreatePolicy': 'explicitDeny',
      'iot:UpdateThing': 'allowed',
      'iot:DeleteThing': 'implicitDeny'
    })
  })

  it('needs a role that is there', async () => {
    await expect(simulate('absent', 'iot:CreateThing')).rejects.toBeInstanceOf(NoSuchEntityException)
  })
})

describe('the Query protocol', () => {
  it('meets faults, too', async () => {
    rehearsal.controlPlane.failNext('ListRoles', 'throttle')
    const refusal = await client.send(new ListRolesCommand({})).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(IAMServiceException)
    expect(refusal).toHaveProperty('name', 'ThrottlingException')
    await client.send(new ListRolesCommand({}))
  })

  const post = (service: string, body: string) =>
    fetch(rehearsal.controlPlane.url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-amz-date': '20260101T000000Z',
        authorization: `AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`
      }
    })

  it('answers GetCallerIdentity', async () => {
    const response = await post('sts', 'Action=GetCallerIdentity&Version=2011-06-15')
    const xml = await response.text()
    expect(response.headers.get('content-type')).toBe('text/xml')
    expect(xml).toMatch(/^<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>/)
    expect(xml).toContain(`<Account>${accountId}</Account>`)
  })

  it('refuses an unknown action', async () => {
    const response = await post('iam', 'Action=DeleteEverything')
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('<Code>InvalidAction</Code>')
  })
})
