import { describe, expect, it } from 'vitest'
import type { Json } from '../template-cases.ts'
import { allow, arn, connect, deny, isNote, type PolicyCase, told, when } from './policy-cases.ts'

/**
 * Policies of the shapes that the AWS IoT Core Developer Guide shows in its chapter "AWS IoT Core policies", page by page,
 * with what is to be said of them. Names and topics are our own. Notes are left out.
 */
type Shape = Omit<PolicyCase, 'findings'> & { readonly findings?: readonly string[] }

const own = '${iot:Connection.Thing.ThingName}'
const asThing = allow(['iot:Connect'], [arn(`client/${own}`)])
const asClients = allow(['iot:Connect'], [arn('client/pump-1'), arn('client/pump-2')])
const attributes = (operator: string, values: Json): ReturnType<typeof when> =>
  when(operator, 'iot:ConnectAttributes', values)
const anyClient = (more = {}) => allow(['iot:Connect'], '*', more)

const pages: Readonly<Record<string, readonly Shape[]>> = {
  'Connect policy examples': [
    { shape: 'one client', statements: [allow(['iot:Connect'], [arn('client/pump-1')])] },
    {
      shape: 'all things but two clients',
      statements: [
        deny(['iot:Connect'], [arn('client/pump-1'), arn('client/pump-2')]),
        allow(
          ['iot:Connect'],
          [arn(`client/${own}`)],
          when('Bool', 'iot:Connection.Thing.IsAttached', 'true')
        )
      ]
    },
    {
      shape: 'persistent sessions',
      statements: [anyClient(attributes('ForAllValues:StringEquals', ['PersistentConnect']))]
    },
    {
      shape: 'no persistent sessions',
      statements: [anyClient(attributes('ForAllValues:StringNotEquals', ['PersistentConnect']))]
    },
    {
      shape: 'no persistent sessions, by a denial',
      statements: [
        anyClient(),
        deny(['iot:Connect'], '*', attributes('ForAnyValue:StringEquals', ['PersistentConnect']))
      ]
    },
    { shape: 'default features alone', statements: [anyClient(attributes('ForAllValues:StringEquals', []))] },
    {
      shape: 'persistent sessions with a last will, and nothing less',
      statements: [
        anyClient(attributes('ForAllValues:StringEquals', ['PersistentConnect', 'LastWill'])),
        deny(['iot:Connect'], '*', attributes('ForAllValues:StringEquals', ['PersistentConnect'])),
        deny(['iot:Connect'], '*', attributes('ForAllValues:StringEquals', ['LastWill'])),
        deny(['iot:Connect'], '*', attributes('ForAllValues:StringEquals', []))
      ]
    },
    {
      shape: 'a last will on one topic',
      statements: [anyClient(when('ArnEquals', 'iot:LastWillTopic', arn('topic/last/will')))]
    },
    {
      shape: 'a filter for a thing, and nothing to receive',
      statements: [asThing, allow(['iot:Subscribe'], [arn('topicfilter/orders')])],
      findings: [`policy-subscribes-without-receive ${arn('topicfilter/orders')}`]
    }
  ],
  'Publish/Subscribe policy examples': [
    {
      shape: 'one topic',
      statements: [
        asThing,
        allow(['iot:Publish', 'iot:Receive'], [arn('topic/line/one')]),
        allow(['iot:Subscribe'], [arn('topicfilter/line/one')])
      ]
    },
    {
      shape: 'topics with a prefix',
      statements: [
        asClients,
        allow(['iot:Publish', 'iot:Receive'], [arn('topic/line/one*')]),
        allow(['iot:Subscribe'], [arn('topicfilter/line/one*')])
      ]
    },
    {
      shape: 'topics of each thing',
      statements: [
        asThing,
        allow(['iot:Publish'], [arn(`topic/sensor/${own}`)]),
        allow(['iot:Subscribe'], [arn(`topicfilter/orders/${own}`)]),
        allow(['iot:Receive'], [arn(`topic/orders/${own}`)])
      ]
    },
    {
      shape: 'topics of each client',
      statements: [
        asClients,
        allow(['iot:Publish'], [arn('topic/sensor/${iot:ClientId}')]),
        allow(['iot:Subscribe'], [arn('topicfilter/orders/${iot:ClientId}')]),
        allow(['iot:Receive'], [arn('topic/orders/${iot:ClientId}')])
      ]
    },
    {
      shape: 'topics with an attribute of the thing',
      statements: [
        asThing,
        allow(['iot:Publish'], [arn('topic/sensor/${iot:Connection.Thing.Attributes[line]}')]),
        allow(['iot:Subscribe'], [arn('topicfilter/orders/${iot:Connection.Thing.Attributes[line]}')]),
        allow(['iot:Receive'], [arn('topic/orders/${iot:Connection.Thing.Attributes[line]}')])
      ]
    },
    {
      shape: 'a subtopic that is not published to',
      statements: [
        asThing,
        allow(['iot:Publish'], [arn('topic/building/*')]),
        deny(['iot:Publish'], [arn('topic/building/doors')])
      ]
    },
    {
      shape: 'a subtopic that is not received',
      statements: [
        asThing,
        allow(['iot:Subscribe'], [arn('topicfilter/building/*')]),
        allow(['iot:Receive'], [arn('topic/building/*')]),
        deny(['iot:Receive'], [arn('topic/building/doors/*')])
      ]
    },
    {
      shape: 'a filter with a wildcard of MQTT',
      statements: [
        asThing,
        allow(['iot:Subscribe'], [arn('topicfilter/building/+/doors')]),
        allow(['iot:Receive'], [arn('topic/building/*/doors')])
      ]
    },
    {
      shape: 'rooms of the thing, with a wildcard in the name of a level',
      statements: [
        asThing,
        allow(['iot:Subscribe'], [arn(`topicfilter/${own}/hall*`)]),
        allow(['iot:Receive'], [arn(`topic/${own}/hall*`)])
      ]
    },
    {
      shape: 'the name of the thing by a variable that the list of variables has not',
      statements: [asThing, allow(['iot:Publish'], [arn('topic/sensor/${iot:Thing.ThingName}')])],
      findings: ['policy-variable-unknown ${iot:Thing.ThingName}']
    },
    {
      shape: 'an identity of Amazon Cognito, which no certificate is',
      statements: [
        allow(['iot:Publish'], [arn('topic/${cognito-identity.amazonaws.com:sub}')]),
        allow(['iot:Connect'], [arn('client/${cognito-identity.amazonaws.com:sub}')])
      ],
      findings: [
        'policy-lets-nobody-connect iot:Connect',
        'policy-variable-unknown ${cognito-identity.amazonaws.com:sub}',
        'policy-variable-unknown ${cognito-identity.amazonaws.com:sub}'
      ]
    }
  ],
  'Connect and publish policy examples': [
    { shape: 'a topic of the thing', statements: [allow(['iot:Publish'], [arn(`topic/${own}`)]), asThing] },
    {
      shape: 'a topic of the client',
      statements: [allow(['iot:Publish'], [arn('topic/${iot:ClientId}')]), asClients]
    }
  ],
  'Retained message policy examples': [
    {
      shape: 'publishing',
      statements: [asClients, allow(['iot:Publish', 'iot:RetainPublish'], [arn('topic/state')])]
    },
    {
      shape: 'a last will',
      statements: [
        allow(['iot:Connect'], [arn('client/pump-1')], attributes('ForAllValues:StringEquals', ['LastWill'])),
        allow(['iot:Publish', 'iot:RetainPublish'], [arn('topic/will')])
      ]
    },
    {
      shape: 'listing and getting, over HTTPS',
      statements: [
        allow(['iot:ListRetainedMessages'], ['*']),
        allow(['iot:GetRetainedMessage'], [arn('topic/state')])
      ],
      findings: ['policy-lets-nobody-connect policy0']
    }
  ],
  'Certificate policy examples': [
    {
      shape: 'the id of the certificate',
      statements: [allow(['iot:Publish'], [arn('topic/${iot:CertificateId}')]), asThing]
    },
    {
      shape: 'the CommonName',
      statements: [allow(['iot:Publish'], [arn('topic/${iot:Certificate.Subject.CommonName}')]), asClients]
    },
    {
      shape: 'a third CommonName in a condition',
      statements: [
        asThing,
        allow(
          ['iot:Publish'],
          [arn('topic/admin/*')],
          when('StringEquals', 'iot:Certificate.Subject.CommonName.2', 'Admin')
        )
      ]
    },
    {
      shape: 'any CommonName in a condition',
      statements: [
        asThing,
        allow(
          ['iot:Publish'],
          [arn(`topic/admin/${own}`)],
          when('ForAnyValue:StringEquals', 'iot:Certificate.Subject.CommonName.List', 'Admin')
        )
      ]
    }
  ],
  'Thing policy examples': [
    {
      shape: 'whoever is attached to a thing',
      statements: [allow(['iot:Connect'], ['*'], when('Bool', 'iot:Connection.Thing.IsAttached', ['true']))]
    },
    {
      shape: 'things of a type with an attribute',
      statements: [
        connect,
        allow('iot:Publish', arn('topic/stats'), {
          Condition: {
            StringEquals: {
              'iot:Connection.Thing.Attributes[line]': 'one',
              'iot:Connection.Thing.ThingTypeName': 'pump'
            },
            Bool: { 'iot:Connection.Thing.IsAttached': 'true' }
          }
        })
      ]
    },
    {
      shape: 'topics that begin with an attribute',
      statements: [connect, allow(['iot:Publish'], [arn('topic/${iot:Connection.Thing.Attributes[line]}/*')])]
    }
  ],
  'Basic job policy example': [
    {
      shape: 'a device that runs jobs, as it works',
      statements: [
        allow(['iot:Connect'], [arn('client/pump-1')]),
        allow(['iot:Publish'], [arn('topic/$aws/things/pump-1/jobs/*'), arn('topic/$aws/events/job/*')]),
        allow(['iot:Subscribe'], [arn('topicfilter/$aws/things/pump-1/jobs/*')]),
        allow(['iot:Receive'], [arn('topic/$aws/things/pump-1/jobs/*')]),
        allow(
          ['iotjobsdata:DescribeJobExecution', 'iotjobsdata:StartNextPendingJobExecution'],
          [arn('thing/pump-1')]
        )
      ]
    },
    {
      shape: 'an older edition, with topics where a filter and a thing are asked about',
      statements: [
        allow(['iot:Connect'], [arn('client/pump-1')]),
        allow(['iot:Subscribe'], [arn('topic/$aws/events/jobs/*'), arn('topicfilter/orders')]),
        allow(['iot:Receive'], [arn('topic/orders')]),
        allow(['iot:DescribeJobExecution', 'iot:UpdateJobExecution'], [arn('topic/$aws/things/pump-1')])
      ],
      findings: [
        `policy-resource-not-of-action ${arn('topic/$aws/events/jobs/*')}`,
        `policy-resource-not-of-action ${arn('topic/$aws/things/pump-1')}`
      ]
    }
  ],
  'Basic AWS IoT Core policy variables': [
    {
      shape: 'an address in a condition',
      statements: [
        allow(['iot:Connect'], [arn('client/pump-1')]),
        allow(
          ['iot:Publish'],
          [arn('topic/a/${iot:ClientId}')],
          when('IpAddress', 'aws:SourceIp', '192.0.2.7')
        )
      ]
    },
    { shape: 'whatever client id', statements: [connect] },
    {
      shape: 'a domain name',
      statements: [
        connect,
        allow(['iot:Publish'], [arn('topic/a')], when('StringEquals', 'iot:DomainName', 'd1.example.com'))
      ]
    },
    {
      shape: 'a topic of the domain name',
      statements: [connect, allow(['iot:Publish'], [arn('topic/${iot:DomainName}/a')])]
    }
  ],
  'X.509 certificate AWS IoT Core policy variables': [
    {
      shape: 'organizations in a condition',
      statements: [
        asThing,
        allow(
          ['iot:Publish'],
          [arn(`topic/a/${own}`)],
          when('ForAllValues:StringEquals', 'iot:Certificate.Subject.Organization.List', ['Example', 'Other'])
        )
      ]
    },
    ...[
      'Issuer.CommonName',
      'Subject.GenerationQualifier',
      'Issuer.AlternativeName.DNSName',
      'Subject.AlternativeName.UniformResourceIdentifier',
      'SerialNumber'
    ].map(name => ({
      shape: name,
      statements: [connect, allow('iot:Publish', arn(`topic/\${iot:Certificate.${name}}`))]
    }))
  ],
  'Using AWS IoT Core with interface VPC endpoints': [
    {
      shape: 'one endpoint',
      statements: [
        allow(
          ['iot:Connect'],
          [arn(`client/${own}`)],
          when('StringEquals', 'aws:SourceVpce', 'vpce-1a2b3c4d')
        ),
        allow(['iot:Publish'], [arn(`topic/${own}/*`)])
      ]
    }
  ],
  'Authorizing direct calls to AWS services': [
    {
      shape: 'a role alias, over HTTPS',
      statements: [connect, allow('iot:AssumeRoleWithCertificate', arn('rolealias/line'))]
    }
  ],
  'Device Shadow': [
    {
      shape: 'shadows over MQTT and HTTPS',
      statements: [
        asThing,
        allow(['iot:Publish'], [arn(`topic/$aws/things/${own}/shadow/*`)]),
        allow(['iot:Receive'], [arn(`topic/$aws/things/${own}/shadow/*`)]),
        allow(['iot:Subscribe'], [arn(`topicfilter/$aws/things/${own}/shadow/*`)]),
        allow(
          ['iot:GetThingShadow', 'iot:UpdateThingShadow', 'iot:ListNamedShadowsForThing'],
          [arn(`thing/${own}`)]
        )
      ]
    }
  ]
}

describe.each(Object.entries(pages))('the guide on %s', (_, shapes) => {
  it.each(shapes.map(each => [each.shape, each] as const))('%s', (_name, { findings = [], ...each }) => {
    const said = told({ ...each, findings }).filter(line => !isNote(line))
    expect([...said].sort()).toEqual([...findings].sort())
  })
})
