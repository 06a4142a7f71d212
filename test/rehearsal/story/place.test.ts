import { describe, expect, it } from 'vitest'
import { findPlace } from '../../../src/rehearsal/story/place.ts'

const inPolicy = (resource: string) =>
  JSON.stringify({ PolicyDocument: JSON.stringify({ Resource: resource }) })

describe('the place of a rehearsal', () => {
  it.each<[string, string, string | undefined, { accountId: string; region: string }]>([
    [
      'is where the policies of the template are for',
      inPolicy('arn:aws:iot:us-gov-west-1:210987654321:client/*'),
      undefined,
      { accountId: '210987654321', region: 'us-gov-west-1' }
    ],
    [
      'is in the account of the role before all',
      inPolicy('arn:aws:iot:us-east-1:210987654321:client/*'),
      'arn:aws:iam::123456789012:role/jitp',
      { accountId: '123456789012', region: 'us-east-1' }
    ],
    [
      'is the usual one where there are wildcards alone',
      inPolicy('arn:aws:iot:*:*:client/*'),
      undefined,
      { accountId: '111122223333', region: 'eu-central-1' }
    ],
    [
      'takes no placeholder for a region or an account',
      inPolicy('arn:aws:iot:<region>:ACCOUNT:client/*'),
      'arn:aws:iam::$ACCOUNT:role/jitp',
      { accountId: '111122223333', region: 'eu-central-1' }
    ]
  ])('%s', (_, templateBody, roleArn, place) => {
    expect(findPlace(templateBody, roleArn)).toEqual(place)
  })
})
