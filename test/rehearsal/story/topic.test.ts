import { describe, expect, it } from 'vitest'
import { findTopic } from '../../../src/rehearsal/story/topic.ts'

const device = { clientId: 'client-1', thingName: 'pump-1' }
const topicOf = (...statements: readonly object[]) =>
  findTopic([JSON.stringify({ Version: '2012-10-17', Statement: statements })], device)
const publish = (Resource: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Action: 'iot:Publish',
  Resource,
  ...more
})

describe('a topic to publish to', () => {
  it.each<[string, object, string | undefined]>([
    ['is free under a wildcard', publish('*'), 'rehearsal/hello'],
    ['is the one that is named', publish('arn:aws:iot:eu-west-1:111122223333:topic/foo/bar'), 'foo/bar'],
    [
      'has the thing in place of its variable',
      publish(['arn:aws:iot:*:*:topic/${iot:Connection.Thing.ThingName}/up']),
      'pump-1/up'
    ],
    ['has the client in place of its variable', publish('arn:aws:iot:*:*:topic/${iot:ClientId}'), 'client-1'],
    ['has its wildcards filled in', publish('arn:aws-cn:iot:*:*:topic/a/*/b?'), 'a/rehearsal/bx'],
    ['may come of iot:*', publish('*', { Action: ['iot:Connect', 'iot:*'] }), 'rehearsal/hello'],
    ['is not one to subscribe to', publish('arn:aws:iot:*:*:topicfilter/foo'), undefined],
    ['is not among what is denied', publish('*', { Effect: 'Deny' }), undefined],
    [
      'is another one where a variable is not known',
      publish(['arn:aws:iot:*:*:topic/${iot:Certificate.Subject.CommonName}', 'arn:aws:iot:*:*:topic/a']),
      'a'
    ],
    ['does not come of iot:Connect', publish('*', { Action: 'iot:Connect' }), undefined]
  ])('%s', (_, statement, topic) => {
    expect(topicOf(statement)).toBe(topic)
  })

  it('is looked for in a statement that is no list, too', () => {
    expect(findTopic([JSON.stringify({ Statement: publish('*') })], device)).toBe('rehearsal/hello')
  })
})
