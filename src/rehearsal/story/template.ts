import { examineTemplate } from '../../jitp/checks/check.ts'
import { compileTemplate, requiredSubjectFields } from '../../jitp/evaluation/compile.ts'
import { findingCatalogue, isError } from '../../jitp/findings/finding.ts'
import { bodyTextOf } from '../../jitp/reading/registration-config.ts'
import { readTemplateSource } from '../../jitp/reading/template-source.ts'
import type { TemplateSwitches } from '../../jitp/template/options.ts'
import type { Subject, SubjectField } from '../../pki/name/subject-field.ts'
import { findPlace, type Place } from './place.ts'
import { StoryFailure } from './steps.ts'

export interface StoryTemplate {
  readonly templateBody: string
  /** Of the registration config, where the template came in one. */
  readonly roleArn: string | undefined
  readonly place: Place
  /** What a device's subject must carry for it. */
  readonly requiredFields: readonly SubjectField[]
  readonly switches: TemplateSwitches
  /** What is assumed, and what is easily missed, a line each. */
  readonly warnings: readonly string[]
}

/** A device is a thing by its CommonName, may connect as itself, and publish below its own name. */
export const storyTemplate = JSON.stringify({
  Parameters: {
    'AWS::IoT::Certificate::CommonName': { Type: 'String' },
    'AWS::IoT::Certificate::Country': { Type: 'String' },
    'AWS::IoT::Certificate::Id': { Type: 'String' }
  },
  Resources: {
    thing: {
      Type: 'AWS::IoT::Thing',
      Properties: {
        ThingName: { Ref: 'AWS::IoT::Certificate::CommonName' },
        AttributePayload: { line: 'rehearsal', country: { Ref: 'AWS::IoT::Certificate::Country' } }
      },
      OverrideSettings: { AttributePayload: 'MERGE', ThingTypeName: 'DO_NOTHING', ThingGroups: 'DO_NOTHING' }
    },
    certificate: {
      Type: 'AWS::IoT::Certificate',
      Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'ACTIVE' },
      OverrideSettings: { Status: 'REPLACE' }
    },
    policy: {
      Type: 'AWS::IoT::Policy',
      Properties: {
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: 'iot:Connect',
              Resource: 'arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}'
            },
            {
              Effect: 'Allow',
              Action: 'iot:Publish',
              Resource: 'arn:aws:iot:*:*:topic/devices/${iot:Connection.Thing.ThingName}/*'
            }
          ]
        })
      }
    }
  }
})

/** @throws StoryFailure with the findings, when AWS IoT would not take the template. */
export function readStoryTemplate(text: string, switches: TemplateSwitches): StoryTemplate {
  const source = readTemplateSource(text)
  const examination = examineTemplate(source, switches)
  const errors = examination.findings.filter(isError)
  if (errors.length > 0) {
    const lines = errors.map(
      ({ pointer, id, message }) => `  ${pointer} ${id}: ${message} ${findingCatalogue[id].remedy}`
    )
    throw new StoryFailure(
      ['The template would fail at AWS IoT (`mintline template check` says more):', ...lines].join('\n')
    )
  }
  const { roleArn } = source
  const templateBody = bodyTextOf(source)
  const warnings = examination.findings.filter(({ severity }) => severity === 'warning')
  return {
    templateBody,
    roleArn,
    place: findPlace(templateBody, roleArn),
    requiredFields: requiredSubjectFields(compileTemplate(examination, switches)),
    switches,
    warnings: warnings.map(({ id, message }) => `warning ${id}: ${message}`)
  }
}

const sampleSubject: Required<Subject> = {
  CommonName: 'rehearsal-0001',
  Country: 'DE',
  Organization: 'Rehearsal',
  OrganizationalUnit: 'Line-1',
  StateName: 'Berlin',
  Locality: 'Berlin',
  DistinguishedNameQualifier: 'REH-0001',
  SerialNumber: 'REH-0001'
}

/** A subject with a CommonName and what the template asks for. */
export function sampleSubjectFor(fields: readonly SubjectField[]): Subject {
  const named = new Set<SubjectField>(['CommonName', ...fields])
  return Object.fromEntries(
    Object.entries(sampleSubject).filter(([field]) => named.has(field as SubjectField))
  )
}
