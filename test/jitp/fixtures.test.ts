import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkTemplate, examineTemplate } from '../../src/jitp/checks/check.ts'
import { readTemplateSource } from '../../src/jitp/reading/template-source.ts'
import { explainTemplate } from '../../src/jitp/template/explain.ts'
import type { TemplateOptions } from '../../src/jitp/template/options.ts'
import { fixturePath, readFixture } from './template-cases.ts'

/** What is said about each file, notes left out: `severity id line:column`. */
const readings: Readonly<Record<string, readonly string[]>> = {
  'all-parameters.json': [
    'warning parameter-unused 1:17',
    'warning parameter-unused 1:71',
    'warning parameter-unused 1:130',
    'warning parameter-unused 1:195',
    'warning parameter-unused 1:268',
    'error serial-number-source-missing 1:381'
  ],
  'aws-article.json': [
    'warning thing-name-long 2:245',
    'warning thing-named-by-id 2:245',
    'warning policy-lets-nobody-connect 2:553'
  ],
  'body-as-object.json': [
    'error escaped-too-seldom 2:19',
    'warning must-exist-for-every-value 24:28',
    'warning must-exist-for-every-value 28:13',
    'error role-arn-invalid 51:14'
  ],
  'certificate-by-pem.json': ['error bulk-template 2:3'],
  'curly-quotes.json': [
    'error typographic-quotes 2:3',
    'warning thing-name-long 2:245',
    'warning thing-named-by-id 2:245',
    'error typographic-quotes 2:638'
  ],
  'guide-bulk.json': ['error bulk-template 2:3'],
  'guide-fleet.json': [
    'error fleet-template 2:3',
    'error function-not-for-jitp 29:23',
    'warning policy-document-object 69:27',
    'error function-not-for-jitp 89:24'
  ],
  'guide-jitp.json': [
    'error serial-number-source-missing 6:5',
    'warning must-exist-for-every-value 32:11',
    'warning policy-resource-not-of-action 58:130',
    'warning policy-lets-nobody-connect 58:130'
  ],
  'hand-edited.json': [
    'error json-comment 2:3',
    'error parameter-type-unknown 5:44',
    'error json-trailing-comma 5:54',
    'error ref-undeclared 10:36',
    'error member-unknown 10:76',
    'error certificate-not-active 14:90'
  ],
  'markdown-escapes.json': [
    'error parameter-unknown 1:83',
    'warning must-exist-for-every-value 1:396',
    'error json-bad-escape 1:563'
  ],
  'no-thing.json': ['error fleet-template 2:3', 'warning thing-missing 10:16'],
  'own-certificate-parameter.json': ['error bulk-template 2:3', 'error value-type-wrong 18:22'],
  'policy-escaped-twice.json': [
    'warning thing-name-long 3:245',
    'warning thing-named-by-id 3:245',
    'error policy-document-escaped-too-often 3:637'
  ],
  'policy-name-placeholder.json': [
    'error serial-number-source-missing 2:156',
    'error policy-name-invalid 2:696',
    'error role-arn-invalid 3:14'
  ],
  'policy-without-name.json': ['error policy-name-or-document 30:21'],
  'python-dictionary.json': ['error single-quotes 1:2'],
  'recommended.json': [],
  'region-placeholders.json': [
    'warning placeholder-left 2:872',
    'warning placeholder-left 2:881',
    'warning placeholder-left 2:1041',
    'warning placeholder-left 2:1050',
    'warning placeholder-left 2:1190',
    'warning placeholder-left 2:1199',
    'error role-arn-invalid 3:14'
  ],
  'role-with-shell-variable.json': [
    'warning serial-number-source-stated 2:100',
    'warning parameter-unused 2:100',
    'error role-arn-invalid 3:13'
  ],
  'serial-as-thing-name.json': [
    'warning parameter-unused 6:5',
    'error serial-number-source-missing 9:5',
    'warning parameter-unused 12:5'
  ],
  'status-in-mixed-case.json': [],
  'template-stamp-attribute.json': ['error attribute-value-invalid 2:417'],
  'undeclared-serial-number.json': [
    'error fleet-template 2:3',
    'error policy-document-not-json 20:28',
    'error ref-undeclared 26:22'
  ],
  'unescaped-body.json': ['error escaped-too-seldom 2:19']
}

const explain = (name: string, options: TemplateOptions = {}) =>
  explainTemplate(examineTemplate(readTemplateSource(readFixture(name)), options).template, options)

describe('the templates that people have', () => {
  it('are all accounted for', () => {
    const files = readdirSync(fixturePath('.')).filter(file => file.endsWith('.json'))
    expect(Object.keys(readings).sort()).toEqual(files.sort())
    const documented = readFixture('README.md').match(/`[\w-]+\.json` \|/g)
    expect(documented?.map(name => name.slice(1, -3)).sort()).toEqual(files)
  })

  it.each(Object.entries(readings))('%s', (name, expected) => {
    const findings = checkTemplate(readTemplateSource(readFixture(name)))
    const shown = findings
      .filter(({ severity }) => severity !== 'note')
      .map(({ severity, id, position }) => `${severity} ${id} ${position?.line}:${position?.column}`)
    expect(shown).toEqual(expected)
  })
})

describe('explainTemplate', () => {
  it('says what the template of the AWS article creates', () => {
    expect(explain('aws-article.json')).toEqual([
      'Every certificate must carry Country in its subject.',
      "AWS IoT creates a thing. Its name is the certificate's id (64 hex digits).",
      'A renewed certificate has another id, so that it makes another thing.',
      'Its attribute `version` is `v1`.',
      "Its attribute `country` is the certificate's Country.",
      'The certificate becomes ACTIVE and is attached to the thing.',
      'A policy is made from the document in the template, shared by all devices, and attached to the certificate.',
      'It allows iot:Publish on *.'
    ])
  })

  it('says what the template of the developer guide creates', () => {
    expect(explain('guide-jitp.json', { serialNumberSource: 'certificate' })).toEqual([
      'Every certificate must carry CommonName and Country in its subject.',
      "AWS IoT creates a thing. Its name is the certificate's CommonName.",
      'Its attribute `version` is `v1`.',
      "Its attribute `serialNumber` is the certificate's serial number in decimal.",
      'Its thing type is `pump-controller`, which must exist.',
      "It joins the thing groups `pumps` and the certificate's Country, which must exist.",
      'If the thing exists already, its AttributePayload is merged with what is there.',
      'If the thing exists already, its ThingTypeName is replaced.',
      'If the thing exists already, its ThingGroups stays as it is.',
      'The certificate becomes ACTIVE and is attached to the thing.',
      'If the certificate exists already, its Status stays as it is.',
      'A policy is made from the document in the template, shared by all devices, and attached to the certificate.',
      'It allows iot:Publish and iot:Connect on arn:aws:iot:eu-central-1:210987654321:topic/pumps/*.'
    ])
  })

  it('explains a broken template as far as it can be read', () => {
    expect(explain('guide-fleet.json').slice(0, 3)).toEqual([
      'A certificate needs no particular subject field.',
      'AWS IoT creates a thing. Its name is `pump` and the value of `DeviceSerial`, which nothing supplies joined by `-`.',
      'Its attribute `site` is the value of `Site`, which nothing supplies.'
    ])
    expect(explain('hand-edited.json')[1]).toBe(
      'AWS IoT creates a thing. Its name is the value of `AWS::IoT::Certificate::CN`, which nothing supplies.'
    )
  })
})
