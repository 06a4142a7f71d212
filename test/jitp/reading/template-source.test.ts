import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTemplateSource } from '../../../src/jitp/reading/template-source.ts'
import { connectDocument, type Json, templateOf } from '../template-cases.ts'

const role = 'arn:aws:iam::210987654321:role/line-provisioning'
const template = templateOf()
const body = JSON.stringify(template, null, 1)
const config = (templateBody: Json): string => JSON.stringify({ templateBody, roleArn: role }, null, 2)
const escaped = (text: string): string => JSON.stringify(text).slice(1, -1)

const read = (input: unknown) => {
  const { value, form, findings } = readTemplateSource(input)
  const places = findings.map(
    ({ id, position }) => `${id}@${position?.line ?? '-'}:${position?.column ?? '-'}`
  )
  return { isTemplate: JSON.stringify(value) === JSON.stringify(template), form, places }
}

describe('readTemplateSource finds the template', () => {
  it.each<[string, unknown, { form: string; places: string[] }]>([
    ['as text', body, { form: 'template', places: [] }],
    ['as an object', template, { form: 'template', places: [] }],
    ['as a string literal', JSON.stringify(body), { form: 'string', places: [] }],
    [
      'as a string literal of a string literal',
      JSON.stringify(JSON.stringify(body)),
      { form: 'string', places: ['escaped-too-often@1:4'] }
    ],
    [
      'escaped, its outer quotes lost',
      escaped(body),
      { form: 'template', places: ['escaped-too-often@1:1'] }
    ],
    ['in a config', config(body), { form: 'registration-config', places: [] }],
    [
      'in a config given as an object',
      { templateBody: body, roleArn: role },
      { form: 'registration-config', places: [] }
    ],
    [
      'in a config, unescaped',
      config(template),
      { form: 'registration-config', places: ['escaped-too-seldom@2:19'] }
    ],
    [
      'in a config object, unescaped',
      { templateBody: template, roleArn: role },
      { form: 'registration-config', places: ['escaped-too-seldom@-:-'] }
    ],
    [
      'in a config, escaped twice',
      config(JSON.stringify(body)),
      { form: 'registration-config', places: ['escaped-too-often@2:22'] }
    ],
    [
      'in a config, escaped twice without quotes',
      config(escaped(body)),
      { form: 'registration-config', places: ['escaped-too-often@2:20'] }
    ],
    [
      'in a config, escaped five times',
      config(JSON.stringify(JSON.stringify(JSON.stringify(JSON.stringify(body))))),
      { form: 'registration-config', places: ['escaped-too-often@2:50'] }
    ],
    [
      'in a request of the AWS CLI',
      `{"setAsActive": true, "registrationConfig": ${config(body)}}`,
      { form: 'registration-config', places: [] }
    ],
    [
      'in a stored template',
      JSON.stringify({ templateName: 'pumps', templateBody: body, provisioningRoleArn: role }),
      { form: 'registration-config', places: [] }
    ],
    ['after a byte order mark', `\ufeff${body}`, { form: 'template', places: ['byte-order-mark@1:1'] }]
  ])('%s', (_, input, expected) => {
    expect(read(input)).toEqual({ isTemplate: true, ...expected })
  })

  it('in a config whose body was never escaped', () => {
    const text = `{"templateBody": "${JSON.stringify(templateOf({ policy: { PolicyName: 'p' } }))}", "roleArn": "${role}"}`
    const source = readTemplateSource(text)
    expect(source.findings.map(({ id }) => id)).toEqual(['escaped-too-seldom'])
    expect(source.findings[0]?.position).toEqual({ line: 1, column: 18 })
    expect(JSON.stringify(source.value)).toBe(JSON.stringify(templateOf({ policy: { PolicyName: 'p' } })))
  })
})

describe('readTemplateSource refuses', () => {
  it.each<[string, unknown, string[]]>([
    ['a list', '[1]', ['template-not-found']],
    ['a number', 7, ['template-not-found']],
    ['undefined', undefined, ['template-not-found']],
    ['a function inside', { Resources: () => 1 }, ['template-not-found']],
    ['an IAM policy', connectDocument(), ['template-not-found']],
    ['an empty text', '', ['json-syntax']],
    ['a text that is no JSON', 'Parameters', ['json-syntax']],
    ['only the name of a template', '{\n "templateName": "pumps" }', ['template-named-only']],
    ['a config in a config', config(config(body)), ['template-not-found']],
    [
      'too many layers',
      Array.from({ length: 10 }).reduce<string>(text => JSON.stringify(text), body),
      ['template-not-found']
    ]
  ])('%s', (_, input, ids) => {
    const source = readTemplateSource(input)
    expect(source.value).toBeUndefined()
    expect(source.findings.map(({ id }) => id)).toEqual(ids)
  })
})

describe('the role', () => {
  it.each<[string, Json | undefined, { read?: string; ids: string[] }]>([
    ['is read', role, { read: role, ids: [] }],
    [
      'of another partition is read',
      'arn:aws-cn:iam::210987654321:role/x',
      { read: 'arn:aws-cn:iam::210987654321:role/x', ids: [] }
    ],
    ['may be missing', undefined, { ids: ['role-arn-missing'] }],
    ['is not a placeholder', '<ROLE_ARN>', { ids: ['role-arn-invalid'] }],
    ['is not a user', 'arn:aws:iam::210987654321:user/x', { ids: ['role-arn-invalid'] }],
    ['is a string', 12, { ids: ['role-arn-invalid'] }]
  ])('%s', (_, roleArn, { read: expected, ids }) => {
    const source = readTemplateSource({ templateBody: body, ...(roleArn !== undefined && { roleArn }) })
    expect(source.roleArn).toBe(expected)
    expect(source.findings.map(({ id }) => id)).toEqual(ids)
  })

  it('is spelt roleArn', () => {
    const source = readTemplateSource({ templateBody: body, RoleArn: role })
    expect(source.findings.map(({ id, pointer }) => [id, pointer])).toEqual([
      ['registration-config-member-unknown', '/RoleArn'],
      ['role-arn-missing', '']
    ])
  })
})

describe('positions', () => {
  it('lead through every layer of escaping to the character that was typed', () => {
    const text = `{\n  "roleArn": "${role}",\n  "templateBody": ${JSON.stringify(body)}\n}`
    const { sourceMap } = readTemplateSource(text)
    const pointer = '/Resources/policy/Properties/PolicyDocument'
    const position = sourceMap.positionInString(pointer, connectDocument().indexOf('iot:Connect'))
    expect(position?.line).toBe(3)
    expect(text.split('\n')[2]?.slice((position?.column ?? 0) - 1)).toMatch(/^iot:Connect/)
  })

  it('count lines in a body that is given as an object member', () => {
    const { sourceMap } = readTemplateSource({ templateBody: body, roleArn: role })
    const { line } = sourceMap.positionOf('/Resources/certificate', 'name') ?? { line: 0 }
    expect(body.split('\n')[line - 1]).toContain('"certificate"')
  })
})

describe('any text', () => {
  it('is read without an exception, and what is not a template says so', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ',',
      ':',
      '“',
      ' ',
      'templateBody',
      'Resources',
      'roleArn',
      '1'
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), words => {
        const source = readTemplateSource(words.join(''))
        expect(source.value !== undefined || source.findings.length > 0).toBe(true)
      }),
      { numRuns: 2000 }
    )
  })
})
