import { describe, expect, it } from 'vitest'
import { findPlace } from '../../../src/rehearsal/story/place.ts'

const inPolicy = (resource: string) =>
  JSON.stringify({ PolicyDocument: JSON.stringify({ Resource: resource }) })

describe('the place of a rehearsal', () => {
  it.each<[string, { templateBody: string; roleArn?: string }, { accountId: string; region: string }]>([
    [
      'is where the policies of the template are for',
      { templateBody: inPolicy('arn:aws:iot:us-gov-west-1:210987654321:client/*') },
      { accountId: '210987654321', region: 'us-gov-west-1' }
    ],
    [
      'is in the account of the role before all',
      {
        templateBody: inPolicy('arn:aws:iot:us-east-1:210987654321:client/*'),
        roleArn: 'arn:aws:iam::123456789012:role/jitp'
      },
      { accountId: '123456789012', region: 'us-east-1' }
    ],
    [
      'is the usual one where there are wildcards alone',
      { templateBody: inPolicy('arn:aws:iot:*:*:client/*') },
      { accountId: '111122223333', region: 'eu-central-1' }
    ],
    [
      'takes no placeholder for a region or an account',
      {
        templateBody: inPolicy('arn:aws:iot:<region>:ACCOUNT:client/*'),
        roleArn: 'arn:aws:iam::$ACCOUNT:role/jitp'
      },
      { accountId: '111122223333', region: 'eu-central-1' }
    ]
  ])('%s', (_, { templateBody, roleArn }, place) => {
    expect(findPlace(templateBody, roleArn)).toEqual(place)
  })
})
