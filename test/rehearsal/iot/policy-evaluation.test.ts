import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluatePolicies, type IotAction } from '../../../src/rehearsal/iot/policy/evaluation.ts'
import { matchesPattern, parseWildcardPattern } from '../../../src/rehearsal/iot/policy/wildcard-pattern.ts'

const arn = (rest: string) => `arn:aws:iot:eu-west-1:111122223333:${rest}`

const variables = new Map([
  ['iot:ClientId', 'unit-1'],
  ['iot:Connection.Thing.IsAttached', 'true'],
  ['iot:Connection.Thing.ThingName', 'unit-1'],
  ['iot:Connection.Thing.Attributes[line]', 'A7'],
  ['iot:Certificate.Subject.CommonName', 'a*c']
])

interface Statement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action?: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly Condition?: object
  readonly NotAction?: string
}

const allow = (
  Action: string | readonly string[],
  Resource: string | readonly string[],
  Condition?: object
): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition })
})
const deny = (Action: string, Resource: string, Condition?: object): Statement => ({
  ...allow(Action, Resource, Condition),
  Effect: 'Deny'
})

interface Access {
  readonly action: IotAction
  readonly resource: string
}

function isAllowed(
  statements: readonly (readonly Statement[] | string)[],
  { action, resource }: Access,
  known: ReadonlyMap<string, string> = variables
): boolean {
  const policies = statements.map((Statement, index) => ({
    policyName: `policy-${index}`,
    policyDocument:
      typeof Statement === 'string' ? Statement : JSON.stringify({ Version: '2012-10-17', Statement })
  }))
  return evaluatePolicies(policies, { action, resource: arn(resource), variables: known }).isAllowed
}

const all = allow('*', '*')

describe('a policy', () => {
  const allowing: readonly [string, Statement, Access][] = [
    [
      'names action and resource',
      allow('iot:Connect', arn('client/unit-1')),
      { action: 'iot:Connect', resource: 'client/unit-1' }
    ],
    [
      'lists them',
      allow(['iot:Publish', 'iot:Connect'], ['x', arn('client/unit-1')]),
      { action: 'iot:Connect', resource: 'client/unit-1' }
    ],
    ['has an asterisk for the action', allow('iot:*', '*'), { action: 'iot:Receive', resource: 'topic/a' }],
    [
      'has an asterisk across slashes',
      allow('iot:Publish', arn('topic/a/*')),
      { action: 'iot:Publish', resource: 'topic/a/b/c' }
    ],
    [
      'has a question mark',
      allow('iot:Publish', arn('topic/a?')),
      { action: 'iot:Publish', resource: 'topic/a1' }
    ],
    [
      'names the client',
      allow('iot:Connect', arn('client/${iot:ClientId}')),
      { action: 'iot:Connect', resource: 'client/unit-1' }
    ],
    [
      'names the thing',
      allow('iot:Connect', arn('client/${iot:Connection.Thing.ThingName}')),
      { action: 'iot:Connect', resource: 'client/unit-1' }
    ],
    [
      'names an attribute',
      allow('iot:Publish', arn('topic/${iot:Connection.Thing.Attributes[line]}/x')),
      { action: 'iot:Publish', resource: 'topic/A7/x' }
    ],
    [
      'takes a filter by its text',
      allow('iot:Subscribe', arn('topicfilter/a/+/b')),
      { action: 'iot:Subscribe', resource: 'topicfilter/a/+/b' }
    ],
    [
      'writes a variable for an asterisk',
      allow('iot:Publish', arn('topic/${*}')),
      { action: 'iot:Publish', resource: 'topic/*' }
    ],
    [
      'asks Bool',
      allow('iot:Connect', '*', { Bool: { 'iot:Connection.Thing.IsAttached': ['true'] } }),
      { action: 'iot:Connect', resource: 'client/x' }
    ],
    [
      'asks Bool without quotes',
      allow('iot:Connect', '*', { Bool: { 'iot:Connection.Thing.IsAttached': true } }),
      { action: 'iot:Connect', resource: 'client/x' }
    ],
    [
      'asks StringEquals of one of two',
      allow('iot:Connect', '*', { StringEquals: { 'iot:ClientId': ['z', 'unit-1'] } }),
      { action: 'iot:Connect', resource: 'client/x' }
    ],
    [
      'asks StringLike',
      allow('iot:Connect', '*', { StringLike: { 'iot:ClientId': 'unit-?' } }),
      { action: 'iot:Connect', resource: 'client/x' }
    ],
    [
      'compares two variables',
      allow('iot:Connect', '*', { StringEquals: { 'iot:ClientId': '${iot:Connection.Thing.ThingName}' } }),
      { action: 'iot:Connect', resource: 'client/x' }
    ]
  ]
  it.each(allowing)('that %s allows', (_, statement, access) => {
    expect(isAllowed([[statement]], access)).toBe(true)
  })

  const refusing: readonly [string, Statement, Access][] = [
    ['names another action', allow('iot:Publish', '*'), { action: 'iot:Connect', resource: 'client/unit-1' }],
    [
      'spells the action in another case',
      allow('iot:connect', '*'),
      { action: 'iot:Connect', resource: 'client/unit-1' }
    ],
    [
      'names another client',
      allow('iot:Connect', arn('client/unit-2')),
      { action: 'iot:Connect', resource: 'client/unit-1' }
    ],
    [
      'names a shorter topic',
      allow('iot:Publish', arn('topic/a')),
      { action: 'iot:Publish', resource: 'topic/a/b' }
    ],
    [
      'names a topic for a filter',
      allow('iot:Subscribe', arn('topic/a')),
      { action: 'iot:Subscribe', resource: 'topicfilter/a' }
    ],
    [
      'reads a filter as a wildcard',
      allow('iot:Subscribe', arn('topicfilter/a/+')),
      { action: 'iot:Subscribe', resource: 'topicfilter/a/b' }
    ],
    [
      'has a wildcard in a value',
      allow('iot:Publish', arn('topic/${iot:Certificate.Subject.CommonName}')),
      { action: 'iot:Publish', resource: 'topic/abc' }
    ],
    [
      'uses an unknown variable',
      allow('iot:Publish', arn('topic/${iot:Domain}*')),
      { action: 'iot:Publish', resource: 'topic/a' }
    ],
    [
      'uses an unknown operator',
      allow('iot:Publish', '*', { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } }),
      { action: 'iot:Publish', resource: 'topic/a' }
    ],
    [
      'uses an unknown key',
      allow('iot:Publish', '*', { StringEquals: { 'aws:SourceIp': '1.2.3.4' } }),
      { action: 'iot:Publish', resource: 'topic/a' }
    ],
    [
      'has a condition that fails',
      allow('iot:Publish', '*', { Bool: { 'iot:Connection.Thing.IsAttached': 'false' } }),
      { action: 'iot:Publish', resource: 'topic/a' }
    ],
    [
      'has one of two conditions that fails',
      allow('iot:Publish', '*', {
        Bool: { 'iot:Connection.Thing.IsAttached': 'true' },
        StringEquals: { 'iot:ClientId': 'x' }
      }),
      { action: 'iot:Publish', resource: 'topic/a' }
    ],
    [
      'has a wildcard in StringEquals',
      allow('iot:Publish', '*', { StringEquals: { 'iot:ClientId': 'unit-*' } }),
      { action: 'iot:Publish', resource: 'topic/a' }
    ],
    [
      'has NotAction',
      { Effect: 'Allow', NotAction: 'iot:Connect', Resource: '*' },
      { action: 'iot:Publish', resource: 'topic/a' }
    ]
  ]
  it.each(refusing)('that %s does not allow', (_, statement, access) => {
    expect(isAllowed([[statement]], access)).toBe(false)
  })

  const denying: readonly [string, Statement][] = [
    ['denies it', deny('iot:Publish', arn('topic/secret'))],
    ['denies it with an unknown variable', deny('iot:Publish', arn('topic/${iot:Domain}'))],
    ['denies it under an unknown condition', deny('iot:Publish', '*', { Null: { 'iot:ClientId': 'true' } })],
    ['denies all but another action', { Effect: 'Deny', NotAction: 'iot:Connect', Resource: '*' }]
  ]
  it.each(denying)('that %s overrules one that allows, in any order', (_, statement) => {
    expect(isAllowed([[all], [statement]], { action: 'iot:Publish', resource: 'topic/secret' })).toBe(false)
    expect(isAllowed([[statement, all]], { action: 'iot:Publish', resource: 'topic/secret' })).toBe(false)
  })

  it('that denies something else leaves the rest allowed', () => {
    expect(
      isAllowed([[deny('iot:Publish', arn('topic/secret'))], [all]], {
        action: 'iot:Publish',
        resource: 'topic/open'
      })
    ).toBe(true)
    expect(
      isAllowed([[deny('iot:Publish', '*', { StringEquals: { 'iot:ClientId': 'x' } }), all]], {
        action: 'iot:Publish',
        resource: 'topic/a'
      })
    ).toBe(true)
  })

  it('that cannot be read denies everything', () => {
    expect(isAllowed([[all], '{'], { action: 'iot:Publish', resource: 'topic/a' })).toBe(false)
    expect(
      isAllowed([[all], '{"Statement":[{"Effect":"Maybe"}]}'], { action: 'iot:Publish', resource: 'topic/a' })
    ).toBe(false)
  })

  it('that is not there allows nothing', () => {
    expect(isAllowed([], { action: 'iot:Connect', resource: 'client/unit-1' })).toBe(false)
  })

  it('with a thing variable is of no use without a thing', () => {
    const statement = allow('iot:Connect', arn('client/${iot:Connection.Thing.ThingName}'))
    expect(
      isAllowed(
        [[statement]],
        { action: 'iot:Connect', resource: 'client/unit-1' },
        new Map([['iot:ClientId', 'unit-1']])
      )
    ).toBe(false)
  })
})

describe('a pattern', () => {
  const piece = fc.constantFrom('a', 'b', '/', '*', '?', '.', '+')
  it('matches as a regular expression does', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: piece, maxLength: 8 }),
        fc.string({ unit: piece, maxLength: 10 }),
        (pattern, text) => {
          const source = [...pattern].map(one => ({ '*': '[^]*', '?': '[^]' })[one] ?? `[${one}]`).join('')
          const parsed = parseWildcardPattern(pattern, new Map())
          expect(parsed !== undefined && matchesPattern(parsed, text)).toBe(
            new RegExp(`^${source}$`).test(text)
          )
        }
      ),
      { numRuns: 2000 }
    )
  })

  it('takes the value of a variable as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: piece }), fc.string({ unit: piece }), (value, text) => {
        const parsed = parseWildcardPattern('x/${v}', new Map([['v', value]]))
        expect(parsed !== undefined && matchesPattern(parsed, `x/${text}`)).toBe(value === text)
      })
    )
  })

  it('with many asterisks is told apart in no time', () => {
    const parsed = parseWildcardPattern('*a'.repeat(500), new Map()) ?? []
    expect(matchesPattern(parsed, `${'a'.repeat(5000)}b`)).toBe(false)
  })
})
