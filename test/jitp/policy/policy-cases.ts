import { checkTemplate } from '../../../src/jitp/checks/check.ts'
import { findingCatalogue } from '../../../src/jitp/findings/finding.ts'
import { readTemplateSource } from '../../../src/jitp/reading/template-source.ts'
import type { TemplateOptions } from '../../../src/jitp/template/options.ts'
import { type Json, type JsonMembers, resourcesWithout, templateOf } from '../template-cases.ts'

export interface PolicyCase {
  readonly shape: string
  readonly statements: readonly Json[]
  readonly options?: TemplateOptions
  readonly hasNoThing?: boolean
  /** `id place`: what stands at the place in the text. Notes and those without a place of the policy besides. */
  readonly findings: readonly string[]
}

const roleArn = 'arn:aws:iam::210987654321:role/provisioning'
export const arn = (resource: string): string => `arn:aws:iot:eu-central-1:210987654321:${resource}`

const statement = (effect: string, action: Json, resource: Json): JsonMembers => ({
  Effect: effect,
  Action: action,
  Resource: resource
})
export const allow = (action: Json, resource: Json, more: JsonMembers = {}): JsonMembers => ({
  ...statement('Allow', action, resource),
  ...more
})
export const deny = (action: Json, resource: Json, more: JsonMembers = {}): JsonMembers => ({
  ...statement('Deny', action, resource),
  ...more
})
export const when = (operator: string, key: string, value: Json): JsonMembers => ({
  Condition: { [operator]: { [key]: value } }
})
export const connect = allow('iot:Connect', arn('client/${iot:ClientId}'))

/** A template with the documents, in a registration config: each document is escaped twice. */
export function configOf(documents: readonly Json[], hasNoThing = false): string {
  const policies = documents.map(
    (document, index) =>
      [
        `policy${index}`,
        {
          Type: 'AWS::IoT::Policy',
          Properties: { PolicyDocument: typeof document === 'string' ? document : JSON.stringify(document) }
        }
      ] as const
  )
  const others = resourcesWithout('policy')
  if (hasNoThing) delete others.thing
  const template = {
    ...templateOf(hasNoThing ? { parameters: ['Id'] } : {}),
    Resources: { ...others, ...Object.fromEntries(policies) }
  }
  return JSON.stringify({ templateBody: JSON.stringify(template, null, 1), roleArn }, null, 2)
}

export const documentOf = (statements: readonly Json[]): Json => ({
  Version: '2012-10-17',
  Statement: [...statements]
})

/** What is said of a text about policies, each with what stands at its place. */
export function toldOf(text: string, options: TemplateOptions = {}): readonly string[] {
  const lines = text.split('\n')
  return checkTemplate(readTemplateSource(text), options)
    .filter(({ id }) => id.startsWith('policy-') && id !== 'policy-uses-thing-name')
    .map(({ id, position }) => {
      const line = lines[(position?.line ?? 0) - 1] ?? ''
      const rest = line.slice((position?.column ?? 0) - 1).replace(/^[\\"]+/, '')
      return `${id} ${rest.split(/[\\"]/, 1)[0]}`
    })
}

export function told({ statements, options, hasNoThing }: PolicyCase): readonly string[] {
  return toldOf(configOf([documentOf(statements)], hasNoThing), options)
}

export const isNote = (line: string): boolean =>
  Object.entries(findingCatalogue).some(
    ([id, { severity }]) => severity === 'note' && line.startsWith(`${id} `)
  )

const own = '${iot:Connection.Thing.ThingName}'

export const flawCases: readonly PolicyCase[] = [
  {
    shape: 'the words of an action in another order',
    statements: [connect, allow(['iot:PublishRetain', 'iot:Publish'], arn('topic/x'))],
    findings: ['policy-action-unknown iot:PublishRetain']
  },
  {
    shape: 'an action with a letter too few',
    statements: [allow(['iot:Conect', 'iot:Publish'], '*')],
    findings: [
      'policy-lets-nobody-connect policy0',
      'policy-action-unknown iot:Conect',
      'policy-resource-wide *'
    ]
  },
  {
    shape: 'wildcards that no action meets',
    statements: [connect, allow('iot:Pulbish*', arn('topic/x'))],
    findings: ['policy-action-unknown iot:Pulbish*']
  },
  {
    shape: 'an action of another service',
    statements: [connect, allow('s3:GetObject', '*')],
    findings: ['policy-action-of-other-service s3:GetObject']
  },
  {
    shape: 'an action of another service, denied',
    statements: [connect, deny('s3:*', '*')],
    findings: []
  },
  {
    shape: 'an action of the control plane',
    statements: [connect, allow(['iot:UpdateThing', 'iot:CreateKeys*'], '*')],
    findings: [
      'policy-action-not-for-devices iot:UpdateThing',
      'policy-action-not-for-devices iot:CreateKeys*'
    ]
  },
  {
    shape: 'jobs over HTTPS, and Greengrass',
    statements: [
      connect,
      allow(['iotjobsdata:UpdateJobExecution', 'iotjobsdata:Describe*'], arn(`thing/${own}`)),
      allow(['greengrass:Discover', 'greengrass:*'], 'arn:aws:greengrass:eu-central-1:210987654321:*')
    ],
    findings: []
  },
  {
    shape: 'subscribing on a topic',
    statements: [connect, allow('iot:Subscribe', arn('topic/x'))],
    findings: [`policy-resource-not-of-action ${arn('topic/x')}`]
  },
  {
    shape: 'receiving and publishing on a topic filter',
    statements: [connect, allow(['iot:Receive', 'iot:Publish'], arn('topicfilter/x'))],
    findings: [`policy-resource-not-of-action ${arn('topicfilter/x')}`]
  },
  {
    shape: 'connecting as a topic',
    statements: [allow(['iot:Publish', 'iot:Connect'], arn('topic/a/*'))],
    findings: ['policy-resource-not-of-action iot:Connect', 'policy-lets-nobody-connect iot:Connect']
  },
  {
    shape: 'topics and filters in one statement',
    statements: [
      connect,
      allow(['iot:Publish', 'iot:Subscribe', 'iot:Receive'], [arn('topic/a'), arn('topicfilter/a')])
    ],
    findings: []
  },
  {
    shape: 'a list of retained messages on a topic',
    statements: [connect, allow('iot:ListRetainedMessages', arn('topic/a'))],
    findings: [`policy-resource-not-of-action ${arn('topic/a')}`]
  },
  {
    shape: 'a colon behind the type',
    statements: [connect, allow('iot:Publish', arn('topic:/x'))],
    findings: [`policy-resource-matches-nothing ${arn('topic:/x')}`]
  },
  ...[
    'topic/x',
    'arn:aws:iot:eu-central-1:topic/x',
    'arn:aws:iot:eu-central-1:2109:topic/x',
    arn('topics/x')
  ].map(resource => ({
    shape: `no ARN: ${resource}`,
    statements: [connect, allow('iot:Publish', resource)],
    findings: [`policy-resource-matches-nothing ${resource}`]
  })),
  {
    shape: 'another account than that of the role',
    statements: [connect, allow('iot:Publish', 'arn:aws:iot:eu-central-1:111122223333:topic/x')],
    findings: ['policy-resource-elsewhere arn:aws:iot:eu-central-1:111122223333:topic/x']
  },
  {
    shape: 'another partition than that of the role',
    statements: [allow('iot:Connect', 'arn:aws-cn:iot:*:*:client/*')],
    findings: [
      'policy-lets-nobody-connect iot:Connect',
      'policy-resource-elsewhere arn:aws-cn:iot:*:*:client/*'
    ]
  },
  {
    shape: 'another region than the one of the registration',
    statements: [connect, allow('iot:Publish', arn('topic/x'))],
    options: { registeredAt: { region: 'eu-west-1' } },
    findings: [
      'policy-lets-nobody-connect iot:Connect',
      `policy-resource-elsewhere ${arn('client/${iot:ClientId}')}`,
      `policy-resource-elsewhere ${arn('topic/x')}`
    ]
  },
  {
    shape: 'wildcards of MQTT',
    statements: [
      connect,
      allow('iot:Subscribe', arn('topicfilter/a/#')),
      allow('iot:Receive', [arn('topic/b/+'), arn('topic/a/*')])
    ],
    findings: ['policy-mqtt-wildcard-in-filter #', 'policy-mqtt-wildcard +']
  },
  {
    shape: 'an operator with a letter too many',
    statements: [
      connect,
      allow('iot:Publish', arn('topic/x'), when('ForAnyValue:StringLikes', 'iot:ClientId', 'a'))
    ],
    findings: ['policy-condition-operator-unknown ForAnyValue:StringLikes']
  },
  {
    shape: 'conditions that are no map',
    statements: [
      allow('iot:Connect', '*', { Condition: [] }),
      allow('iot:Connect', '*', { Condition: { Bool: 'true' } }),
      allow('iot:Connect', '*', when('Bool', 'iot:Connection.Thing.IsAttached', { a: 1 }))
    ],
    findings: ['policy-document-invalid []},{', 'policy-document-invalid true', 'policy-document-invalid {']
  },
  {
    shape: 'a condition key that is none',
    statements: [connect, allow('iot:Publish', arn('topic/x'), when('StringEquals', 'iot:Clientid2', 'a'))],
    findings: ['policy-condition-key-unknown iot:Clientid2']
  },
  {
    shape: 'a condition key of people who signed in',
    statements: [connect, allow('iot:Publish', arn('topic/x'), when('StringEquals', 'aws:username', 'a'))],
    findings: ['policy-condition-key-unknown aws:username']
  },
  {
    shape: 'variables of other identities',
    statements: [
      connect,
      allow('iot:Publish', [arn('topic/${cognito-identity.amazonaws.com:sub}'), arn('topic/${aws:userid}')])
    ],
    findings: [
      'policy-variable-unknown ${cognito-identity.amazonaws.com:sub}',
      'policy-variable-unknown ${aws:userid}'
    ]
  },
  {
    shape: 'a variable that is not closed',
    statements: [connect, allow('iot:Publish', arn('topic/${iot:ClientId/x'))],
    findings: ['policy-variable-unclosed ${iot:ClientId/x']
  },
  {
    shape: 'thing variables without a thing',
    statements: [
      allow('iot:Connect', arn(`client/${own}`)),
      allow('iot:Publish', arn('topic/x'), when('Bool', 'iot:Connection.Thing.IsAttached', 'true'))
    ],
    hasNoThing: true,
    findings: [
      'policy-lets-nobody-connect iot:Connect',
      `policy-thing-variable-without-thing ${own}`,
      'policy-thing-variable-without-thing iot:Connection.Thing.IsAttached'
    ]
  },
  {
    shape: 'a Sid twice',
    statements: [
      { Sid: 'One', ...connect },
      { Sid: 'One', ...allow('iot:Publish', arn('topic/x')) }
    ],
    findings: ['policy-sid-repeated One']
  },
  {
    shape: 'every topic',
    statements: [connect, allow('iot:Publish', [arn('topic/*'), arn('topic/a/*'), 'arn:aws:iot:*'])],
    findings: [`policy-resource-wide ${arn('topic/*')}`, 'policy-resource-wide arn:aws:iot:*']
  },
  {
    shape: 'subscribing without receiving',
    statements: [
      connect,
      allow('iot:Subscribe', [arn('topicfilter/a/+/b'), arn('topicfilter/c')]),
      allow('iot:Receive', arn('topic/a/*'))
    ],
    findings: [
      'policy-mqtt-wildcard-in-filter +/b',
      `policy-subscribes-without-receive ${arn('topicfilter/c')}`
    ]
  },
  {
    shape: 'receiving without subscribing',
    statements: [connect, allow('iot:Receive', arn('topic/a'))],
    findings: [`policy-receives-without-subscribe ${arn('topic/a')}`]
  },
  {
    shape: 'retaining without publishing',
    statements: [connect, allow('iot:RetainPublish', arn('topic/a')), allow('iot:Publish', arn('topic/b'))],
    findings: [`policy-retains-without-publish ${arn('topic/a')}`]
  },
  {
    shape: 'a filter for all below, and for the level itself',
    statements: [
      connect,
      allow('iot:Subscribe', arn('topicfilter/a/#')),
      allow('iot:Receive', arn('topic/a'))
    ],
    findings: ['policy-mqtt-wildcard-in-filter #']
  },
  {
    shape: 'a subscription that is shared',
    statements: [
      connect,
      allow('iot:Subscribe', arn('topicfilter/$share/g/a')),
      allow('iot:Receive', arn('topic/a'))
    ],
    findings: []
  }
]

/** Whether a client can connect by what is written. */
export const connectCases: readonly (PolicyCase & { readonly connects: boolean })[] = [
  { shape: 'a wildcard at the end', statements: [allow('iot:Con*', '*')], connects: true, findings: [] },
  { shape: 'a wildcard for a letter', statements: [allow('iot:?onnect', '*')], connects: true, findings: [] },
  { shape: 'a wildcard in front', statements: [allow('*:connect', '*')], connects: true, findings: [] },
  { shape: 'another case', statements: [allow('IOT:CONNECT', '*')], connects: true, findings: [] },
  { shape: 'any client', statements: [allow('iot:Connect', '*:client/*')], connects: true, findings: [] },
  {
    shape: 'denied under a condition',
    statements: [connect, deny('iot:Connect', '*', when('IpAddress', 'aws:SourceIp', '10.0.0.0/8'))],
    connects: true,
    findings: []
  },
  {
    shape: 'attached to a thing where there is one',
    statements: [allow('iot:Connect', '*', when('BoolIfExists', 'iot:Connection.Thing.IsAttached', 'true'))],
    hasNoThing: true,
    connects: true,
    findings: []
  },
  {
    shape: 'attached to a thing, of which there is none',
    statements: [allow('iot:Connect', '*', when('Bool', 'iot:Connection.Thing.IsAttached', 'true'))],
    hasNoThing: true,
    connects: false,
    findings: [
      'policy-lets-nobody-connect iot:Connect',
      'policy-thing-variable-without-thing iot:Connection.Thing.IsAttached'
    ]
  },
  {
    shape: 'denied to some clients',
    statements: [allow('iot:Connect', arn('client/*')), deny('iot:Connect', arn('client/a*'))],
    connects: true,
    findings: []
  },
  {
    shape: 'denied by an ARN of another account',
    statements: [
      allow('iot:Connect', '*'),
      deny('iot:Connect', 'arn:aws:iot:eu-central-1:111122223333:client/*')
    ],
    connects: true,
    findings: ['policy-resource-elsewhere arn:aws:iot:eu-central-1:111122223333:client/*']
  },
  {
    shape: 'denied altogether',
    statements: [connect, deny('iot:*', '*')],
    connects: false,
    findings: ['policy-lets-nobody-connect iot:*']
  },
  {
    shape: 'denied to all clients',
    statements: [allow('iot:Connect', '*'), deny('iot:C?nnect', 'arn:aws:iot:*:*:client/*')],
    options: { registeredAt: { region: 'eu-central-1' } },
    connects: false,
    findings: ['policy-lets-nobody-connect iot:C?nnect']
  },
  {
    shape: 'denied to the one client',
    statements: [allow('iot:Connect', arn('client/ab')), deny('iot:Connect', arn('client/a?'))],
    connects: false,
    findings: ['policy-lets-nobody-connect iot:Connect']
  },
  {
    shape: 'a client id longer than any',
    statements: [allow('iot:Connect', arn(`client/${'a'.repeat(129)}`))],
    connects: false,
    findings: [
      'policy-lets-nobody-connect iot:Connect',
      `policy-resource-matches-nothing ${arn(`client/${'a'.repeat(129)}`)}`
    ]
  },
  {
    shape: 'a wildcard that meets other actions',
    statements: [allow('iot:Connect?', '*')],
    connects: false,
    findings: ['policy-lets-nobody-connect policy0', 'policy-action-unknown iot:Connect?']
  }
]
