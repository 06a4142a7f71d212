import { describe, expect, it } from 'vitest'
import { judgePolicies, policyWarnings } from '../../../src/aws/registrations/lint/policy-warnings.ts'
import { allow, documentOf } from '../../jitp/policy/policy-cases.ts'
import { templateOf } from '../../jitp/template-cases.ts'

const resourceOf = (place: string) => `arn:${place}:client/*`

/** What is told where devices are registered in eu-central-1 of the account 111122223333. */
function toldOf(resources: readonly string[], region = 'eu-central-1') {
  const document = documentOf(resources.map(resource => allow('iot:Connect', resource)))
  const templateBody = JSON.stringify(templateOf({ policy: { PolicyDocument: JSON.stringify(document) } }))
  const provisioning = { roleArn: 'arn:aws:iam::111122223333:role/r', templateBody }
  return policyWarnings(judgePolicies({ place: { region }, target: { provisioning } }))
}

describe('policyWarnings', () => {
  it.each(['aws:iot:eu-central-1:111122223333', 'aws:iot:*:*', 'aws:iot:eu-*:111122223333', '*'])(
    'has nothing against %s',
    place => {
      expect(toldOf([place === '*' ? '*' : resourceOf(place)])).toEqual([])
    }
  )

  it.each([
    'aws:iot:eu-west-1:111122223333',
    'aws:iot:eu-central-1:999922223333',
    'aws-cn:iot:*:*',
    'aws:iot:us-*:*'
  ])('tells of %s, which lets nobody connect here', place => {
    expect(toldOf([resourceOf(place)])).toEqual([expect.stringContaining(resourceOf(place))])
    expect(toldOf([resourceOf(place)])[0]).toContain('let no device connect here')
  })

  it('tells of one that is elsewhere beside one that is here, and that in this partition', () => {
    const told = toldOf([resourceOf('aws-cn:iot:cn-north-1:*'), resourceOf('aws:iot:*:*')], 'cn-north-1')
    expect(told).toEqual([expect.stringContaining(resourceOf('aws:iot:*:*'))])
    expect(told[0]).not.toContain('let no device connect here')
  })

  it('names a few of many, in one warning', () => {
    const resources = Array.from({ length: 9 }, (_, index) => `arn:aws:iot:us-east-1:*:client/${index}`)
    expect(toldOf(resources)).toEqual([expect.stringContaining('and 4 more')])
  })

  it('has nothing to say where nothing is provisioned just in time', () => {
    const nothing = { place: { region: 'eu-central-1' }, target: { provisioning: null } }
    expect(policyWarnings(judgePolicies(nothing))).toEqual([])
  })
})
