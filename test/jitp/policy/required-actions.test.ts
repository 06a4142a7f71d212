import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { examineTemplate } from '../../../src/jitp/checks/check.ts'
import {
  buildPermissionPolicy,
  buildTrustPolicy,
  requiredActions
} from '../../../src/jitp/policy/required-actions.ts'
import { readTemplateSource } from '../../../src/jitp/reading/template-source.ts'
import {
  assertRoleAllows,
  thingsRegistrationPolicyArn
} from '../../../src/rehearsal/iot/provisioning/role-permission.ts'

const certificate = {
  Type: 'AWS::IoT::Certificate',
  Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'ACTIVE' },
  OverrideSettings: { Status: 'REPLACE' }
}
const thing = (properties: object, overrides: object = {}) => ({
  Type: 'AWS::IoT::Thing',
  Properties: { ThingName: { Ref: 'AWS::IoT::Certificate::CommonName' }, ...properties },
  OverrideSettings: {
    AttributePayload: 'MERGE',
    ThingTypeName: 'DO_NOTHING',
    ThingGroups: 'DO_NOTHING',
    ...overrides
  }
})

function actionsOf(resources: object) {
  const Parameters = {
    'AWS::IoT::Certificate::CommonName': { Type: 'String' },
    'AWS::IoT::Certificate::Id': { Type: 'String' }
  }
  const source = readTemplateSource({ Parameters, Resources: { certificate, ...resources } })
  return requiredActions(examineTemplate(source).template)
}

const essentials = (resources: object) =>
  actionsOf(resources)
    .filter(({ isEssential }) => isEssential)
    .map(({ action }) => action.slice('iot:'.length))
    .sort()

describe('requiredActions', () => {
  const policyByName = { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'device' } }
  const policyByDocument = { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument: '{}' } }
  const ofThing = ['AttachThingPrincipal', 'CreateThing', 'UpdateCertificate']

  it.each<[string, object, string[]]>([
    ['a certificate alone', {}, ['UpdateCertificate']],
    ['a thing', { thing: thing({}) }, ofThing],
    ['a thing type, which is read alone', { thing: thing({ ThingTypeName: 'sensor' }) }, ofThing],
    ['thing groups', { thing: thing({ ThingGroups: ['a'] }) }, ['AddThingToThingGroup', ...ofThing]],
    ['a billing group', { thing: thing({ BillingGroup: 'a' }) }, ['AddThingToBillingGroup', ...ofThing]],
    ['a policy by name', { policy: policyByName }, ['AttachPolicy', 'UpdateCertificate']],
    [
      'a policy by document',
      { policy: policyByDocument },
      ['AttachPolicy', 'CreatePolicy', 'UpdateCertificate']
    ]
  ])('of %s', (_name, resources, expected) => {
    expect(essentials(resources)).toEqual(expected.toSorted())
  })

  it('takes things out of groups only where OverrideSettings change groups', () => {
    const has = (overrides: object) =>
      actionsOf({ thing: thing({ ThingGroups: ['a'] }, overrides) }).some(
        ({ action }) => action === 'iot:RemoveThingFromThingGroup'
      )
    expect(has({})).toBe(false)
    expect(has({ ThingGroups: 'REPLACE' })).toBe(true)
  })

  it("asks for nothing that AWS's managed policy does not grant, each once", async () => {
    const everything = {
      thing: thing({ ThingTypeName: 't', ThingGroups: ['a'], BillingGroup: 'b' }, { ThingGroups: 'REPLACE' }),
      policy: policyByDocument
    }
    const actions = actionsOf(everything).map(({ action }) => action)
    expect(new Set(actions).size).toBe(actions.length)
    const roleArn = 'arn:aws:iam::111122223333:role/r'
    const assumeRolePolicyDocument = JSON.stringify(buildTrustPolicy())
    const managed = {
      roleArn,
      assumeRolePolicyDocument,
      policies: {},
      attachedPolicyArns: [thingsRegistrationPolicyArn]
    }
    expect(() => assertRoleAllows(roleArn, managed, actions)).not.toThrow()
  })

  it('makes a role that the stand-in of AWS IoT lets run the template', async () => {
    const source = readTemplateSource(await readFile('test/fixtures/templates/recommended.json', 'utf8'))
    const actions = requiredActions(examineTemplate(source).template)
    const roleArn = 'arn:aws:iam::111122223333:role/r'
    const role = {
      roleArn,
      assumeRolePolicyDocument: JSON.stringify(buildTrustPolicy()),
      policies: { provisioning: JSON.stringify(buildPermissionPolicy(actions)) },
      attachedPolicyArns: []
    }
    const needed = actions.filter(({ isEssential }) => isEssential).map(({ action }) => action)
    expect(() => assertRoleAllows(roleArn, role, needed)).not.toThrow()
    expect(() => assertRoleAllows(roleArn, role, ['iot:DeleteThing'])).toThrow()
  })
})
