import { describe, expect, it } from 'vitest'
import { checkTemplate, examineTemplate } from '../../../src/jitp/checks/check.ts'
import { readTemplateSource } from '../../../src/jitp/reading/template-source.ts'
import { explainTemplate } from '../../../src/jitp/template/explain.ts'
import { expectWithin, measureCpu } from '../../support/time-limit.ts'
import { type Json, resourcesWithout, templateOf } from '../template-cases.ts'
import {
  allow,
  arn,
  configOf,
  connect,
  connectCases,
  deny,
  documentOf,
  flawCases,
  told,
  toldOf
} from './policy-cases.ts'

const inOrder = (lines: readonly string[]) => [...lines].sort()

describe('a policy in a registration config, escaped twice, with the place of each finding', () => {
  it.each(flawCases.map(each => [each.shape, each] as const))('%s', (_, each) => {
    expect(inOrder(told(each))).toEqual(inOrder(each.findings))
  })
})

describe('whether a client can connect', () => {
  it.each(connectCases.map(each => [each.shape, each] as const))('%s', (_, each) => {
    expect(inOrder(told(each))).toEqual(inOrder(each.findings))
    expect(told(each).every(line => !line.startsWith('policy-lets-nobody-connect'))).toBe(each.connects)
  })
})

describe('the policies of a template', () => {
  const publish = documentOf([allow('iot:Publish', arn('topic/a'))])
  const subscribe = documentOf([connect, allow('iot:Subscribe', arn('topicfilter/a'))])
  const receive = documentOf([allow('iot:Receive', arn('topic/a'))])

  it('are judged together', () => {
    expect(toldOf(configOf([publish]))).toEqual(['policy-lets-nobody-connect policy0'])
    expect(toldOf(configOf([publish, subscribe, receive]))).toEqual([])
    expect(toldOf(configOf([publish, subscribe, receive, documentOf([deny('iot:Rec*', '*')])]))).toEqual([
      `policy-subscribes-without-receive ${arn('topicfilter/a')}`
    ])
  })

  it('are not claimed to lack anything beside one that only is named', () => {
    const resources = {
      ...resourcesWithout('policy'),
      policy0: { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument: JSON.stringify(receive) } },
      named: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'p' } }
    }
    expect(toldOf(JSON.stringify({ ...templateOf(), Resources: resources }))).toEqual([])
  })

  it('are not claimed to lack anything where a resource of the template cannot be read', () => {
    const resources = {
      ...resourcesWithout('policy'),
      policy0: { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument: JSON.stringify(receive) } },
      odd: { Type: 'AWS::IoT::Polisy', Properties: {} }
    }
    expect(toldOf(JSON.stringify({ ...templateOf(), Resources: resources }))).toEqual([])
  })

  it('are not claimed to lack anything where one has an error', () => {
    const odd = documentOf([allow('iot:Publish', arn('topic/a'), { Effekt: 'Deny' })])
    expect(toldOf(configOf([odd]))).toEqual(['policy-document-invalid Effekt'])
  })
})

describe('a policy document as an object', () => {
  it('has the pointer of each finding', () => {
    const document = documentOf([
      connect,
      allow(['iot:Publish', 'iot:Pubish'], arn('topic/x'), { Condition: { StringLikes: { 'iot:x': 'a' } } })
    ])
    const text = JSON.stringify(templateOf({ policy: { PolicyDocument: document } }), null, 2)
    const place = '/Resources/policy/Properties/PolicyDocument/Statement/1'
    const findings = checkTemplate(readTemplateSource(text)).filter(({ pointer }) =>
      pointer.startsWith(place)
    )
    expect(findings.map(({ id, pointer }) => `${id} ${pointer.slice(place.length)}`)).toEqual([
      'policy-action-unknown /Action/1',
      'policy-condition-operator-unknown /Condition/StringLikes',
      'policy-condition-key-unknown /Condition/StringLikes/iot:x'
    ])
    const lines = text.split('\n')
    expect(
      findings.map(({ position }) => lines[(position?.line ?? 0) - 1]?.slice((position?.column ?? 0) - 1, 99))
    ).toEqual(['iot:Pubish"', '"StringLikes": {', '"iot:x": "a"'])
  })
})

describe('what is expected instead', () => {
  const expectedOf = (statement: Json) =>
    checkTemplate(readTemplateSource(configOf([documentOf([connect, statement])])))
      .filter(({ id }) => id.startsWith('policy-'))
      .map(({ expected }) => expected)
  const withCondition = (operator: string, key: string) =>
    allow('iot:Publish', arn('topic/a'), { Condition: { [operator]: { [key]: 'a' } } })

  it.each<[string, Json, string]>([
    ['the same words', allow('iot:PublishRetain', arn('topic/a')), 'iot:RetainPublish'],
    ['a letter', allow('iot:Subcribe', arn('topic/a')), 'iot:Subscribe'],
    ['letters that changed places', allow('iot:Recieve', arn('topic/a')), 'iot:Receive'],
    ['another service', allow('iotdata:Publish', arn('topic/a')), 'iot:Publish'],
    ['an operator', withCondition('StringLikes', 'iot:ClientId'), 'StringLike'],
    ['a key', withCondition('StringLike', 'iot:ClientIds'), 'iot:ClientId'],
    [
      'a variable',
      allow('iot:Publish', arn('topic/${iot:Thing.ThingName}')),
      '${iot:Connection.Thing.ThingName}'
    ],
    [
      'a variable in short',
      allow('iot:Publish', arn('topic/${ThingName}')),
      '${iot:Connection.Thing.ThingName}'
    ],
    [
      'a parameter of the template',
      allow('iot:Publish', arn('topic/${AWS::IoT::Certificate::CommonName}')),
      '${iot:Certificate.Subject.CommonName}'
    ],
    ['an ARN', allow('iot:Publish', arn('topic:/a')), `\`${arn('topic/a')}\``],
    ['nothing near', allow('iot:Zzzzzzzz', arn('topic/a')), 'an action of AWS IoT']
  ])('%s', (_, statement, expected) => {
    expect(expectedOf(statement)).toEqual([expected])
  })
})

describe('a template that came as an object', () => {
  it('has the place in the document in the message', () => {
    const document = JSON.stringify(
      documentOf([connect, allow(['iot:Publish', 'iot:Pubish'], arn('topic/a'))])
    )
    const [finding] = checkTemplate(readTemplateSource(templateOf({ policy: { PolicyDocument: document } })))
    expect(finding?.position).toBeUndefined()
    expect(finding?.message).toContain('/Statement/1/Action/1')
  })
})

describe('hostile documents', () => {
  const limitMs = 250
  const check = async (documents: readonly Json[]) => {
    const source = readTemplateSource(configOf(documents))
    let findings: ReturnType<typeof checkTemplate> = []
    const cpuMs = await measureCpu(() => (findings = checkTemplate(source)))
    return { findings, cpuMs }
  }
  const runs = '*a'.repeat(900)
  const documents: readonly (readonly [string, readonly Json[]])[] = [
    [
      'unknown actions',
      [
        documentOf([
          allow(
            Array.from({ length: 500 }, (_, index) => `iot:Q${index}`),
            '*'
          )
        ])
      ]
    ],
    [
      'wildcards in actions',
      [
        documentOf([
          allow(
            Array.from({ length: 400 }, () => 'iot:*e*e*e*e*'),
            '*'
          )
        ])
      ]
    ],
    [
      'wildcards in resources',
      [documentOf([allow('iot:*', arn(`topic/${runs}`)), deny('iot:*', arn(`topic/${runs}b`))])]
    ],
    [
      'many filters and topics',
      Array.from({ length: 10 }, () =>
        documentOf([
          connect,
          allow(
            ['iot:Subscribe'],
            Array.from({ length: 9 }, (_, index) => arn(`topicfilter/*${'a*'.repeat(20)}${index}`))
          ),
          allow(
            ['iot:Receive'],
            Array.from({ length: 9 }, (_, index) => arn(`topic/*${'b*'.repeat(20)}c${index}`))
          )
        ])
      )
    ],
    ['open braces', [documentOf([connect, allow('iot:Publish', '${'.repeat(3000))])]]
  ]

  it.each(documents)('%s', async (_, hostile) => {
    const { findings, cpuMs } = await check(hostile)
    expectWithin(cpuMs, limitMs)
    const counts = Map.groupBy(findings, ({ id }) => id)
    for (const each of counts.values()) expect(each.length).toBeLessThanOrEqual(50)
  })
})

describe('explainTemplate', () => {
  it('names actions and resources as they are written', () => {
    const source = readTemplateSource(
      configOf([documentOf([allow(['iot:Con*'], '*'), deny('iot:Publish', '*')])])
    )
    expect(explainTemplate(examineTemplate(source).template).slice(-2)).toEqual([
      'It allows iot:Con* on *.',
      'It denies iot:Publish on *.'
    ])
  })
})
