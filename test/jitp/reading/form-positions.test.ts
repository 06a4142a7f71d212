import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkTemplate } from '../../../src/jitp/checks/check.ts'
import { readTemplateSource } from '../../../src/jitp/reading/template-source.ts'
import { type Json, templateOf } from '../template-cases.ts'

const document = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'iot:Connect', Resource: 'arn:aws:iot:<REGION>:210987654321:client/*' }
  ]
})
const template = templateOf({ policy: { PolicyDocument: document } })
const body = JSON.stringify(template, null, 2)
const middle = body.indexOf('iot:Connect')
const stack = (templateBody: Json): string =>
  JSON.stringify(
    {
      Resources: {
        T: {
          Type: 'AWS::IoT::ProvisioningTemplate',
          Properties: { TemplateType: 'JITP', TemplateBody: templateBody, ProvisioningRoleArn: { Ref: 'R' } }
        }
      }
    },
    null,
    1
  )
const yamlStack = (scalar: string): string =>
  `Resources:\n  T:\n    Type: AWS::IoT::ProvisioningTemplate\n    Properties:\n      TemplateType: JITP\n      ProvisioningRoleArn: !Ref R\n      TemplateBody: ${scalar}\n`
const indented = (text: string): string => text.replaceAll(/^/gm, ' '.repeat(8))
const yamlOf = (policy: string): string =>
  `Parameters:\n  AWS::IoT::Certificate::CommonName: {Type: String}\nResources:\n  p:\n    Type: AWS::IoT::Policy\n    Properties:\n      PolicyDocument: ${policy}\n`

/** A placeholder that was left in the policy, wherever the text has it. */
const texts: readonly (readonly [string, string])[] = [
  ['a string of CloudFormation', stack(body)],
  ['the second part of a join', stack({ 'Fn::Join': ['', [body.slice(0, middle), body.slice(middle)]] })],
  ['a join by a delimiter', stack({ 'Fn::Join': ['T', body.split('T')] })],
  [
    'a substitution that leaves something alone',
    stack({ 'Fn::Sub': body.replace('iot:Connect', '${!iot:Connect}') })
  ],
  [
    'a value of a substitution',
    stack({ 'Fn::Sub': [body.replace('<REGION>', '${Place}'), { Place: '<REGION>' }] })
  ],
  ['a block of YAML', yamlStack(`|\n${indented(body)}`)],
  ['a folded block of YAML', yamlStack(`>-\n${indented(body)}`)],
  ['a block of YAML after a tag', yamlStack(`!Sub |\n${indented(body)}`)],
  ['double quotes of YAML', yamlStack(JSON.stringify(body))],
  ['single quotes of YAML', yamlStack(`'${JSON.stringify(template)}'`)],
  ['a policy in a block of YAML', yamlOf(`|-\n${indented(document)}`)],
  ['a policy in single quotes of YAML', yamlOf(`'${document}'`)],
  ['a policy in double quotes of YAML', yamlOf(JSON.stringify(document))],
  [
    'a configuration of Terraform',
    JSON.stringify(
      {
        resource: {
          aws_iot_provisioning_template: {
            t: { type: 'JITP', template_body: body.replace('"2012', () => '"$${a}2012') }
          }
        }
      },
      null,
      2
    )
  ]
]

describe('positions', () => {
  it.each(texts)('lead into %s', (_, text) => {
    const finding = checkTemplate(readTemplateSource(text)).find(({ id }) => id === 'placeholder-left')
    const { line, column } = finding?.position ?? { line: 0, column: 0 }
    expect(text.split('\n')[line - 1]?.slice(column - 1)).toMatch(/^<REGION>/)
  })

  it('lead to members and values of YAML', () => {
    const text = yamlOf("'{}'").replace('CommonName', 'CN').replace('AWS::IoT::Policy', 'AWS::IoT::Police')
    const places = checkTemplate(readTemplateSource(text)).map(
      ({ id, position }) =>
        `${id} ${text.split('\n')[(position?.line ?? 0) - 1]?.slice((position?.column ?? 0) - 1)}`
    )
    expect(places).toContain('parameter-unknown AWS::IoT::Certificate::CN: {Type: String}')
    expect(places).toContain('resource-type-unknown AWS::IoT::Police')
  })

  it('lead into escaped characters of YAML', () => {
    const text = yamlOf(String.raw`"{\"a\": \"\u003cREGION\x3e\", \"b\": \"\U0001F600 $` + '{x\\"}"')
    const { sourceMap } = readTemplateSource(text)
    const value = '{"a": "<REGION>", "b": "\u{1F600} ${x"}'
    const at = (part: string) => {
      const { line, column } = sourceMap.positionInString(
        '/Resources/p/Properties/PolicyDocument',
        value.indexOf(part)
      )!
      return text.split('\n')[line - 1]?.slice(column - 1)
    }
    expect(at('<REGION')).toMatch(/^\\u003cREGION/)
    expect(at('REGION')).toMatch(/^REGION/)
    expect(at('\u{1F600}')).toMatch(/^\\U0001F600/)
    expect(at('${x')).toMatch(/^\$\{x/)
  })
})

describe('any text of YAML', () => {
  it('is read without an exception, and what is not a template says so', () => {
    const pieces = fc.constantFrom(
      ...[
        '\n',
        '\n  ',
        '\n    ',
        '- ',
        'a: ',
        '? ',
        '!Sub ',
        '!Ref a',
        '!!binary ',
        '&a ',
        '*a',
        '|\n    ',
        '>-\n  '
      ],
      ...[
        '{',
        '}',
        '[',
        ']',
        '"',
        "'",
        '#',
        ': ',
        ', ',
        '\\',
        '---\n',
        '%YAML 1.1\n',
        '\t',
        '<<: ',
        '0x1',
        '.inf',
        '~'
      ],
      ...[
        'Type: AWS::IoT::ProvisioningTemplate',
        'Properties:',
        'TemplateBody: ',
        'Fn::Join: ',
        '${a}',
        'Ref: '
      ]
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), words => {
        const source = readTemplateSource(`Resources:${words.join('')}`)
        expect(source.value !== undefined || source.findings.length > 0).toBe(true)
        for (const { position } of checkTemplate(source)) expect(position).toBeDefined()
      }),
      { numRuns: 3000 }
    )
  })
})
