import { describe, expect, it } from 'vitest'
import type { Prediction } from '../../../../src/jitp/evaluation/prediction.ts'
import { compareWithPrediction, type Provisioned } from '../../../../src/rehearsal/story/report/comparison.ts'

const document = '{"Version":"2012-10-17","Statement":[]}'

const prediction: Prediction = {
  thing: {
    thingName: 'pump-1',
    attributes: { line: 'A7', country: 'DE' },
    thingTypeName: 'pump',
    thingGroups: ['plant', 'pumps'],
    billingGroup: 'acme'
  },
  certificate: { status: 'ACTIVE' },
  policies: [{ policyName: 'device' }, { policyDocument: document, predictedName: null }]
}

const provisioned: Provisioned = {
  thingName: 'pump-1',
  attributes: { country: 'DE', line: 'A7' },
  thingTypeName: 'pump',
  thingGroups: ['pumps', 'plant'],
  billingGroup: 'acme',
  certificateStatus: 'ACTIVE',
  policies: [
    { policyName: '0123ABCD', policyDocument: document },
    { policyName: 'device', policyDocument: '{}' }
  ]
}

const differences = (changes: Partial<Provisioned>, predicted = prediction) =>
  compareWithPrediction(predicted, { ...provisioned, ...changes })
    .filter(({ isEqual }) => !isEqual)
    .map(({ what }) => what)

describe('what came of a device', () => {
  it('is equal to the prediction, in whatever order AWS tells it', () => {
    expect(differences({})).toEqual([])
  })

  it.each<[string, Partial<Provisioned>]>([
    ['thing', { thingName: null }],
    ['attributes', { attributes: { line: 'A7' } }],
    ['thing type', { thingTypeName: null }],
    ['thing groups', { thingGroups: ['plant'] }],
    ['billing group', { billingGroup: 'other' }],
    ['certificate status', { certificateStatus: 'PENDING_ACTIVATION' }],
    ['policy 1', { policies: [{ policyName: '0123ABCD', policyDocument: document }] }],
    ['policy 2', { policies: [{ policyName: 'device', policyDocument: '{}' }] }],
    [
      'policy nobody predicted',
      { policies: [...provisioned.policies, { policyName: 'more', policyDocument: '{}' }] }
    ]
  ])('differs in the %s alone', (what, changes) => {
    expect(differences(changes)).toEqual([what])
  })

  it('differs where a policy by document got another name than predicted', () => {
    const named: Prediction = {
      ...prediction,
      policies: [{ policyName: 'device' }, { policyDocument: document, predictedName: 'FFFF' }]
    }
    expect(differences({}, named)).toEqual(['policy 2', 'policy nobody predicted'])
  })

  it('of a template without a thing has none', () => {
    const none = { thingName: null, attributes: {}, thingTypeName: null, thingGroups: [], billingGroup: null }
    expect(differences(none, { ...prediction, thing: null })).toEqual([])
    expect(differences({}, { ...prediction, thing: null })).toContain('thing')
  })
})
